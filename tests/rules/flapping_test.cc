#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/rules/engine_harness.h"

// Alerts that begin to fire too often, of every way in which kinds let alerts live.
namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;

constexpr const char* kAttacks = "e.indicator == \"violence.attack\"";
constexpr Milliseconds kHour = hours(1);

EventTime hour(int64_t h) { return day(0) + h * kHour; }

Rule hourly(const std::shared_ptr<const Catalogue>& world, AlertPolicy policy = {}) {
  RuleBuilder rule(world, "hourly");
  rule.select(kAttacks)
      .measure("dead", AggregateKind::kSum, "e.value", kHour, kHour)
      .threshold("dead >= 1.0")
      .level(Level::kWatch)
      .level(Level::kWarning, "dead >= 5.0");
  rule.alert() = policy;
  return rule.build();
}

Rule brief_event(const std::shared_ptr<const Catalogue>& world) {
  RuleBuilder rule(world, "brief");
  rule.select(kAttacks).event().level(Level::kWatch).level(Level::kWarning, "e.value >= 5.0");
  rule.alert().hold = span_of(hours(1) - Milliseconds{1});
  return rule.build();
}

Rule silence(const std::shared_ptr<const Catalogue>& world) {
  AbsenceDetect detect;
  detect.every = span_of(2 * kHour);
  RuleBuilder rule(world, "silence");
  rule.select(kAttacks).absence(detect).level(Level::kWatch, "missed >= 1");
  rule.level(Level::kWarning, "missed >= 3");
  return rule.build();
}

std::vector<std::string> actions(const EngineHarness& h) {
  std::vector<std::string> told;
  for (const AlertTransition& t : h.log) {
    told.push_back(fmt::format("{}{} {} h{:g}", t.flapping_since ? "%" : "", to_string(t.action),
                               to_string(t.level),
                               static_cast<double>((t.at - day(0)).count()) / 36e5));
  }
  return told;
}

TEST(Flapping, IsToldOnceAndHeldUntilADayHasPassedWithoutATurn) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {hourly(world)});
  for (int i = 0; i <= 30; i += 2) h.feed(hour(i));
  h.finish(hour(80));
  EXPECT_THAT(actions(h),
              ElementsAre("fire watch h1", "resolve watch h2", "fire watch h3", "resolve watch h4",
                          "fire watch h5", "resolve watch h6", "fire watch h7", "resolve watch h8",
                          "fire watch h9", "%update watch h9", "resolve watch h55"));
  EXPECT_EQ(h.log[9].flapping_since, hour(9));
  EXPECT_EQ(h.log[9].alert, h.log[8].alert);
}

TEST(Flapping, HoldsTheHighestLevelSince) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {hourly(world)});
  for (int i = 0; i <= 8; i += 2) h.feed(hour(i));
  h.feed(hour(12), 7);
  h.feed(hour(16));
  // From there on without a gap: no turn, and the level that is asked for in the end.
  for (int i = 16; i <= 45; ++i) h.feed(hour(i), 1.5);
  h.finish(hour(80));
  const auto told = actions(h);
  const std::vector<std::string> end(told.begin() + 9, told.end());
  EXPECT_THAT(end, ElementsAre("%update watch h9", "%escalate warning h13", "%update warning h37",
                               "deescalate watch h41", "resolve watch h47"));
}

TEST(Flapping, HoldsMatchesAndSilencesToo) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness events(world, {brief_event(world)});
  for (int i = 0; i <= 30; i += 2) events.feed(hour(i));
  events.finish(hour(80));
  ASSERT_EQ(events.log.size(), 12U) << ::testing::PrintToString(actions(events));
  EXPECT_EQ(actions(events)[9], "%update watch h8");
  EXPECT_EQ(actions(events)[11], "resolve watch h54");

  EngineHarness silences(world, {silence(world)});
  for (int i = 0; i <= 30; i += 3) silences.feed(hour(i));
  for (int i = 31; i <= 60; ++i) silences.feed(hour(i));
  silences.finish(hour(60));
  const auto told = actions(silences);
  ASSERT_EQ(told.size(), 11U) << ::testing::PrintToString(told);
  EXPECT_EQ(told[8], "fire watch h14");
  EXPECT_EQ(told[9], "%update watch h14");
  EXPECT_EQ(told[10], "resolve watch h53");  // the last turn was at h29
}

TEST(Flapping, MayBeLeftToGoUpAndDown) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {hourly(world, {.holds_flapping = false})});
  for (int i = 0; i <= 30; i += 2) h.feed(hour(i));
  h.finish(hour(80));
  EXPECT_EQ(h.log.size(), 32U);
  for (const AlertTransition& t : h.log) EXPECT_FALSE(t.flapping_since);
}

TEST(Flapping, IsNoCalmWhileAllFeedsAreSilent) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {hourly(world)});
  for (int i = 0; i <= 8; i += 2) h.feed(hour(i));
  for (const char* source : {"desk", "monitor"}) h.advance(source, hour(60));
  ASSERT_FALSE(h.log.empty());
  EXPECT_EQ(h.log.back().action, Action::kUpdate);
  EXPECT_TRUE(h.log.back().stale);
  EXPECT_TRUE(h.log.back().flapping_since);
  h.feed(hour(63), 1, "XB-1");
  h.advance("monitor", hour(63));
  const auto end = std::find_if(h.log.begin(), h.log.end(), [](const AlertTransition& t) {
    return t.action == Action::kResolve && t.at > hour(30);
  });
  ASSERT_NE(end, h.log.end()) << ::testing::PrintToString(h.lines());
  EXPECT_EQ(end->group.front().second, "XA-1");
}

TEST(Flapping, EndsWithItsRule) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {hourly(world)});
  for (int i = 0; i <= 10; i += 2) h.feed(hour(i));
  ASSERT_TRUE(h.log.back().flapping_since);
  h.bundle = bundle_of(world, {});
  h.engine->activate(h.bundle, h.log, h.log);
  EXPECT_EQ(h.log.back().action, Action::kResolve);
  EXPECT_FALSE(h.log.back().flapping_since);
}

TEST(Flapping, IsHeldNoLongerUnderRulesThatDoNotWantIt) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {hourly(world)});
  for (int i = 0; i <= 10; i += 2) h.feed(hour(i));
  h.feed(hour(12), 1, "XB-1");
  ASSERT_EQ(h.log[9].action, Action::kUpdate);
  const size_t told = h.log.size();
  h.bundle = bundle_of(world, {hourly(world, {.holds_flapping = false})});
  h.engine->activate(h.bundle, h.log, h.log);
  h.feed(hour(14), 1, "XB-1");
  ASSERT_GT(h.log.size(), told);
  EXPECT_EQ(brief(h.log[told]), "resolve watch d0.541667 XA-1");
}

// Whatever the period: few fires in any day, and from the fifth on one alert that stays.
TEST(FlappingProperty, SawToothOfAnyPeriodTellsLittle) {
  const auto world = small_world(Milliseconds{0});
  for (const auto& make : {+[](const std::shared_ptr<const Catalogue>& w) { return hourly(w); },
                           +[](const std::shared_ptr<const Catalogue>& w) {
                             AlertPolicy policy;
                             policy.keep_firing_for = span_of(2 * kHour);
                             return hourly(w, policy);
                           },
                           &brief_event}) {
    for (int period = 2; period <= 30; ++period) {
      for (const double low : {0.0, 1.0}) {
        EngineHarness h(world, {make(world)});
        std::map<int64_t, int> by_day;
        for (int i = 0; i < 10 * 24; ++i) {
          const double value = i % period == 0 ? 9.0 : low;
          if (value > 0) h.feed(hour(i), value);
        }
        h.finish(hour(10 * 24));
        int fires_later = 0;
        for (const AlertTransition& t : h.log) {
          ++by_day[(t.at - day(0)).count() / kDay.count()];
          if (t.at > day(1.5) && t.action != Action::kUpdate) ++fires_later;
        }
        for (const auto& [at, count] : by_day) EXPECT_LE(count, 11) << period << " " << low;
        if (period < 6) {
          EXPECT_EQ(fires_later, 0) << period << " " << low;
        }
      }
    }
  }
}

// Restarts, other orders of arrival and events of other groups in between change nothing.
TEST(FlappingProperty, OrderOfArrivalAndRestartsChangeNothing) {
  const auto world = small_world();
  size_t held = 0;
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    std::mt19937 random(seed);
    struct Arrival {
      EventTime time;
      double value;
      std::string region;
      std::string id;
      EventTime arrives;
    };
    std::vector<Arrival> stream;
    for (int i = 0; i < 150; ++i) {
      const EventTime time = day(0) + Milliseconds(random() % (15 * 86'400'000U));
      const Milliseconds delay(random() % 86'400'000U);
      stream.push_back({time, 1.0 + static_cast<double>(random() % 6),
                        random() % 2 == 0 ? "XA-1" : "XB-1", "id" + std::to_string(i),
                        time + delay});
    }
    std::vector<std::vector<std::string>> logs;
    for (const bool is_shuffled : {false, true}) {
      std::sort(stream.begin(), stream.end(), [&](const Arrival& a, const Arrival& b) {
        return is_shuffled ? a.arrives < b.arrives : a.time < b.time;
      });
      for (const bool restarts : {false, true}) {
        EngineHarness h(world, {hourly(world), brief_event(world), silence(world)});
        for (const Arrival& a : stream) {
          h.feed(a.time, a.value, a.region, "violence.attack", "desk", a.id);
          if (restarts) h.restart();
        }
        h.finish(day(20));
        EXPECT_TRUE(h.refused.empty());
        std::sort(h.log.begin(), h.log.end(),
                  [](const AlertTransition& a, const AlertTransition& b) {
                    return std::tie(a.at, a.rule, a.alert, a.seq) <
                           std::tie(b.at, b.rule, b.alert, b.seq);
                  });
        for (const AlertTransition& t : h.log) held += t.flapping_since ? 1 : 0;
        logs.push_back(h.full_lines());
      }
    }
    for (size_t i = 1; i < logs.size(); ++i) ASSERT_EQ(logs[0], logs[i]) << "seed " << seed;
  }
  EXPECT_GE(held, 500U);
}

// What fires on arrival counts when it fires.
TEST(Flapping, IsToldOnArrival) {
  const auto world = small_world(Milliseconds{0});
  EngineHarness h(world, {brief_event(world)}, Emit::kEarly);
  for (int i = 0; i <= 8; i += 2) h.feed(hour(i));
  ASSERT_FALSE(h.log.empty());
  EXPECT_EQ(brief(h.log.back()), "~%update watch d0.333333 XA-1");
  const size_t marked = h.log.size();
  for (int i = 10; i <= 20; i += 2) h.feed(hour(i));
  for (size_t i = marked; i < h.log.size(); ++i) {
    EXPECT_EQ(h.log[i].action, Action::kUpdate) << brief(h.log[i]);
    EXPECT_EQ(h.log[i].alert, h.log[marked - 1].alert);
  }
  // A day after the last of them it is over, as far as anybody knows, and this one is another.
  h.feed(hour(46));
  const auto told = actions(h);
  const std::vector<std::string> end(told.end() - 2, told.end());
  EXPECT_THAT(end, ElementsAre("resolve watch h44", "fire watch h46"));
}

}  // namespace
}  // namespace tocsin::rules
