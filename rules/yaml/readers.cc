#include <charconv>
#include <cmath>

#include "rules/model/catalogue.h"
#include "rules/model/utf8.h"
#include "rules/yaml/document.h"

namespace tocsin::yaml {

std::string form_of(const Node& node) {
  switch (node.kind) {
    case NodeKind::kNull:
      return "empty";
    case NodeKind::kScalar: {
      const std::string_view shown = utf8_prefix(node.scalar, 40);
      std::string text = "`";
      text += shown;
      text += shown.size() < node.scalar.size() ? "…`" : "`";
      return text;
    }
    case NodeKind::kSequence:
      return "a list";
    case NodeKind::kMapping:
      return "a mapping";
  }
  return {};
}

namespace {

void refuse(const Node& node, std::string_view what, std::string_view wanted,
            Diagnostics& diagnostics, std::string hint = {}) {
  diagnostics.error(
      "T0011", node.place,
      std::string(what) + " must be " + std::string(wanted) + ", but is " + form_of(node),
      std::move(hint));
}

// A number in a file stands as it is: no quotes, no leading zeros (octal to YAML 1.1), no `_`.
bool is_plain_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || text[0] < '0' || text[0] > '9') return false;
  return !(text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9');
}

std::string number_hint(const Node& node) {
  if (node.is_scalar() && node.quoted) return "write the number without quotes";
  if (node.is_scalar()) return "write it in decimal, without leading zeros, `+`, `_` or unit";
  return {};
}

}  // namespace

std::optional<std::string> as_text(const Node& node, std::string_view what,
                                   Diagnostics& diagnostics) {
  if (node.is_scalar()) return node.scalar;
  refuse(node, what, "a text", diagnostics,
         node.is_null()      ? "write the text; the word `null` itself needs quotes"
         : node.is_mapping() ? "a text that begins with `{` or contains `: ` needs quotes"
                             : "a text that begins with `[` needs quotes");
  return std::nullopt;
}

std::optional<int64_t> as_int(const Node& node, std::string_view what, int64_t min, int64_t max,
                              Diagnostics& diagnostics) {
  int64_t value = 0;
  bool ok = node.is_scalar() && !node.quoted && is_plain_number(node.scalar);
  if (ok) {
    const char* end = node.scalar.data() + node.scalar.size();
    const auto [rest, error] = std::from_chars(node.scalar.data(), end, value);
    ok = error == std::errc() && rest == end;
  }
  if (!ok) {
    refuse(node, what, "a whole number", diagnostics, number_hint(node));
    return std::nullopt;
  }
  if (value < min || value > max) {
    diagnostics.error("T0012", node.place,
                      std::string(what) + " must be between " + std::to_string(min) + " and " +
                          std::to_string(max) + ", but is " + node.scalar);
    return std::nullopt;
  }
  return value;
}

std::optional<double> as_double(const Node& node, std::string_view what, Diagnostics& diagnostics) {
  double value = 0;
  bool ok = node.is_scalar() && !node.quoted && is_plain_number(node.scalar);
  if (ok) {
    const char* end = node.scalar.data() + node.scalar.size();
    const auto [rest, error] = std::from_chars(node.scalar.data(), end, value);
    ok = error == std::errc() && rest == end && std::isfinite(value);
  }
  if (!ok) {
    refuse(node, what, "a number", diagnostics, number_hint(node));
    return std::nullopt;
  }
  return value;
}

std::optional<bool> as_bool(const Node& node, std::string_view what, Diagnostics& diagnostics) {
  if (node.is_scalar() && !node.quoted) {
    if (node.scalar == "true") return true;
    if (node.scalar == "false") return false;
  }
  refuse(node, what, "true or false", diagnostics,
         node.is_scalar() && node.quoted ? "write it without quotes" : "");
  return std::nullopt;
}

std::optional<std::vector<std::string>> as_texts(const Node& node, std::string_view what,
                                                 Diagnostics& diagnostics) {
  if (node.is_scalar()) return std::vector<std::string>{node.scalar};
  if (!node.is_sequence()) {
    refuse(node, what, "a list of texts", diagnostics);
    return std::nullopt;
  }
  std::vector<std::string> texts;
  bool good = true;
  for (const Node& item : node.items) {
    const auto text = as_text(item, "an item of " + std::string(what), diagnostics);
    if (text) {
      texts.push_back(*text);
    } else {
      good = false;
    }
  }
  if (!good) return std::nullopt;
  return texts;
}

void refuse_unknown_keys(const Node& mapping, const std::vector<std::string>& known,
                         std::string_view where, Diagnostics& diagnostics) {
  for (const Node::Entry& entry : mapping.entries) {
    bool found = false;
    for (const std::string& key : known) found = found || key == entry.key;
    if (found) continue;
    const std::string nearest = nearest_name(entry.key, known);
    std::string hint;
    if (!nearest.empty()) {
      hint = "did you mean `" + nearest + "`?";
    } else {
      for (const std::string& key : known) hint += (hint.empty() ? "known keys: " : ", ") + key;
    }
    diagnostics.error("T0013", entry.key_place,
                      "unknown key `" + entry.key + "` in " + std::string(where), std::move(hint));
  }
}

}  // namespace tocsin::yaml
