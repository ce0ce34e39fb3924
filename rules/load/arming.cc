#include "rules/load/arming.h"

#include <algorithm>

#include "rules/load/group_keys.h"
#include "rules/load/signal_registry.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

using Tag = cel::Type::Tag;

class ArmingCompiler {
 public:
  ArmingCompiler(RuleScope& scope, SignalRegistry& registry, const yaml::Node& node)
      : scope_(scope), registry_(registry), node_(node) {}

  std::shared_ptr<Arming> compile(const Rule& armed) {
    const yaml::Node* by = node_.find("by");
    const auto span = span_at(node_, "for");
    if (by == nullptr || !span) return nullptr;
    auto arms = scope_.predicate(*by, "`by` of `armed`", scope_.event_environment());
    if (!arms) return nullptr;
    auto arming = std::make_shared<Arming>(Arming{.rule = {},
                                                  .arms = *arms,
                                                  .disarms = {},
                                                  .span = *span,
                                                  .quiet = span_at(node_, "quiet").value_or(Span{}),
                                                  .captures = {}});
    if (const yaml::Node* disarm = node_.find("disarm")) {
      arming->disarms = scope_.predicate(*disarm, "`disarm`", scope_.event_environment());
      if (!arming->disarms) return nullptr;
    }
    if (longest(arming->quiet) >= shortest(arming->span)) {
      scope_.error("T0377", node_.find("quiet")->place,
                   "`quiet` is not shorter than `for`: the rule would never be at work");
      return nullptr;
    }
    Rule& rule = arming->rule;
    rule.id = "armed " + armed.id;
    rule.identity = "armed " + armed.identity;
    rule.name = rule.id;
    rule.place = node_.place;
    rule.lateness = armed.lateness;
    rule.indicators = arming->arms.analysis().indicators;
    if (arming->disarms) {
      rule.indicators = joined(rule.indicators, arming->disarms->analysis().indicators);
    }
    const bool has_key = node_.find("key") != nullptr;
    rule.by = has_key ? compile_group_keys(scope_, node_, "key", rule.indicators)
                      : compile_group_keys(scope_, scope_.node(), "by", rule.indicators);
    scope_.check_sources(rule.indicators, node_.place);
    if (!check_keys(rule) || !compile_each(rule)) return nullptr;
    if (const yaml::Node* capture = node_.find("capture")) read_captures(*capture, *arming);
    return arming;
  }

 private:
  // An event without one of the keys would arm nothing.
  bool check_keys(const Rule& rule) {
    for (const GroupKey& key : rule.by) {
      if (key.kind != GroupKey::Kind::kAttr) continue;
      for (const IndicatorId id : rule.indicators.value_or(std::vector<IndicatorId>{})) {
        const Indicator& indicator = scope_.catalogue().indicator(id);
        const bool has_key =
            std::any_of(indicator.attrs.begin(), indicator.attrs.end(),
                        [&](const AttrDeclaration& attr) { return attr.name == key.attr; });
        if (has_key) continue;
        const yaml::Node* place = node_.find("key");
        scope_.error("T0377", place != nullptr ? place->place : node_.place,
                     "`" + indicator.name + "` has no attribute `" + key.attr +
                         "`, so it would neither arm nor disarm",
                     "give `armed` a `key` that all its events have");
        return false;
      }
    }
    return true;
  }

  // What arms is taken apart as the rule's own events are.
  bool compile_each(Rule& rule) {
    const bool is_named = std::any_of(rule.by.begin(), rule.by.end(), [](const GroupKey& key) {
      return key.kind == GroupKey::Kind::kEach;
    });
    const yaml::Node* each = scope_.node().find("each");
    if (!is_named || each == nullptr) return true;
    rule.each = scope_.texts(*each, "`each`", scope_.event_environment());
    return rule.each.has_value();
  }

  void read_captures(const yaml::Node& node, Arming& arming) {
    std::vector<Capture> of_event;
    for (const auto& entry : entries_of(&node)) {
      if (!entry.value.is_scalar()) continue;
      if (entry.key == "since") {
        scope_.error("T0377", entry.key_place, "`armed.since` is there already",
                     "it is the time of the event that armed the rule; take another name");
      } else if (const std::string signal = signal_at(entry.value); !signal.empty()) {
        read_signal(entry, signal, arming);
      } else if (auto value = scope_.scalar(entry.value, "a capture", environment(arming))) {
        const cel::Type type = value->type();
        of_event.push_back({entry.key, std::move(value), type});
      }
    }
    std::move(of_event.begin(), of_event.end(), std::back_inserter(arming.captures));
  }

  // NAME of `signal("NAME") at e.time`; "" when the expression is not that.
  static std::string signal_at(const yaml::Node& node) {
    constexpr std::string_view kEnd = " at e.time";
    std::string_view text = node.scalar;
    while (text.ends_with('\n')) text.remove_suffix(1);
    if (!text.starts_with("signal(") || !text.ends_with(kEnd)) return {};
    text.remove_prefix(7);
    text.remove_suffix(kEnd.size());
    const bool is_quoted = text.size() > 4 && text.ends_with(')') &&
                           (text[0] == '"' || text[0] == '\'') && text[text.size() - 2] == text[0];
    if (!is_quoted) return {};
    return std::string(text.substr(1, text.size() - 3));
  }

  void read_signal(const yaml::Node::Entry& entry, const std::string& name, Arming& arming) {
    if (!registry_.knows(name)) {
      const std::string near = nearest_name(name, registry_.names());
      scope_.error("T0135", entry.value.place, "there is no signal `" + name + "`",
                   near.empty() ? "" : "did you mean `" + near + "`?");
      return;
    }
    SignalUse use;
    use.name = name;
    arming.rule.signals.push_back(std::move(use));
    arming.captures.push_back({entry.key, std::nullopt, Tag::kDouble});
  }

  cel::Environment environment(const Arming& arming) {
    cel::Environment environment = scope_.event_environment();
    const cel::Analysis& analysis = arming.arms.analysis();
    environment.indicators = analysis.indicators.value_or(std::vector<IndicatorId>{});
    environment.proven = analysis.proven;
    return environment;
  }

  RuleScope& scope_;
  SignalRegistry& registry_;
  const yaml::Node& node_;
};

}  // namespace

std::shared_ptr<Arming> compile_arming(RuleScope& scope, SignalRegistry& registry,
                                       const yaml::Node& armed, const Rule& rule) {
  return ArmingCompiler(scope, registry, armed).compile(rule);
}

std::vector<cel::Variable> variables_of(const Arming& arming) {
  std::vector<cel::Variable> variables = {{"armed.since", Tag::kTimestamp}};
  for (const Capture& capture : arming.captures) {
    variables.push_back({"armed." + capture.name, capture.type});
  }
  return variables;
}

}  // namespace tocsin::rules
