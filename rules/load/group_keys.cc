#include "rules/load/group_keys.h"

#include <algorithm>
#include <map>

#include "rules/load/schema.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

using Indicators = std::optional<std::vector<IndicatorId>>;

constexpr std::string_view kAttrPrefix = "e.attrs.";

const AttrDeclaration* find_attr(const Indicator& indicator, const std::string& name) {
  for (const AttrDeclaration& attr : indicator.attrs) {
    if (attr.name == name) return &attr;
  }
  return nullptr;
}

// 0 when the values are free.
uint32_t cardinality(const AttrDeclaration& attr) {
  if (attr.type == AttrType::kBool) return 2;
  if (!attr.values.empty()) return static_cast<uint32_t>(attr.values.size());
  return attr.cardinality;
}

void check_attr(RuleScope& scope, const yaml::Node& item, const std::string& name,
                const Indicators& indicators) {
  if (!indicators) {
    scope.error("T0344", item.place, "`by` names an attribute, but `select` names no indicator",
                "add `e.indicator == …` to `select`");
    return;
  }
  bool declared = false;
  std::vector<std::string> known;
  for (const IndicatorId id : *indicators) {
    const Indicator& indicator = scope.catalogue().indicator(id);
    for (const AttrDeclaration& attr : indicator.attrs) known.push_back(attr.name);
    const AttrDeclaration* attr = find_attr(indicator, name);
    if (attr == nullptr) continue;
    declared = true;
    if (attr->type == AttrType::kDouble) {
      scope.error("T0345", item.place,
                  "the attribute `" + name + "` is a measured number and cannot be a key");
    } else if (cardinality(*attr) == 0) {
      scope.error("T0345", item.place,
                  "the attribute `" + name + "` of `" + indicator.name +
                      "` can take any value, so it cannot be a key",
                  "the catalogue may give it `values` or a `cardinality`");
    }
  }
  if (declared || indicators->empty()) return;
  const std::string nearest = nearest_name(name, known);
  scope.error("T0346", item.place,
              "no indicator that the rule selects has the attribute `" + name + "`",
              nearest.empty() ? "" : "did you mean `" + nearest + "`?");
}

std::optional<GroupKey> parse_key(RuleScope& scope, const yaml::Node& item,
                                  const Indicators& indicators, bool has_each) {
  static const std::map<std::string, RegionLevel, std::less<>> levels = {
      {"region@country", RegionLevel::kCountry},
      {"region@admin1", RegionLevel::kAdmin1},
      {"region@admin2", RegionLevel::kAdmin2}};
  GroupKey key;
  const std::string& text = item.scalar;
  if (const auto level = levels.find(text); level != levels.end()) {
    key.level = level->second;
    key.name = "region";
    return key;
  }
  if (text == "e.source" || text == "e.indicator") {
    key.kind = text == "e.source" ? GroupKey::Kind::kSource : GroupKey::Kind::kIndicator;
    key.name = text.substr(2);
    return key;
  }
  if (text == "each") {
    if (!has_each) {
      scope.error("T0348", item.place, "`by` names `each`, but the rule does not say each of what",
                  "`each: e.actors` beside `by`");
      return std::nullopt;
    }
    key.kind = GroupKey::Kind::kEach;
    key.name = text;
    return key;
  }
  if (text.starts_with(kAttrPrefix) && is_identifier(text.substr(kAttrPrefix.size()))) {
    key.kind = GroupKey::Kind::kAttr;
    key.attr = key.name = text.substr(kAttrPrefix.size());
    check_attr(scope, item, key.name, indicators);
    return key;
  }
  const std::vector<std::string> known = {"region@country", "region@admin1", "region@admin2",
                                          "e.source",       "e.indicator",   "each"};
  const std::string nearest = nearest_name(text, known);
  scope.error("T0343", item.place, "`" + text + "` cannot be a group key",
              nearest.empty() ? "region@country, region@admin1, region@admin2, e.source, "
                                "e.indicator, e.attrs.NAME or each"
                              : "did you mean `" + nearest + "`?");
  return std::nullopt;
}

uint64_t values_of(const Catalogue& catalogue, const GroupKey& key, const Indicators& indicators) {
  switch (key.kind) {
    case GroupKey::Kind::kRegion:
      return static_cast<uint64_t>(
          std::count_if(catalogue.regions().begin(), catalogue.regions().end(),
                        [&](const Region& region) { return region.level == key.level; }));
    case GroupKey::Kind::kSource:
      return catalogue.sources().size();
    case GroupKey::Kind::kIndicator:
      return indicators ? indicators->size() : catalogue.indicators().size();
    case GroupKey::Kind::kAttr: {
      uint64_t most = 0;
      for (const IndicatorId id : indicators.value_or(std::vector<IndicatorId>{})) {
        const AttrDeclaration* attr = find_attr(catalogue.indicator(id), key.attr);
        if (attr != nullptr) most = std::max<uint64_t>(most, cardinality(*attr));
      }
      return most;
    }
    case GroupKey::Kind::kEach:
      return UINT32_MAX;
  }
  return UINT32_MAX;
}

}  // namespace

std::vector<GroupKey> compile_group_keys(RuleScope& scope, const Indicators& indicators) {
  return compile_group_keys(scope, scope.node(), "by", indicators);
}

std::vector<GroupKey> compile_group_keys(RuleScope& scope, const yaml::Node& node, const char* name,
                                         const Indicators& indicators) {
  std::vector<GroupKey> keys;
  const bool has_each = scope.node().find("each") != nullptr;
  for (const yaml::Node& item : items_of(node.find(name))) {
    if (!item.is_scalar()) continue;
    auto key = parse_key(scope, item, indicators, has_each);
    if (!key) continue;
    const bool twice = std::any_of(keys.begin(), keys.end(),
                                   [&](const GroupKey& k) { return k.name == key->name; });
    if (twice) {
      scope.error("T0347", item.place, "two group keys would both be called `by." + key->name + "`",
                  "the finer one alone is enough");
      continue;
    }
    keys.push_back(std::move(*key));
  }
  if (keys.size() > 4) scope.error("T0347", node.find(name)->place, "more than four group keys");
  return keys;
}

uint32_t possible_groups(const Catalogue& catalogue, const std::vector<GroupKey>& by,
                         const Indicators& indicators) {
  uint64_t groups = 1;
  for (const GroupKey& key : by) {
    groups *= std::max<uint64_t>(1, values_of(catalogue, key, indicators));
    if (groups > UINT32_MAX) return UINT32_MAX;
  }
  return static_cast<uint32_t>(groups);
}

uint64_t possible_values(const Catalogue& catalogue, const std::string& expression,
                         const Indicators& indicators) {
  GroupKey key;
  if (expression == "e.source" || expression == "e.indicator") {
    key.kind = expression == "e.source" ? GroupKey::Kind::kSource : GroupKey::Kind::kIndicator;
  } else if (expression.starts_with(kAttrPrefix)) {
    key.kind = GroupKey::Kind::kAttr;
    key.attr = expression.substr(kAttrPrefix.size());
  } else {
    return 0;
  }
  return values_of(catalogue, key, indicators);
}

}  // namespace tocsin::rules
