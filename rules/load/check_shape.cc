#include <algorithm>
#include <charconv>

#include "rules/load/schema.h"
#include "rules/model/catalogue.h"
#include "rules/model/time.h"

namespace tocsin::rules {

namespace {

using Kind = Schema::Kind;

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool form_fits(const yaml::Node& node, const Schema& schema) {
  switch (schema.kind) {
    case Kind::kList:
      return node.is_sequence();
    case Kind::kMapping:
    case Kind::kDictionary:
      return node.is_mapping();
    case Kind::kEither:
      return std::any_of(schema.alternatives.begin(), schema.alternatives.end(),
                         [&](const Schema& s) { return form_fits(node, s); });
    case Kind::kAnything:
      return true;
    default:
      return node.is_scalar();
  }
}

// What a person would call a value of this kind.
std::string form_name(const Schema& schema) {
  switch (schema.kind) {
    case Kind::kList:
      return "a list";
    case Kind::kMapping:
    case Kind::kDictionary:
      return "a mapping";
    case Kind::kEither: {
      std::string all;
      for (const Schema& s : schema.alternatives) all += (all.empty() ? "" : " or ") + form_name(s);
      return all;
    }
    case Kind::kExpression:
      return "an expression";
    case Kind::kSpan:
    case Kind::kExactSpan:
      return "a span such as `7d`";
    case Kind::kInteger:
      return "a whole number";
    case Kind::kNumber:
      return "a number";
    case Kind::kBoolean:
      return "true or false";
    default:
      return "a text";
  }
}

// `one thing: another`, which was to be one text.
bool is_split_text(const yaml::Node& node) {
  return node.entries.size() == 1 && node.entries.front().value.is_scalar() &&
         node.entries.front().key_place.column == node.place.column;
}

// The form that was wanted: `[…]`, `{document: …, paragraph: …}`.
std::string example_of(const yaml::Node& node, const Schema& schema) {
  if (schema.kind == Kind::kList) {
    return node.is_scalar() ? "a list, also of one: `[" + node.scalar + "]`" : "a list: `[…, …]`";
  }
  if (schema.kind == Kind::kDictionary) return "names with values: `{NAME: …}`";
  if (schema.kind != Kind::kMapping) return {};
  constexpr size_t kShown = 4;
  std::string fields;
  size_t shown = 0;
  for (const bool wants_required : {true, false}) {
    for (const Schema::Field& field : schema.fields) {
      if (field.presence == Schema::Field::Presence::kNotYet || shown == kShown) continue;
      if ((field.presence == Schema::Field::Presence::kRequired) != wants_required) continue;
      fields += (fields.empty() ? "" : ", ") + field.name + ": …";
      ++shown;
    }
  }
  return "a mapping: `{" + fields + "}`";
}

class ShapeCheck {
 public:
  explicit ShapeCheck(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  void check(const yaml::Node& node, const Schema& schema, const std::string& where) {
    if (schema.kind == Kind::kEither) return check_either(node, schema, where);
    if (schema.kind == Kind::kAnything) return;
    if (!form_fits(node, schema)) return refuse_form(node, schema, where);
    switch (schema.kind) {
      case Kind::kList:
        return check_list(node, schema, where);
      case Kind::kMapping:
        return check_mapping(node, schema, where);
      case Kind::kDictionary:
        return check_dictionary(node, schema, where);
      default:
        return check_scalar(node, schema, where);
    }
  }

 private:
  void refuse(const std::string& code, const yaml::Node& node, std::string message,
              std::string hint = {}) {
    diagnostics_.error(code, node.place, std::move(message), std::move(hint));
  }

  void refuse_form(const yaml::Node& node, const Schema& schema, const std::string& where) {
    std::string hint;
    const bool wants_text = schema.kind == Kind::kText || schema.kind == Kind::kTemplate ||
                            schema.kind == Kind::kExpression;
    if (wants_text && node.is_null()) hint = "write the text; the word `null` needs quotes";
    if (wants_text && node.is_mapping()) {
      hint = is_split_text(node) ? "`: ` makes a key and its value of it: put the text in quotes"
                                 : "a text that begins with `{` needs quotes";
    }
    if (wants_text && node.is_sequence()) hint = "a text that begins with `[` needs quotes";
    if (hint.empty()) hint = example_of(node, schema);
    refuse("T0301", node,
           where + " must be " + form_name(schema) + ", but is " + yaml::form_of(node),
           std::move(hint));
  }

  void check_either(const yaml::Node& node, const Schema& schema, const std::string& where) {
    for (const Schema& alternative : schema.alternatives) {
      if (form_fits(node, alternative)) return check(node, alternative, where);
    }
    refuse_form(node, schema, where);
  }

  void check_list(const yaml::Node& node, const Schema& schema, const std::string& where) {
    if (schema.not_empty && node.items.empty()) refuse("T0302", node, where + " is empty");
    for (const yaml::Node& item : node.items) check(item, *schema.item, "an item of " + where);
  }

  void check_dictionary(const yaml::Node& node, const Schema& schema, const std::string& where) {
    if (schema.not_empty && node.entries.empty()) refuse("T0302", node, where + " is empty");
    for (const auto& [key, key_place, value] : node.entries) {
      yaml::Node key_node;
      key_node.kind = yaml::NodeKind::kScalar;
      key_node.scalar = key;
      key_node.place = key_place;
      check(key_node, *schema.key, "a key of " + where);
      check(value, *schema.item, "`" + key + "`");
    }
  }

  void check_mapping(const yaml::Node& node, const Schema& schema, const std::string& where) {
    std::vector<std::string> known;
    for (const Schema::Field& field : schema.fields) {
      if (field.presence != Schema::Field::Presence::kNotYet) known.push_back(field.name);
    }
    std::vector<std::string> meant;  // by keys that are refused
    for (const yaml::Node::Entry& entry : node.entries) {
      if (schema.extensions && entry.key.starts_with("x-")) continue;
      const auto field = std::find_if(schema.fields.begin(), schema.fields.end(),
                                      [&](const Schema::Field& f) { return f.name == entry.key; });
      if (field == schema.fields.end()) {
        meant.push_back(refuse_key(entry, known, where));
      } else if (field->presence == Schema::Field::Presence::kNotYet) {
        diagnostics_.error("T0304", entry.key_place,
                           "not supported yet in this version: `" + entry.key + "`",
                           "take it out of " + where);
      } else {
        check(entry.value, field->schema, "`" + entry.key + "`");
      }
    }
    for (const Schema::Field& field : schema.fields) {
      const bool is_meant = std::find(meant.begin(), meant.end(), field.name) != meant.end();
      if (field.presence == Schema::Field::Presence::kRequired && !is_meant &&
          node.find(field.name) == nullptr) {
        refuse("T0305", node, where + " lacks `" + field.name + "`", field.schema.about);
      }
    }
  }

  // The key that was meant, as far as can be told.
  std::string refuse_key(const yaml::Node::Entry& entry, const std::vector<std::string>& known,
                         const std::string& where) {
    std::string nearest = nearest_name(entry.key, known);
    std::string hint = nearest.empty() ? "" : "did you mean `" + nearest + "`?";
    if (nearest.empty()) {
      for (const std::string& key : known) hint += (hint.empty() ? "known keys: " : ", ") + key;
    }
    diagnostics_.error("T0303", entry.key_place, "unknown key `" + entry.key + "` in " + where,
                       std::move(hint));
    return nearest;
  }

  void check_scalar(const yaml::Node& node, const Schema& schema, const std::string& where) {
    switch (schema.kind) {
      case Kind::kInteger:
        yaml::as_int(node, where, schema.min, schema.max, diagnostics_);
        return;
      case Kind::kNumber: {
        const auto value = yaml::as_double(node, where, diagnostics_);
        if (value && schema.exclusive_zero && *value <= 0) {
          refuse("T0306", node, where + " must be above 0");
        }
        return;
      }
      case Kind::kBoolean:
        yaml::as_bool(node, where, diagnostics_);
        return;
      case Kind::kWord:
        return check_word(node, schema, where);
      case Kind::kSpan:
      case Kind::kExactSpan:
        return check_span(node, schema, where);
      case Kind::kTime:
        if (!parse_time(node.scalar)) {
          refuse("T0307", node, where + " must be a time such as `2026-10-01`",
                 "RFC 3339, or a date: midnight UTC");
        }
        return;
      case Kind::kBytes:
        if (!parse_bytes(node.scalar)) {
          refuse("T0307", node, where + " must be a size such as `64MiB`");
        }
        return;
      case Kind::kName:
        if (!is_kebab(node.scalar)) {
          refuse("T0308", node, where + " must be in kebab-case, but is `" + node.scalar + "`",
                 "lower-case letters and digits, words joined by `-`");
        }
        return;
      case Kind::kPackage:
        if (!is_package(node.scalar)) {
          refuse("T0308", node,
                 where + " must be kebab-case words joined by dots, but is `" + node.scalar + "`");
        }
        return;
      case Kind::kIdentifier:
        if (!is_identifier(node.scalar)) {
          refuse("T0308", node,
                 where + " must be a name that expressions can use, but is `" + node.scalar + "`",
                 "letters, digits and `_`, not beginning with a digit");
        }
        return;
      case Kind::kText:
        return;
      default:
        if (node.scalar.find_first_not_of(" \t\n") == std::string::npos) {
          refuse("T0302", node, where + " is empty");
        }
        return;
    }
  }

  void check_word(const yaml::Node& node, const Schema& schema, const std::string& where) {
    const auto& words = schema.words;
    if (std::find(words.begin(), words.end(), node.scalar) != words.end()) return;
    const std::string nearest = nearest_name(node.scalar, words);
    std::string hint;
    if (!nearest.empty()) {
      hint = "did you mean `" + nearest + "`?";
    } else {
      for (const std::string& w : words) hint += (hint.empty() ? "one of: " : ", ") + w;
    }
    refuse("T0309", node, where + " cannot be `" + node.scalar + "`", std::move(hint));
  }

  void check_span(const yaml::Node& node, const Schema& schema, const std::string& where) {
    const auto span = parse_span(node.scalar);
    if (!span) {
      return refuse("T0307", node,
                    where + " must be a span such as `7d`, but is `" + node.scalar + "`",
                    "one number and one unit: ms s m h d w, or mo q y for calendar months");
    }
    if (schema.kind == Kind::kExactSpan && span->is_calendar()) {
      return refuse("T0307", node, where + " cannot be in calendar months",
                    "write an exact span: `30d` for `1mo`, `365d` for `1y`");
    }
    if (schema.exclusive_zero && span->is_zero()) {
      refuse("T0306", node, where + " must be above 0");
    }
  }

  Diagnostics& diagnostics_;
};

}  // namespace

bool is_kebab(std::string_view text) {
  if (text.empty() || text.size() > 100 || !is_lower(text.front()) || text.back() == '-') {
    return false;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '-' && text[i - 1] == '-') return false;
    if (text[i] != '-' && !is_lower(text[i]) && !is_digit(text[i])) return false;
  }
  return true;
}

bool is_package(std::string_view text) {
  while (true) {
    const size_t dot = text.find('.');
    if (!is_kebab(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_identifier(std::string_view text) {
  if (text.empty() || text.size() > 64 || is_digit(text.front())) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_lower(c) || is_digit(c) || c == '_' || (c >= 'A' && c <= 'Z');
  });
}

std::optional<uint64_t> parse_bytes(std::string_view text) {
  uint64_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  const std::string_view unit(rest, static_cast<size_t>(text.data() + text.size() - rest));
  int shift = 0;
  if (unit == "KiB") {
    shift = 10;
  } else if (unit == "MiB") {
    shift = 20;
  } else if (unit == "GiB") {
    shift = 30;
  } else if (!unit.empty()) {
    return std::nullopt;
  }
  if (value > (1ULL << 40U) >> static_cast<unsigned>(shift)) return std::nullopt;
  return value << static_cast<unsigned>(shift);
}

void check_shape(const yaml::Node& node, const Schema& schema, const std::string& where,
                 Diagnostics& diagnostics) {
  ShapeCheck(diagnostics).check(node, schema, where);
}

}  // namespace tocsin::rules
