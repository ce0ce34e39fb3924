#include "rules/load/exception_item.h"

#include <fmt/format.h>

#include <algorithm>

#include "rules/load/tunable.h"
#include "rules/load/values.h"
#include "rules/model/json_text.h"

namespace tocsin::rules {

namespace {

template <typename Named>
std::vector<std::string> names_of(const std::vector<Named>& all) {
  std::vector<std::string> names;
  for (const Named& one : all) {
    if constexpr (requires { one.id; }) {
      names.push_back(one.id);
    } else {
      names.push_back(one.name);
    }
  }
  return names;
}

std::string hint_for(const std::string& word, const std::vector<std::string>& known) {
  const std::string near = nearest_name(word, known);
  if (!near.empty()) return "did you mean `" + near + "`?";
  return known.size() <= 12 ? fmt::format("one of: {}", fmt::join(known, ", ")) : "";
}

// Whether the catalogue has what a field of its own names.
bool check_value(const ExceptionField& field, const Catalogue& catalogue,
                 Diagnostics& diagnostics) {
  std::vector<std::string> known;
  if (field.name == "region") {
    const auto found = catalogue.find_region(field.value);
    if (found && catalogue.region(*found).id == field.value) return true;
    known = found ? std::vector{catalogue.region(*found).id} : names_of(catalogue.regions());
  } else if (field.name == "source") {
    if (catalogue.find_source(field.value)) return true;
    known = names_of(catalogue.sources());
  } else if (field.name == "indicator") {
    if (catalogue.find_indicator(field.value)) return true;
    known = names_of(catalogue.indicators());
  } else {
    return true;  // attrs depend on what the rule selects
  }
  diagnostics.error("T0394", field.place, "there is no " + field.name + " `" + field.value + "`",
                    hint_for(field.value, known));
  return false;
}

// The value as a literal, when an attr declared so can have it.
std::optional<std::string> literal_of(const std::string& value, const AttrDeclaration& attr) {
  yaml::Node node;
  node.kind = yaml::NodeKind::kScalar;
  node.scalar = value;
  Diagnostics none;
  switch (attr.type) {
    case AttrType::kString:
      if (!attr.values.empty() &&
          std::find(attr.values.begin(), attr.values.end(), value) == attr.values.end()) {
        return std::nullopt;
      }
      return json_string(value);
    case AttrType::kBool:
      if (value != "true" && value != "false") return std::nullopt;
      return value;
    case AttrType::kInt:
      if (const auto number = yaml::as_int(node, "", INT64_MIN, INT64_MAX, none)) {
        return std::to_string(*number);
      }
      return std::nullopt;
    case AttrType::kDouble:
      if (const auto number = yaml::as_double(node, "", none)) {
        return fmt::format("double(\"{}\")", *number);
      }
      return std::nullopt;
  }
  return std::nullopt;
}

std::string_view what_it_takes(AttrType type) {
  switch (type) {
    case AttrType::kString:
      return "a text";
    case AttrType::kBool:
      return "true or false";
    case AttrType::kInt:
      return "a whole number";
    case AttrType::kDouble:
      return "a number";
  }
  return "";
}

// Finds what an item comes to in a rule.
class Condition {
 public:
  Condition(const ExceptionItem& item, const Catalogue& catalogue, const Rule& rule)
      : item_(item), catalogue_(catalogue), rule_(rule) {}

  ExceptionCondition take() {
    narrow_indicators();
    for (const ExceptionField& field : item_.fields) {
      if (!result_.why_never.empty()) break;
      if (field.name == "region") {
        add_region(field);
      } else if (field.name == "source") {
        add_source(field);
      } else if (field.name != "indicator") {
        add_attr(field);
      }
    }
    if (!result_.why_never.empty()) result_.source.clear();
    return std::move(result_);
  }

 private:
  void narrow_indicators() {
    if (rule_.indicators) {
      indicators_ = *rule_.indicators;
    } else {
      for (size_t i = 0; i < catalogue_.indicators().size(); ++i) {
        indicators_.push_back(static_cast<IndicatorId>(i));
      }
    }
    const std::string* wanted = item_.find("indicator");
    if (wanted == nullptr) return;
    const IndicatorId id = *catalogue_.find_indicator(*wanted);
    if (std::find(indicators_.begin(), indicators_.end(), id) == indicators_.end()) {
      never(field("indicator"), "the rule never looks at `" + *wanted + "`");
    }
    indicators_ = {id};
    add("e.indicator == " + json_string(*wanted));
  }

  void add_region(const ExceptionField& field) {
    const RegionId country = catalogue_.region(*catalogue_.find_region(field.value)).country;
    const auto is_there = [&](RegionId id) { return catalogue_.region(id).country == country; };
    if (rule_.countries &&
        std::none_of(rule_.countries->begin(), rule_.countries->end(), is_there)) {
      never(field, "the rule looks at no place in `" + field.value + "`");
    }
    add("region(e).within(" + json_string(field.value) + ")");
  }

  void add_source(const ExceptionField& field) {
    const std::vector<IndicatorId>& sent =
        catalogue_.source(*catalogue_.find_source(field.value)).indicators;
    const auto sends = [&](IndicatorId id) {
      return std::binary_search(sent.begin(), sent.end(), id);
    };
    if (std::none_of(indicators_.begin(), indicators_.end(), sends)) {
      never(field, "the source `" + field.value + "` sends nothing that it looks at");
    }
    add("e.source == " + json_string(field.value));
  }

  void add_attr(const ExceptionField& field) {
    const std::string name(attr_of(field.name));
    std::vector<std::string> literals;
    std::vector<std::string> values;
    std::string_view takes;
    for (const IndicatorId id : indicators_) {
      for (const AttrDeclaration& attr : catalogue_.indicator(id).attrs) {
        if (attr.name != name) continue;
        takes = what_it_takes(attr.type);
        values.insert(values.end(), attr.values.begin(), attr.values.end());
        const auto literal = literal_of(field.value, attr);
        if (!literal) continue;
        if (std::find(literals.begin(), literals.end(), *literal) == literals.end()) {
          literals.push_back(*literal);
        }
      }
    }
    if (takes.empty()) return never(field, "no such event has the attribute `" + name + "`");
    if (literals.empty()) {
      return never(field, "`" + name + "` is never `" + field.value + "`",
                   values.empty() ? "it is " + std::string(takes) : hint_for(field.value, values));
    }
    std::string any;
    for (const std::string& literal : literals) {
      any += fmt::format("{}{} == {}", any.empty() ? "" : " || ", field.name, literal);
    }
    add(fmt::format("has({}) && ({})", field.name, any));
  }

  void add(const std::string& condition) {
    result_.source += (result_.source.empty() ? "" : " && ") + condition;
  }

  const ExceptionField& field(std::string_view name) const {
    return *std::find_if(item_.fields.begin(), item_.fields.end(),
                         [&](const ExceptionField& field) { return field.name == name; });
  }

  void never(const ExceptionField& field, std::string why, std::string hint = {}) {
    result_.why_never = std::move(why);
    result_.hint = std::move(hint);
    result_.place = field.place;
  }

  const ExceptionItem& item_;
  const Catalogue& catalogue_;
  const Rule& rule_;
  std::vector<IndicatorId> indicators_;  // of events that it may be about
  ExceptionCondition result_;
};

bool is_within(const Catalogue& catalogue, const std::string& inner, const std::string& outer) {
  const RegionId wanted = *catalogue.find_region(outer);
  for (RegionId at = *catalogue.find_region(inner);;) {
    if (at == wanted) return true;
    const RegionId parent = catalogue.region(at).parent;
    if (parent == at) return false;
    at = parent;
  }
}

}  // namespace

const std::string* ExceptionItem::find(std::string_view name) const {
  for (const ExceptionField& field : fields) {
    if (field.name == name) return &field.value;
  }
  return nullptr;
}

std::optional<ExceptionItem> read_exception_item(const yaml::Node& node, const Catalogue& catalogue,
                                                 Diagnostics& diagnostics) {
  const int errors_before = diagnostics.errors();
  ExceptionItem item;
  item.place = node.place;
  for (const auto& entry : node.entries) {
    if (!entry.value.is_scalar()) continue;  // told by the check of the shape
    const auto name = tunable_field(entry.key);
    if (!name) {
      diagnostics.error("T0393", entry.key_place, "`" + entry.key + "` is no field of an event",
                        "region, source, indicator, or the name of an attribute");
    } else if (item.find(*name) != nullptr) {
      diagnostics.error("T0393", entry.key_place, "`" + entry.key + "` stands here twice");
    } else {
      const ExceptionField field{*name, entry.value.scalar, entry.value.place};
      if (check_value(field, catalogue, diagnostics)) item.fields.push_back(field);
    }
  }
  if (diagnostics.errors() != errors_before || item.fields.empty()) return std::nullopt;
  std::sort(item.fields.begin(), item.fields.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return item;
}

ExceptionCondition condition_of(const ExceptionItem& item, const Catalogue& catalogue,
                                const Rule& rule) {
  return Condition(item, catalogue, rule).take();
}

bool covers(const ExceptionItem& wide, const ExceptionItem& narrow, const Catalogue& catalogue) {
  return std::all_of(wide.fields.begin(), wide.fields.end(), [&](const ExceptionField& field) {
    const std::string* value = narrow.find(field.name);
    if (value == nullptr) return false;
    return field.name == "region" ? is_within(catalogue, *value, field.value)
                                  : *value == field.value;
  });
}

}  // namespace tocsin::rules
