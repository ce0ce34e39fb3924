#include "rules/load/detect_over_alerts.h"

#include <algorithm>

#include "rules/alert_board.h"
#include "rules/load/detect.h"
#include "rules/load/signal_registry.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

using Tag = cel::Type::Tag;

constexpr Span kDaily{.exact = std::chrono::hours(24)};

cel::Environment alert_environment(RuleScope& scope) {
  cel::Environment environment;
  environment.catalogue = &scope.catalogue();
  environment.lists = &scope.file().lists;
  environment.macros = &scope.file().macros;
  environment.variables = alert_variables();
  return environment;
}

std::optional<AlertSelect> compile_alerts(RuleScope& scope, const yaml::Node& node) {
  auto condition = scope.predicate(node, "`alerts`", alert_environment(scope));
  if (!condition) return std::nullopt;
  return AlertSelect{std::move(*condition), scope.is_production()};
}

// One key, a region: what alerts are about is where they are.
bool check_place(RuleScope& scope, const std::vector<GroupKey>& by) {
  if (by.size() == 1 && by.front().kind == GroupKey::Kind::kRegion) return true;
  const yaml::Node* node = scope.node().find("by");
  scope.error("T0390", node != nullptr ? node->place : scope.node().place,
              "a rule over alerts groups by one region and nothing else",
              "`by: [region@country]` or `by: [region@admin1]`");
  return false;
}

}  // namespace

std::optional<Detect> compile_layers(RuleScope& scope, const yaml::Node& detect,
                                     const std::vector<GroupKey>& by) {
  const yaml::Node* alerts = detect.find("alerts");
  const auto window = span_at(detect, "window");
  if (alerts == nullptr || !window || !check_place(scope, by)) return std::nullopt;
  auto select = compile_alerts(scope, *alerts);
  const yaml::Node* distinct = detect.find("distinct");
  auto key = distinct != nullptr
                 ? scope.scalar(*distinct, "`distinct`", alert_environment(scope))
                 : scope.written("a.driver", detect.place, alert_environment(scope));
  if (!select || !key) return std::nullopt;
  if (key->type().tag() != Tag::kString) {
    scope.error("T0390", distinct->places.start(), "`distinct` must be a text of the alert",
                "a.driver, a.package, a.rule or a.stage");
    return std::nullopt;
  }
  LayersDetect layers{.alerts = std::move(*select),
                      .distinct = std::move(*key),
                      .roll_up = bool_at(detect, "roll_up").value_or(true),
                      .every = span_at(detect, "every").value_or(kDaily),
                      .window = *window,
                      .min_overlap = span_at(detect, "min_overlap").value_or(Span{})};
  if (longest(layers.min_overlap) > shortest(layers.window)) {
    scope.error("T0390", detect.find("min_overlap")->place,
                "`min_overlap` is longer than `window`: the rule could never fire");
    return std::nullopt;
  }
  return layers;
}

std::optional<Detect> compile_spillover(RuleScope& scope, const yaml::Node& detect,
                                        const std::vector<GroupKey>& by) {
  const yaml::Node* from = detect.find("from");
  const yaml::Node* alerts = from == nullptr ? nullptr : from->find("alerts");
  const yaml::Node* pressure = detect.find("pressure");
  if (alerts == nullptr || pressure == nullptr || !check_place(scope, by)) return std::nullopt;
  auto select = compile_alerts(scope, *alerts);
  const yaml::Node* score = from->find("score");
  auto number = score != nullptr
                    ? scope.number(*score, "`score`", alert_environment(scope))
                    : scope.written("a.level_rank", from->place, alert_environment(scope));
  if (!select || !number) return std::nullopt;
  SpilloverDetect spillover{
      .alerts = std::move(*select),
      .score = std::move(*number),
      .hops = static_cast<uint32_t>(std::clamp<int64_t>(int_at(detect, "hops").value_or(1), 1, 5)),
      .hop_decay = number_at(detect, "hop_decay").value_or(0.5),
      .every = span_at(detect, "every").value_or(kDaily),
      .pressure = number_at(*pressure, "at_least").value_or(0),
      .own = {}};
  if (!(spillover.hop_decay > 0 && spillover.hop_decay <= 1)) {
    scope.error("T0390", detect.find("hop_decay")->place, "`hop_decay` is above 0 and at most 1");
    return std::nullopt;
  }
  if (!(spillover.pressure > 0)) {
    scope.error("T0390", pressure->place, "`pressure` needs `at_least`, above 0");
    return std::nullopt;
  }
  if (const yaml::Node* own = detect.find("and_own")) {
    spillover.own = scope.predicate(*own, "`and_own`", scope.variable_environment(spillover));
    if (!spillover.own) return std::nullopt;
  }
  return spillover;
}

namespace {

const AlertSelect* select_of(const Rule& rule) {
  if (const auto* layers = std::get_if<LayersDetect>(&rule.detect)) return &layers->alerts;
  if (const auto* spillover = std::get_if<SpilloverDetect>(&rule.detect)) {
    return &spillover->alerts;
  }
  return nullptr;
}

// Whether some alert of the rule could be one that is looked at. Where it is is not known here.
bool may_select(const AlertSelect& select, const Rule& rule) {
  if (select.production_only && rule.status != RuleStatus::kProduction) return false;
  Arena arena;
  return std::any_of(rule.levels.begin(), rule.levels.end(), [&](const LevelSpec& level) {
    const auto text = [](std::string_view t) { return cel::Value::of_string(t); };
    const auto rank = cel::Value::of_int(static_cast<int64_t>(level.level));
    const cel::Value values[] = {text(rule.id),
                                 text(rule.package),
                                 text(to_string(rule.driver)),
                                 text(to_string(rule.stage)),
                                 cel::Value(),
                                 rank,
                                 rank};
    const cel::Outcome outcome = select.condition.run(nullptr, values, arena);
    const bool is_told = outcome.ok() && outcome.value.kind() == cel::Kind::kBool;
    return !is_told || outcome.value.boolean() ||
           select.condition.analysis().variables.contains("a.region");
  });
}

}  // namespace

void link_rules_over_alerts(std::vector<Rule>& rules, Diagnostics& diagnostics) {
  for (Rule& reader : rules) {
    const AlertSelect* select = select_of(reader);
    if (select == nullptr) continue;
    bool reads_any = false;
    for (const Rule& rule : rules) {
      if (is_over_alerts(rule.kind()) || !may_select(*select, rule)) continue;
      reads_any = true;
      reader.read_indicators = joined(reader.read_indicators, rule.indicators);
      reader.read_indicators = joined(reader.read_indicators, rule.read_indicators);
      reader.lateness = std::max(reader.lateness, rule.lateness);
    }
    if (reads_any) continue;
    diagnostics.warning("T0391", reader.place, "no rule raises an alert that `alerts` selects",
                        select->production_only
                            ? "a rule in production looks at alerts of rules in production only"
                            : "compare a.driver, a.package, a.rule, a.level with what there is");
  }
}

}  // namespace tocsin::rules
