#include "rules/load/tunable.h"

#include <algorithm>

#include "rules/load/overlays.h"
#include "rules/load/schema.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

constexpr std::string_view kAttrPrefix = "e.attrs.";

// Whether events come to the rule itself, and not only to what it reads.
bool takes_events(const Rule& rule) {
  if (const auto* index = std::get_if<IndexDetect>(&rule.detect)) {
    return std::any_of(index->parts.begin(), index->parts.end(),
                       [](const IndexPart& part) { return part.events.has_value(); });
  }
  return has_select(rule.kind()) || rule.kind() == RuleKind::kSequence;
}

std::vector<std::string> attrs_of(const Catalogue& catalogue, const Rule& rule) {
  std::vector<std::string> names;
  for (size_t i = 0; i < catalogue.indicators().size(); ++i) {
    const auto id = static_cast<IndicatorId>(i);
    const bool is_selected =
        !rule.indicators ||
        std::find(rule.indicators->begin(), rule.indicators->end(), id) != rule.indicators->end();
    if (!is_selected) continue;
    for (const AttrDeclaration& attr : catalogue.indicator(id).attrs) names.push_back(attr.name);
  }
  return names;
}

}  // namespace

std::optional<std::string> tunable_field(std::string_view written) {
  if (written == "region" || written == "source" || written == "indicator") {
    return std::string(written);
  }
  const std::string_view name =
      written.starts_with(kAttrPrefix) ? written.substr(kAttrPrefix.size()) : written;
  if (!is_identifier(name)) return std::nullopt;
  return std::string(kAttrPrefix) + std::string(name);
}

std::string_view attr_of(std::string_view field) {
  return field.starts_with(kAttrPrefix) ? field.substr(kAttrPrefix.size()) : std::string_view();
}

std::vector<std::string> read_tunable(RuleScope& scope, const Rule& rule) {
  std::vector<std::string> fields;
  const yaml::Node* tunable = scope.node().find("tunable");
  if (tunable == nullptr) return fields;
  const std::vector<std::string> attrs = attrs_of(scope.catalogue(), rule);
  for (const yaml::Node& item : items_of(tunable)) {
    if (!item.is_scalar()) continue;
    if (is_number_path(item.scalar)) {
      if (number_at_path(scope.node(), item.scalar) != nullptr) continue;
      scope.error("T0398", item.place, "the rule has no number at `" + item.scalar + "`",
                  "a path to one: `levels.warning.surprise`, `detect.floor`");
      continue;
    }
    if (!takes_events(rule)) {
      scope.without_effect("tunable", item, "it takes no events of its own to leave out");
      continue;
    }
    const auto field = tunable_field(item.scalar);
    const std::string name(field ? attr_of(*field) : item.scalar);
    const bool is_there =
        field && (name.empty() || std::find(attrs.begin(), attrs.end(), name) != attrs.end());
    if (!is_there) {
      std::vector<std::string> known = attrs;
      known.insert(known.end(), {"region", "source", "indicator"});
      const std::string near = nearest_name(name, known);
      scope.error("T0393", item.place, "`" + item.scalar + "` cannot be opened for exceptions",
                  near.empty() ? "region, source, indicator, or an attribute of what it selects"
                               : "did you mean `" + near + "`?");
    } else if (std::find(fields.begin(), fields.end(), *field) != fields.end()) {
      scope.error("T0393", item.place, "`" + item.scalar + "` is opened twice");
    } else {
      fields.push_back(*field);
    }
  }
  return fields;
}

}  // namespace tocsin::rules
