#include "rules/testing/test_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "rules/testing/comparison.h"
#include "rules/testing/virtual_engine.h"

namespace tocsin::rules {

namespace {

// Walks events and steps in order of time.
class TestRun {
 public:
  TestRun(const RuleTest& test, std::shared_ptr<const Bundle> bundle, const BundleOf& reload,
          const RunOptions& options)
      : test_(test), reload_(reload), options_(options), engine_(std::move(bundle), {}) {}

  TestOutcome run() {
    for (const TestStep& step : test_.steps) take(step);
    TestOutcome outcome;
    outcome.differences = std::move(differences_);
    outcome.activity = activity();
    return outcome;
  }

 private:
  void take(const TestStep& step) {
    switch (step.kind) {
      case TestStep::Kind::kRestart:
        engine_.restart();
        return;
      case TestStep::Kind::kReload:
        if (auto bundle = reload_(step.reload_file)) {
          engine_.reload(std::move(bundle));
        } else {
          differences_.push_back({step.place, "reload", "loads", "refused"});
        }
        return;
      case TestStep::Kind::kFinish:
        deliver_until(step.at);
        engine_.finish(step.at);
        break;
      case TestStep::Kind::kExpect:
        deliver_until(step.at);
        engine_.move_to(step.at);
        break;
    }
    compare_step(step, engine_, log_seen_, differences_);
    log_seen_ = engine_.log().size();
    come_between();
  }

  void come_between() {
    if (options_.restart_at_every_step) engine_.restart();
    if (options_.cool_at_every_step) engine_.cool();
  }

  void deliver_until(EventTime time) {
    for (; next_ < test_.events.size() && test_.events[next_].arrives <= time; ++next_) {
      const ScheduledEvent& scheduled = test_.events[next_];
      engine_.move_to(scheduled.arrives);
      engine_.deliver(scheduled.event);
      if (options_.duplicate) engine_.deliver(scheduled.event);
      come_between();
    }
  }

  std::map<std::string, RuleActivity> activity() const {
    std::map<std::string, RuleActivity> activity;
    for (const LoggedTransition& transition : engine_.log()) {
      RuleActivity& rule = activity[transition.rule_id];
      rule.fired = true;
      rule.levels.insert(transition.level);
      if (transition.action == Action::kResolve) rule.resolved = true;
    }
    return activity;
  }

  const RuleTest& test_;
  const BundleOf& reload_;
  RunOptions options_;
  VirtualEngine engine_;
  size_t next_ = 0;
  size_t log_seen_ = 0;
  std::vector<Difference> differences_;
};

std::string text_of(const std::variant<int64_t, double, std::string>& value) {
  return std::visit([](const auto& v) { return fmt::format("{}", v); }, value);
}

// All that a transition says, but for journal numbers, which follow the arrival.
std::string line_of(const LoggedTransition& t, const VirtualEngine& engine) {
  std::string line =
      fmt::format("{} {} {} {} {} at {} from {} seq {}", to_hex(t.alert), describe(t),
                  to_string(t.action), to_string(t.previous), to_string(t.level), format_time(t.at),
                  format_time(t.starts_at), t.seq);
  for (const Measured& m : t.values) line += " " + m.name + "=" + text_of(m.value);
  line += " (" + t.condition + ")";
  for (const EvidenceRef& ref : t.evidence) {
    line += fmt::format(" {}:{}", ref.role, engine.event_id(ref.seq));
  }
  for (const auto& [language, text] : t.summary) line += " " + language + ":" + text;
  return line + fmt::format(" events {} tlp {}", t.events_counted, to_string(t.tlp));
}

std::vector<std::string> lines_of(const std::vector<const ScheduledEvent*>& order,
                                  const std::shared_ptr<const Bundle>& bundle, EventTime end) {
  VirtualEngine engine(bundle, {.emit = Emit::kFinal});
  // Else the first event of a slow source could come behind the watermark of the quick ones.
  for (const ScheduledEvent* scheduled : order) engine.expect(scheduled->event.source);
  for (const ScheduledEvent* scheduled : order) engine.deliver(scheduled->event);
  engine.finish(end);
  std::vector<std::string> lines;
  for (const LoggedTransition& t : engine.log()) {
    // What was refused, and when, is of the arrival.
    if (t.rule_id != bundle->overflow.id) lines.push_back(line_of(t, engine));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace

TestOutcome run_rule_test(const RuleTest& test, std::shared_ptr<const Bundle> bundle,
                          const BundleOf& reload, const RunOptions& options) {
  return TestRun(test, std::move(bundle), reload, options).run();
}

bool can_be_shuffled(const RuleTest& test) {
  return std::none_of(test.events.begin(), test.events.end(),
                      [](const ScheduledEvent& scheduled) { return scheduled.has_own_arrival; });
}

std::vector<Difference> run_shuffled(const RuleTest& test,
                                     const std::shared_ptr<const Bundle>& bundle, int times,
                                     uint64_t seed) {
  if (!can_be_shuffled(test)) return {};
  std::vector<std::pair<EventTime, const ScheduledEvent*>> arrivals;
  EventTime end = test.start;
  for (const ScheduledEvent& scheduled : test.events) {
    arrivals.emplace_back(scheduled.event.time, &scheduled);
    end = std::max(end, scheduled.event.time);
  }
  for (const TestStep& step : test.steps) end = std::max(end, step.at);
  const auto in_order = [](auto pairs) {
    std::stable_sort(pairs.begin(), pairs.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<const ScheduledEvent*> order;
    for (const auto& [arrival, scheduled] : pairs) order.push_back(scheduled);
    return order;
  };
  const std::vector<std::string> plain = lines_of(in_order(arrivals), bundle, end);

  std::mt19937_64 random(seed);
  for (int round = 1; round <= times; ++round) {
    auto moved = arrivals;
    for (auto& [arrival, scheduled] : moved) {
      const Source& source = bundle->catalogue->source(scheduled->event.source);
      const int64_t most = std::max<int64_t>(source.lateness.count() - 1, 0);
      arrival += Milliseconds{std::uniform_int_distribution<int64_t>(0, most)(random)};
    }
    const std::vector<std::string> shuffled = lines_of(in_order(moved), bundle, end);
    if (shuffled == plain) continue;
    const auto [a, b] = std::mismatch(plain.begin(), plain.end(), shuffled.begin(), shuffled.end());
    return {{test.place, fmt::format("shuffle round {} (seed {})", round, seed),
             a == plain.end() ? "nothing" : *a, b == shuffled.end() ? "nothing" : *b}};
  }
  return {};
}

}  // namespace tocsin::rules
