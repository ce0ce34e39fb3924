#include <algorithm>

#include "rules/load/detect.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

constexpr size_t kMostParts = 3;

bool read_term(RuleScope& scope, const yaml::Node& node, NewTermDetect& detect) {
  for (const yaml::Node& part : node.items) {
    auto program = scope.scalar(part, "`term`", value_environment(scope));
    if (!program) return false;
    detect.term.push_back(std::move(*program));
  }
  if (detect.term.size() <= kMostParts) return !detect.term.empty();
  scope.error("T0371", node.place, "`term` has more than three parts",
              "nearly every combination of so many is new; take fewer, or put some into `by`");
  return false;
}

bool read_learning(RuleScope& scope, const yaml::Node& node, NewTermDetect& detect) {
  detect.learn_for = span_at(node, "for");
  if (const auto events = int_at(node, "or_events")) {
    detect.learn_events = static_cast<uint32_t>(*events);
  }
  if (!detect.learn_for && !detect.learn_events) {
    scope.error("T0371", node.place, "`learn` says neither how long nor how many events",
                "`{for: 180d}`, `{or_events: 200}`, or both");
    return false;
  }
  if (!detect.learn_for || longest(*detect.learn_for) <= longest(detect.history)) return true;
  scope.error("T0371", node.find("for")->place,
              "a group would forget what it has learned: `for` is longer than `history`");
  return false;
}

// A group of the country itself has no other groups to ask.
bool check_parent(RuleScope& scope, const yaml::Node& node, const std::vector<GroupKey>& by) {
  const bool is_part = std::any_of(by.begin(), by.end(), [](const GroupKey& key) {
    return key.kind == GroupKey::Kind::kRegion && key.level != RegionLevel::kCountry;
  });
  if (is_part) return true;
  scope.error("T0372", node.place, "`also_new_to` needs groups that are parts of a country",
              "`by: [region@admin1]` or `by: [region@admin2]`");
  return false;
}

}  // namespace

std::optional<Detect> compile_new_term(RuleScope& scope, const yaml::Node& detect,
                                       const std::vector<GroupKey>& by) {
  const yaml::Node* term = detect.find("term");
  const auto history = span_at(detect, "history");
  if (term == nullptr || !history) return std::nullopt;
  NewTermDetect compiled;
  compiled.history = *history;
  bool good = read_term(scope, *term, compiled);
  if (const yaml::Node* learn = detect.find("learn"); learn != nullptr && learn->is_mapping()) {
    good = read_learning(scope, *learn, compiled) && good;
  }
  compiled.max_terms =
      static_cast<uint32_t>(int_at(detect, "max_terms").value_or(compiled.max_terms));
  compiled.missing_is_term = text_at(detect, "missing_field").value_or("") == "alert";
  const yaml::Node* parent = detect.find("also_new_to");
  compiled.also_new_to_country = parent != nullptr && !parent->items.empty();
  if (compiled.also_new_to_country) good = check_parent(scope, *parent, by) && good;
  if (!good) return std::nullopt;
  return compiled;
}

}  // namespace tocsin::rules
