#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "rules/authoring/known_ranges.h"
#include "rules/authoring/lint.h"
#include "rules/authoring/rule_programs.h"
#include "rules/authoring/why_never.h"
#include "rules/cel/printer.h"
#include "rules/load/bounds.h"

namespace tocsin::rules {

namespace {

Place place_of(const cel::Program& program) { return program.tree().source->places.start(); }

class ConditionLint {
 public:
  ConditionLint(const Catalogue& catalogue, const Rule& rule, Diagnostics& diagnostics)
      : rule_(rule),
        diagnostics_(diagnostics),
        of_event_(ranges_of_event(catalogue, rule)),
        of_variables_(ranges_of_variables(catalogue, rule)) {
    if (rule.kind() == RuleKind::kEvent) {
      of_variables_.insert(of_event_.begin(), of_event_.end());
      own_ = rule.select ? &*rule.select : nullptr;
    } else if (const auto* threshold = std::get_if<ThresholdDetect>(&rule.detect)) {
      own_ = &threshold->when;
    }
  }

  void run() {
    const bool can_match = check_event_conditions();
    const bool can_fire = can_match && check_own_condition();
    if (!can_fire) return;  // what depends on it would be told again
    for (const LevelSpec& level : rule_.levels) check_level(level);
    check_hidden_levels();
  }

 private:
  void warn(const char* code, const Place& place, std::string message, std::string hint) {
    diagnostics_.warning(code, place, std::move(message), std::move(hint));
  }

  static std::string name_of(const LevelSpec& level) {
    return "`" + std::string(to_string(level.level)) + "`";
  }

  bool check_event_conditions() {
    bool good = true;
    for (const auto& [name, program] : event_conditions(rule_)) {
      const auto& indicators = program->analysis().indicators;
      if (indicators && indicators->empty()) continue;  // T0341 told it
      const std::string why = why_never({{program}}, of_event_);
      if (why.empty()) continue;
      warn("T0380", place_of(*program), name + " can never be true: " + why,
           "no event can be like that; the rule waits for ever");
      good = false;
    }
    return good;
  }

  bool check_own_condition() {
    if (own_ == nullptr || rule_.kind() == RuleKind::kEvent) return true;
    const std::string why = why_never({{own_}}, of_variables_);
    if (why.empty()) return true;
    warn("T0381", place_of(*own_), "`when` can never be true: " + why, "the rule never fires");
    return false;
  }

  // The rule's own condition with what is known of the variables when it holds.
  std::vector<Condition> own_conditions() const {
    if (own_ == nullptr) return {};
    return {{own_}};
  }

  KnownRanges ranges_when_firing() const {
    KnownRanges ranges = of_variables_;
    for (const auto& [name, range] : ranges_of_kind(rule_)) {
      ranges[name].least = std::max(ranges[name].least, range.least);
      ranges[name].most = std::min(ranges[name].most, range.most);
    }
    return ranges;
  }

  void check_level(const LevelSpec& level) {
    if (!level.when) return;
    const std::string alone = why_never({{&*level.when}}, of_variables_);
    if (!alone.empty()) {
      warn("T0381", place_of(*level.when),
           "the level " + name_of(level) + " can never be entered: " + alone,
           "take it out, or ask for less");
      return;
    }
    std::vector<Condition> conditions = own_conditions();
    conditions.push_back({&*level.when});
    const std::string why = why_never(conditions, ranges_when_firing());
    if (!why.empty()) {
      warn("T0382", place_of(*level.when),
           "the level " + name_of(level) + " is never reached: " + why,
           "a level counts only while the rule's own condition holds");
      return;
    }
    check_looser(level);
  }

  // A level that begins below the rule's own bound begins there all the same.
  void check_looser(const LevelSpec& level) {
    std::vector<Comparison> own;
    if (own_ != nullptr) own = required_comparisons(own_->tree());
    for (const auto& [name, range] : ranges_of_kind(rule_)) {
      if (std::isfinite(range.least)) own.push_back({name, true, false, range.least});
      if (std::isfinite(range.most)) own.push_back({name, false, false, range.most});
    }
    for (const Comparison& asked : required_comparisons(level.when->tree())) {
      const auto bound = std::find_if(own.begin(), own.end(), [&](const Comparison& each) {
        return each.variable == asked.variable && each.upward == asked.upward &&
               (each.upward ? asked.value < each.value : asked.value > each.value);
      });
      if (bound == own.end()) continue;
      warn(
          "T0383", place_of(*level.when),
          fmt::format("the level {} asks for {}, which is less than the rule itself asks for: {}",
                      name_of(level), text_of(asked), text_of(*bound)),
          fmt::format("it begins at {}: say so here, or lower the rule's own bound", bound->value));
      return;
    }
  }

  static std::string text_of(const Comparison& comparison) {
    return fmt::format("`{} {}{} {}`", comparison.variable, comparison.upward ? '>' : '<',
                       comparison.strict ? "" : "=", comparison.value);
  }

  // Below a level that holds whenever the rule fires no other is ever seen.
  void check_hidden_levels() {
    for (size_t i = rule_.levels.size(); i-- > 1;) {
      const LevelSpec& level = rule_.levels[i];
      if (!level.hold.is_zero()) continue;  // the lower one is told until then
      if (level.when && !is_implied(*level.when)) continue;
      const LevelSpec& lower = rule_.levels[i - 1];
      warn("T0383", lower.when ? place_of(*lower.when) : rule_.place,
           "the level " + name_of(lower) + " is never told: " + name_of(level) +
               " holds whenever the rule fires",
           "ask for more in " + name_of(level) + ", or take " + name_of(lower) + " out");
      return;
    }
  }

  // Whether it holds whenever the rule's own condition does.
  bool is_implied(const cel::Program& when) const {
    const KnownRanges kind = ranges_of_kind(rule_);
    if (own_ == nullptr && kind.empty()) return false;
    std::vector<Condition> conditions = own_conditions();
    conditions.push_back({&when, false});
    return !why_never(conditions, ranges_when_firing()).empty();
  }

  const Rule& rule_;
  Diagnostics& diagnostics_;
  KnownRanges of_event_;
  KnownRanges of_variables_;
  const cel::Program* own_ = nullptr;  // what must hold before a level counts
};

}  // namespace

void lint_conditions(const Catalogue& catalogue, const Rule& rule, Diagnostics& diagnostics) {
  ConditionLint(catalogue, rule, diagnostics).run();
}

}  // namespace tocsin::rules
