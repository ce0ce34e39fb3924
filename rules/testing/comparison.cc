#include "rules/testing/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace tocsin::rules {

namespace {

std::string group_text(const std::map<std::string, std::string>& group) {
  std::string text;
  for (const auto& [key, value] : group) {
    text += (text.empty() ? "" : ", ") + key + ": " + value;
  }
  return "{" + text + "}";
}

std::map<std::string, std::string> group_of(const AlertTransition& transition) {
  return {transition.group.begin(), transition.group.end()};
}

bool is_rule(const Rule& rule, const std::string& name) {
  return rule.id == name || rule.name == name;
}

std::string number_text(double number) { return fmt::format("{}", number); }

std::string measured_text(const Measured& measured) {
  if (const auto* whole = std::get_if<int64_t>(&measured.value)) return std::to_string(*whole);
  if (const auto* number = std::get_if<double>(&measured.value)) return number_text(*number);
  return std::get<std::string>(measured.value);
}

std::string expected_text(const ExpectedValue& value) {
  if (value.text) return *value.text;
  if (value.equals) return number_text(*value.equals);
  std::string text;
  if (value.min) text = "at least " + number_text(*value.min);
  if (value.max) text += (text.empty() ? "" : ", ") + ("at most " + number_text(*value.max));
  return text;
}

// Sums come from decimal inputs: equal to a billionth is equal.
bool is_near(double a, double b) { return std::abs(a - b) <= 1e-9 * std::max(1.0, std::abs(b)); }

bool matches(const ExpectedValue& expected, const Measured& measured) {
  if (expected.text) return measured_text(measured) == *expected.text;
  double number = 0;
  if (const auto* whole = std::get_if<int64_t>(&measured.value)) {
    number = static_cast<double>(*whole);
  } else if (const auto* real = std::get_if<double>(&measured.value)) {
    number = *real;
  } else {
    return false;
  }
  if (expected.equals) return is_near(number, *expected.equals);
  return (!expected.min || number >= *expected.min) && (!expected.max || number <= *expected.max);
}

// Compares one step, collecting differences.
class StepComparison {
 public:
  StepComparison(const TestStep& step, const VirtualEngine& engine, size_t log_from,
                 std::vector<Difference>& differences)
      : step_(step), engine_(engine), log_from_(log_from), differences_(differences) {}

  void run() {
    if (step_.alerts) compare_alerts();
    if (step_.log) compare_log();
    for (size_t i = 0; i < step_.states.size(); ++i) compare_state(i);
  }

 private:
  void differ(const Place& place, std::string field, std::string expected, std::string got) {
    differences_.push_back({place, std::move(field), std::move(expected), std::move(got)});
  }

  const Rule& rule_of(const AlertTransition& transition) const {
    return engine_.bundle().rules[transition.rule];
  }

  bool is_about(const AlertTransition& transition, const std::string& rule,
                const std::map<std::string, std::string>& group) const {
    return is_rule(rule_of(transition), rule) && (group.empty() || group == group_of(transition));
  }

  void compare_alerts() {
    std::vector<const AlertTransition*> active = engine_.active();
    for (size_t i = 0; i < step_.alerts->size(); ++i) {
      const ExpectedAlert& expected = (*step_.alerts)[i];
      const auto found =
          std::find_if(active.begin(), active.end(), [&](const AlertTransition* alert) {
            return is_about(*alert, expected.rule, expected.group);
          });
      const std::string field = fmt::format("alerts[{}]", i);
      if (found == active.end()) {
        differ(expected.place, field, expected.rule + " " + group_text(expected.group) + " active",
               active_text(active));
        continue;
      }
      compare_alert(expected, **found, field);
      active.erase(found);
    }
    for (const AlertTransition* alert : active) {
      differ(
          step_.place, "alerts", "no further alert",
          fmt::format("{}, level {}", describe(*alert, engine_.bundle()), to_string(alert->level)));
    }
  }

  std::string active_text(const std::vector<const AlertTransition*>& active) const {
    std::string text;
    for (const AlertTransition* alert : active) {
      text += (text.empty() ? "" : "; ") + describe(*alert, engine_.bundle());
    }
    return text.empty() ? "no alert active" : text;
  }

  void compare_alert(const ExpectedAlert& expected, const AlertTransition& alert,
                     const std::string& field) {
    if (expected.level && *expected.level != alert.level) {
      differ(expected.place, field + ".level", std::string(to_string(*expected.level)),
             std::string(to_string(alert.level)));
    }
    if (expected.provisional && *expected.provisional != alert.provisional) {
      const auto word = [](bool provisional) { return provisional ? "provisional" : "confirmed"; };
      differ(expected.place, field + ".confidence", word(*expected.provisional),
             word(alert.provisional));
    }
    if (expected.events_counted &&
        *expected.events_counted != static_cast<int64_t>(alert.events_counted)) {
      differ(expected.place, field + ".events_counted", std::to_string(*expected.events_counted),
             std::to_string(alert.events_counted));
    }
    compare_evidence(expected, alert, field);
    for (const auto& [name, value] : expected.values) compare_value(name, value, alert, field);
    compare_texts(expected.title, alert.title, expected.place, field + ".title");
    compare_texts(expected.summary, alert.summary, expected.place, field + ".summary");
  }

  void compare_evidence(const ExpectedAlert& expected, const AlertTransition& alert,
                        const std::string& field) {
    std::vector<std::string> ids;
    for (const EvidenceRef& ref : alert.evidence) ids.emplace_back(engine_.event_id(ref.seq));
    const auto is_listed = [&](const std::string& id) {
      return std::find(ids.begin(), ids.end(), id) != ids.end();
    };
    for (const std::string& id : expected.evidence_includes) {
      if (is_listed(id)) continue;
      differ(expected.place, field + ".evidence_includes", id,
             fmt::format("{}", fmt::join(ids, ", ")));
    }
    for (const std::string& id : expected.evidence_excludes) {
      if (!is_listed(id)) continue;
      differ(expected.place, field + ".evidence_excludes", "not " + id,
             fmt::format("{}", fmt::join(ids, ", ")));
    }
  }

  void compare_value(const std::string& name, const ExpectedValue& expected,
                     const AlertTransition& alert, const std::string& field) {
    const auto found = std::find_if(alert.values.begin(), alert.values.end(),
                                    [&](const Measured& m) { return m.name == name; });
    if (found == alert.values.end()) {
      std::string names;
      for (const Measured& m : alert.values) names += (names.empty() ? "" : ", ") + m.name;
      differ(expected.place, field + ".values." + name, expected_text(expected),
             "no such value; there are: " + names);
    } else if (!matches(expected, *found)) {
      differ(expected.place, field + ".values." + name, expected_text(expected),
             measured_text(*found));
    }
  }

  void compare_texts(const std::map<std::string, std::string>& expected,
                     const std::map<std::string, std::string>& got, const Place& place,
                     const std::string& field) {
    for (const auto& [language, text] : expected) {
      const auto found = got.find(language);
      const std::string said = found == got.end() ? "no text" : found->second;
      if (said != text) differ(place, field + "." + language, text, said);
    }
  }

  void compare_log() {
    const bool has_updates =
        std::any_of(step_.log->begin(), step_.log->end(),
                    [](const ExpectedTransition& t) { return t.action == Action::kUpdate; });
    std::vector<const AlertTransition*> since;
    for (size_t i = log_from_; i < engine_.log().size(); ++i) {
      const AlertTransition& transition = engine_.log()[i];
      if (has_updates || transition.action != Action::kUpdate) since.push_back(&transition);
    }
    const size_t count = std::max(since.size(), step_.log->size());
    for (size_t i = 0; i < count; ++i) compare_log_entry(i, since);
  }

  void compare_log_entry(size_t i, const std::vector<const AlertTransition*>& since) {
    const std::string field = fmt::format("log[{}]", i);
    const bool is_expected = i < step_.log->size();
    const std::string got = i < since.size() ? transition_text(*since[i]) : "nothing";
    if (!is_expected) {
      differ(step_.place, field, "nothing", got);
      return;
    }
    const ExpectedTransition& expected = (*step_.log)[i];
    const bool is_same = i < since.size() && is_about(*since[i], expected.rule, expected.group) &&
                         since[i]->action == expected.action &&
                         (!expected.level || *expected.level == since[i]->level);
    if (is_same) return;
    std::string text = expected.rule + " " + std::string(to_string(expected.action));
    if (!expected.group.empty()) text += " " + group_text(expected.group);
    if (expected.level) text += " " + std::string(to_string(*expected.level));
    differ(expected.place, field, text, got);
  }

  std::string transition_text(const AlertTransition& transition) const {
    return fmt::format("{} {} {} {} at {}", rule_of(transition).name, to_string(transition.action),
                       group_text(group_of(transition)), to_string(transition.level),
                       format_time(transition.at));
  }

  void compare_state(size_t i) {
    const ExpectedState& expected = step_.states[i];
    const auto active = engine_.active();
    const bool is_firing =
        std::any_of(active.begin(), active.end(), [&](const AlertTransition* alert) {
          return is_about(*alert, expected.rule, expected.group);
        });
    // The engine counts warming groups by rule; a group that fires is not one of them.
    uint64_t warming = 0;
    for (RuleIndex rule = 0; rule < engine_.bundle().rules.size(); ++rule) {
      if (is_rule(engine_.bundle().rules[rule], expected.rule)) warming += engine_.warming(rule);
    }
    const std::string got = is_firing ? "firing" : warming > 0 ? "warming" : "inactive";
    const std::string wanted = expected.state == ExpectedState::State::kFiring    ? "firing"
                               : expected.state == ExpectedState::State::kWarming ? "warming"
                                                                                  : "inactive";
    // With other groups of the rule warming, an inactive one cannot be told from them.
    if (wanted == got || (wanted == "inactive" && !is_firing)) return;
    differ(expected.place, fmt::format("states[{}].state", i), wanted, got);
  }

  const TestStep& step_;
  const VirtualEngine& engine_;
  size_t log_from_;
  std::vector<Difference>& differences_;
};

}  // namespace

std::string describe(const AlertTransition& transition, const Bundle& bundle) {
  return bundle.rules[transition.rule].id + " " + group_text(group_of(transition));
}

void compare_step(const TestStep& step, const VirtualEngine& engine, size_t log_from,
                  std::vector<Difference>& differences) {
  StepComparison(step, engine, log_from, differences).run();
}

}  // namespace tocsin::rules
