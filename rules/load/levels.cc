#include "rules/load/levels.h"

#include <algorithm>

#include "rules/cel/printer.h"
#include "rules/load/bounds.h"
#include "rules/load/detect.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

// The number under `score`, or under `surprise` where the method gives one; nullptr when neither.
const yaml::Node* score_node(RuleScope& scope, const yaml::Node& level, const SurgeDetect& surge) {
  const yaml::Node* score = level.find("score");
  const yaml::Node* surprise = level.find("surprise");
  if (surprise == nullptr) return score;
  if (score != nullptr) {
    scope.error("T0360", surprise->place, "`surprise` and `score` are the same number");
  } else if (!gives_surprise(surge.method)) {
    scope.error("T0360", surprise->place, "the rule's method gives no surprise", "write `score`");
  }
  return surprise;
}

class LevelCompiler {
 public:
  LevelCompiler(RuleScope& scope, const Detect& detect)
      : scope_(scope), detect_(detect), environment_(scope.variable_environment(detect)) {}

  std::vector<LevelSpec> compile() {
    const yaml::Node* levels = scope_.node().find("levels");
    const yaml::Node* severity = scope_.node().find("severity");
    if (levels != nullptr && severity != nullptr) {
      scope_.error("T0361", severity->place, "the rule has both `levels` and `severity`",
                   "`severity` is the short form for one level");
    } else if (levels == nullptr && severity == nullptr) {
      scope_.error("T0361", scope_.node().place, "the rule has no level",
                   "add `severity: watch`, or `levels`");
    }
    if (levels != nullptr) {
      for (const auto& entry : levels->entries) compile_level(entry);
    } else if (const auto level = word_at<Level>(scope_.node(), "severity")) {
      specs_.emplace_back().level = *level;
    }
    std::sort(specs_.begin(), specs_.end(),
              [](const LevelSpec& a, const LevelSpec& b) { return a.level < b.level; });
    check_order(levels);
    for (const LevelSpec& spec : specs_) {
      if (scope_.kind() == RuleKind::kLayers && !spec.when && severity != nullptr) {
        scope_.error("T0390", severity->place, "layers need to know how many",
                     "instead of `severity`: `levels: {warning: {distinct: 3}}`");
      }
      if (scope_.kind() != RuleKind::kIndex || spec.when) continue;
      scope_.error("T0378", levels == nullptr ? severity->place : levels->place,
                   "`" + std::string(to_string(spec.level)) + "` of an index lacks `enter`",
                   "from which index on: `levels: {warning: {enter: 50, exit: 44}}`");
    }
    return std::move(specs_);
  }

 private:
  void compile_level(const yaml::Node::Entry& entry) {
    const auto level = parse_enum<Level>(entry.key);
    if (!level || *level == Level::kNone || !entry.value.is_mapping()) return;
    LevelSpec spec;
    spec.level = *level;
    compile_enter(entry.value, spec);
    if (is_of_matches(scope_.kind())) {
      refuse_without_effect(entry.value);
    } else {
      spec.hold = span_at(entry.value, "for").value_or(Span{});
      compile_exit(entry.value, spec);
      check_exit(entry.value, spec);
    }
    specs_.push_back(std::move(spec));
  }

  void refuse_without_effect(const yaml::Node& level) {
    const auto refuse = [&](const char* key, const char* reason) {
      if (const yaml::Node* node = level.find(key)) scope_.without_effect(key, *node, reason);
    };
    refuse("for", "a match is a point in time: nothing holds for long");
    refuse("exit", "a level is left `hold` after its last match: `alert: {hold: 72h}`");
  }

  // The number that a level of this kind may give instead of `when`, and the variable it bounds.
  const yaml::Node* number_node(const yaml::Node& level, std::string& variable) {
    if (const auto* surge = std::get_if<SurgeDetect>(&detect_)) {
      variable = "score";
      return score_node(scope_, level, *surge);
    }
    if (scope_.kind() == RuleKind::kTrend) {
      variable = "slope";
      return level.find("slope");
    }
    if (scope_.kind() == RuleKind::kIndex) {
      variable = "index";
      const yaml::Node* enter = level.find("enter");
      Diagnostics told;
      const auto number = enter == nullptr ? std::nullopt : yaml::as_double(*enter, "", told);
      if (number && !(*number > 0 && *number <= 100)) {
        scope_.error("T0378", enter->place, "an index goes from 0 to 100",
                     "`enter` is above 0 and at most 100");
      }
      return enter;
    }
    if (scope_.kind() == RuleKind::kSpillover) {
      variable = "pressure";
      return level.find("pressure");
    }
    variable = "missed";
    return scope_.kind() == RuleKind::kAbsence ? level.find("missed") : nullptr;
  }

  bool is_falling() const {
    const auto* trend = std::get_if<TrendDetect>(&detect_);
    return trend != nullptr && trend->is_falling;
  }

  std::string number_text(const yaml::Node& node) const {
    Diagnostics told;
    if (scope_.kind() == RuleKind::kAbsence) return node.scalar;
    return cel::print_double(yaml::as_double(node, "", told).value_or(0));
  }

  // What is new to the parent is new to the group too.
  void compile_new_to(const yaml::Node& new_to, LevelSpec& spec) {
    if (new_to.scalar != "parent") return;
    check_parent_asked(new_to.place);
    spec.when = scope_.written("new_to == \"parent\"", new_to.place, environment_);
  }

  void check_parent_asked(const Place& place) {
    if (std::get<NewTermDetect>(detect_).also_new_to_country) return;
    scope_.error("T0373", place, "the rule does not ask whether a term is new to a parent",
                 "add `also_new_to: [region@country]` to `detect`");
  }

  void compile_enter(const yaml::Node& node, LevelSpec& spec) {
    const yaml::Node* when = node.find("when");
    if (scope_.kind() == RuleKind::kLayers && when == nullptr) {
      compile_layers_enter(node, spec);
      return;
    }
    const yaml::Node* new_to = node.find("new_to");
    if (new_to != nullptr && scope_.kind() == RuleKind::kNewTerm) {
      if (when == nullptr) {
        compile_new_to(*new_to, spec);
      } else {
        scope_.error("T0362", when->place, "a level has either `new_to` or `when`",
                     "`when` may ask for both: `new_to == \"parent\" && …`");
      }
      return;
    }
    std::string variable;
    const yaml::Node* number = number_node(node, variable);
    if (number != nullptr && when != nullptr) {
      scope_.error("T0362", when->place, "a level has either a number or `when`");
    } else if (when != nullptr) {
      spec.when = scope_.predicate(*when, "`when`", environment_);
      if (spec.when && sees_event(scope_.kind())) check_of_event(*when, *spec.when);
      if (spec.when && spec.when->analysis().variables.contains("new_to") &&
          scope_.kind() == RuleKind::kNewTerm) {
        check_parent_asked(when->places.start());
      }
    } else if (number != nullptr && number->is_scalar()) {
      const std::string bound = (is_falling() ? " <= " : " >= ") + number_text(*number);
      spec.when = scope_.written(variable + bound, number->place, environment_);
    }
  }

  // So many layers, and of the kind that `require` asks for.
  void compile_layers_enter(const yaml::Node& node, LevelSpec& spec) {
    const yaml::Node* distinct = node.find("distinct");
    const yaml::Node* require = node.find("require");
    if (distinct == nullptr || !distinct->is_scalar()) {
      scope_.error("T0390", node.place, "a level of layers lacks `distinct`",
                   "how many at least: `warning: {distinct: 3}`");
      return;
    }
    std::string text = "distinct >= " + number_text(*distinct);
    if (require != nullptr) {
      const auto condition = scope_.predicate(*require, "`require`", environment_);
      if (!condition) return;
      text += " && (" + condition->source() + ")";
    }
    spec.when = scope_.written(text, distinct->place, environment_);
  }

  std::string rule_of_kind() const {
    return scope_.kind() == RuleKind::kEvent ? "an event rule" : "a new_term rule";
  }

  // One event is judged by itself: what the alert has come to so far depends on arrivals.
  void check_of_event(const yaml::Node& node, const cel::Program& when) {
    for (const char* name : {"level", "level_rank", "starts_at"}) {
      if (!when.analysis().variables.contains(name)) continue;
      scope_.error("T0369", node.places.start(),
                   "`when` of " + rule_of_kind() + " cannot use `" + std::string(name) + "`",
                   "it judges the event `e` alone; texts may name the alert");
    }
  }

  void compile_exit(const yaml::Node& node, LevelSpec& spec) {
    const yaml::Node* exit = node.find("exit");
    if (exit == nullptr) return;
    Diagnostics told;
    if (scope_.kind() == RuleKind::kIndex && yaml::as_double(*exit, "", told)) {
      spec.exit = scope_.written("index < " + number_text(*exit), exit->place, environment_);
      return;
    }
    if (exit->is_scalar()) {
      spec.exit = scope_.predicate(*exit, "`exit`", environment_);
      return;
    }
    if (const auto bound = exit_number(*exit)) {
      spec.exit = scope_.written(bound->first + " < " + number_text(*bound->second),
                                 bound->second->place, environment_);
      return;
    }
    if (scope_.kind() == RuleKind::kTrend) {
      const yaml::Node* slope = exit->find("slope");
      if (slope == nullptr || !slope->is_scalar()) return;
      const std::string bound = (is_falling() ? "slope > " : "slope < ") + number_text(*slope);
      spec.exit = scope_.written(bound, slope->place, environment_);
      return;
    }
    const auto* surge = std::get_if<SurgeDetect>(&detect_);
    if (surge == nullptr) return;
    const yaml::Node* number = score_node(scope_, *exit, *surge);
    if (number != nullptr && number->is_scalar()) {
      spec.exit = scope_.written("score < " + number_text(*number), number->place, environment_);
    }
  }

  // `exit: {pressure: 4.0}` and `exit: {distinct: 2}`.
  std::optional<std::pair<std::string, const yaml::Node*>> exit_number(
      const yaml::Node& exit) const {
    const char* key = scope_.kind() == RuleKind::kSpillover ? "pressure"
                      : scope_.kind() == RuleKind::kLayers  ? "distinct"
                                                            : nullptr;
    const yaml::Node* number = key == nullptr ? nullptr : exit.find(key);
    if (number == nullptr || !number->is_scalar()) return std::nullopt;
    return std::pair(std::string(key), number);
  }

  // Leaving must ask for more than entering refuses, else the alert flaps on one number.
  void check_exit(const yaml::Node& node, const LevelSpec& spec) {
    if (!spec.exit) return;
    const Place& place = node.find("exit")->place;
    if (!spec.when && scope_.kind() == RuleKind::kIndex) return;  // told: it lacks `enter`
    if (!spec.when && node.find("when") != nullptr) return;       // told: what is wrong with it
    if (!spec.when) {
      scope_.warning("T0363", place, "`exit` without `when`: the level ends when `exit` holds",
                     "give the level a `when` too");
      return;
    }
    const std::string complaint = exit_complaint(spec.when->source(), spec.exit->source());
    if (!complaint.empty()) {
      scope_.error(
          "T0364", place, complaint,
          "leave at a lower value than the one that enters, so that the alert does not flap");
    }
  }

  // A higher level that is entered before a lower one was written the wrong way round.
  void check_order(const yaml::Node* levels) {
    for (size_t i = 1; i < specs_.size(); ++i) {
      if (is_reached_with(specs_[i - 1], specs_[i])) tell_wrong_order(*levels, i);
      if (!specs_[i].when || !specs_[i - 1].when) continue;
      const auto low = single_lower_bound(specs_[i - 1].when->source());
      const auto high = single_lower_bound(specs_[i].when->source());
      if (!low || !high || low->variable != high->variable) continue;
      const bool asks_more =
          high->value > low->value || (high->value == low->value && high->strict && !low->strict);
      if (!asks_more) tell_wrong_order(*levels, i);
    }
  }

  // Of a new term: the lower one is never seen.
  bool is_reached_with(const LevelSpec& low, const LevelSpec& high) const {
    if (scope_.kind() != RuleKind::kNewTerm) return false;
    return !high.when || (low.when && low.when->source() == high.when->source());
  }

  void tell_wrong_order(const yaml::Node& levels, size_t i) {
    const std::string name(to_string(specs_[i].level));
    scope_.error("T0365", levels.find(name)->place,
                 "`" + name + "` is entered no later than `" +
                     std::string(to_string(specs_[i - 1].level)) + "`, which is lower",
                 "higher levels ask for more");
  }

  RuleScope& scope_;
  const Detect& detect_;
  cel::Environment environment_;
  std::vector<LevelSpec> specs_;
};

}  // namespace

std::vector<LevelSpec> compile_levels(RuleScope& scope, const Detect& detect) {
  return LevelCompiler(scope, detect).compile();
}

}  // namespace tocsin::rules
