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

// "name" or "package/name".
bool is_rule(const std::string& id, const std::string& name) {
  return id == name || id.substr(id.find('/') + 1) == name;
}

std::string_view word_of(GroupState state) {
  switch (state) {
    case GroupState::kInactive:
      return "inactive";
    case GroupState::kWarming:
      return "warming";
    case GroupState::kPending:
      return "pending";
    case GroupState::kFiring:
      return "firing";
  }
  return "";
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

  bool is_about(const LoggedTransition& transition, const std::string& rule,
                const std::map<std::string, std::string>& group) const {
    return is_rule(transition.rule_id, rule) && (group.empty() || group == group_of(transition));
  }

  void compare_alerts() {
    std::vector<const LoggedTransition*> active = engine_.active();
    for (size_t i = 0; i < step_.alerts->size(); ++i) {
      const ExpectedAlert& expected = (*step_.alerts)[i];
      const auto found =
          std::find_if(active.begin(), active.end(), [&](const LoggedTransition* alert) {
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
    for (const LoggedTransition* alert : active) {
      differ(step_.place, "alerts", "no further alert",
             fmt::format("{}, level {}", describe(*alert), to_string(alert->level)));
    }
  }

  std::string active_text(const std::vector<const LoggedTransition*>& active) const {
    std::string text;
    for (const LoggedTransition* alert : active) {
      text += (text.empty() ? "" : "; ") + describe(*alert);
    }
    return text.empty() ? "no alert active" : text;
  }

  void compare_alert(const ExpectedAlert& expected, const LoggedTransition& alert,
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
    const auto compare_mark = [&](std::optional<bool> mark, bool is_marked, const char* word) {
      if (!mark || *mark == is_marked) return;
      differ(expected.place, field + "." + word, *mark ? "true" : "false",
             is_marked ? "true" : "false");
    };
    compare_mark(expected.flapping, alert.flapping_since.has_value(), "flapping");
    compare_mark(expected.error, alert.error, "error");
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

  void compare_evidence(const ExpectedAlert& expected, const LoggedTransition& alert,
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
                     const LoggedTransition& alert, const std::string& field) {
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
    std::vector<const LoggedTransition*> since;
    for (size_t i = log_from_; i < engine_.log().size(); ++i) {
      const LoggedTransition& transition = engine_.log()[i];
      if (has_updates || transition.action != Action::kUpdate) since.push_back(&transition);
    }
    const size_t count = std::max(since.size(), step_.log->size());
    for (size_t i = 0; i < count; ++i) compare_log_entry(i, since);
  }

  void compare_log_entry(size_t i, const std::vector<const LoggedTransition*>& since) {
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

  std::string transition_text(const LoggedTransition& transition) const {
    return fmt::format("{} {} {} {} at {}", transition.rule_id, to_string(transition.action),
                       group_text(group_of(transition)), to_string(transition.level),
                       format_time(transition.at));
  }

  void compare_state(size_t i) {
    const ExpectedState& expected = step_.states[i];
    const std::string field = fmt::format("states[{}]", i);
    const auto& rules = engine_.bundle().rules;
    const auto rule = std::find_if(rules.begin(), rules.end(), [&](const Rule& candidate) {
      return is_rule(candidate.id, expected.rule);
    });
    if (rule == rules.end()) {
      differ(expected.place, field + ".rule", expected.rule, "no such rule");
      return;
    }
    const auto key = key_of(*rule, expected.group);
    const auto state =
        key ? engine_.state_of(static_cast<RuleIndex>(rule - rules.begin()), *key) : std::nullopt;
    if (!state) {
      differ(expected.place, field + ".group", group_text(expected.group),
             "no such group; it is one by " + keys_text(*rule));
    } else if (*state != expected.state) {
      differ(expected.place, field + ".state", std::string(word_of(expected.state)),
             std::string(word_of(*state)));
    }
  }

  // The group's texts in the order of the rule's keys; nullopt when they are not just those, or a
  // region is of another level.
  std::optional<std::vector<std::string>> key_of(
      const Rule& rule, const std::map<std::string, std::string>& group) const {
    if (group.size() != rule.by.size()) return std::nullopt;
    std::vector<std::string> texts;
    for (const GroupKey& key : rule.by) {
      const auto text = group.find(key.name);
      if (text == group.end()) return std::nullopt;
      if (key.kind == GroupKey::Kind::kRegion) {
        const Catalogue& catalogue = *engine_.bundle().catalogue;
        const auto region = catalogue.find_region(text->second);
        if (region && catalogue.region(*region).level != key.level) return std::nullopt;
      }
      texts.push_back(text->second);
    }
    return texts;
  }

  static std::string keys_text(const Rule& rule) {
    static constexpr std::string_view kLevels[] = {"country", "admin1", "admin2"};
    std::string text;
    for (const GroupKey& key : rule.by) {
      text += (text.empty() ? "" : ", ") + key.name;
      if (key.kind != GroupKey::Kind::kRegion) continue;
      text += " (" + std::string(kLevels[static_cast<size_t>(key.level)]) + ")";
    }
    return text.empty() ? "nothing" : text;
  }

  const TestStep& step_;
  const VirtualEngine& engine_;
  size_t log_from_;
  std::vector<Difference>& differences_;
};

}  // namespace

std::string describe(const LoggedTransition& transition) {
  return transition.rule_id + " " + group_text(group_of(transition));
}

void compare_step(const TestStep& step, const VirtualEngine& engine, size_t log_from,
                  std::vector<Difference>& differences) {
  StepComparison(step, engine, log_from, differences).run();
}

}  // namespace tocsin::rules
