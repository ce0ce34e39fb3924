#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/rules/engine_harness.h"

// Properties over random streams; a failure prints the seed.
namespace tocsin::rules {
namespace {

using Step = RuleBuilder::Step;

constexpr const char* kAttacks = "e.indicator == \"violence.attack\"";

std::vector<Rule> one_of_each(const std::shared_ptr<const Catalogue>& world) {
  std::vector<Rule> rules;
  RuleBuilder threshold(world, "threshold");
  threshold.select(kAttacks)
      .measure("deaths", AggregateKind::kSum, "e.value", 6 * kDay, kDay)
      .measure("sources", AggregateKind::kDistinct, "e.source", 3 * kDay, kDay)
      .measure("mean", AggregateKind::kMean, "e.value", 4 * kDay, kDay, 2)
      .threshold("deaths >= 6.0 && sources >= 1")
      .level(Level::kWatch, "", "deaths < 4.0")
      .level(Level::kWarning, "deaths >= 9.0 || mean >= 3.0", "deaths < 7.0");
  threshold.alert().keep_firing_for = span_of(kDay);
  threshold.title("en", "{{ deaths }} in {{ region.id }}, {{ mean | fixed(3) }}");
  rules.push_back(threshold.build());
  RuleBuilder pending(world, "pending");
  pending.select(kAttacks)
      .measure("n", AggregateKind::kCount, "", 2 * kDay, hours(6))
      .threshold("n >= 2")
      .level(Level::kInfo);
  pending.alert().pending = span_of(hours(12));
  pending.alert().max_evidence = 2;
  rules.push_back(pending.build());
  SurgeDetect detect;
  detect.history = 5;
  detect.min_history = 4;
  detect.at_least = 1.0;
  detect.floor = 2;
  RuleBuilder surge(world, "surge");
  surge.select(kAttacks).surge(detect, AggregateKind::kCount, "", 2 * kDay, kDay);
  surge.level(Level::kWatch, "", "score < 0.7");
  rules.push_back(surge.build());
  RuleBuilder event(world, "event");
  event.select(kAttacks).event().level(Level::kWatch, "e.value >= 2.0");
  event.level(Level::kAlert, "e.value >= 4.0");
  event.alert().hold = span_of(2 * kDay);
  event.title("en", "{{ e.value }} by {{ e.source }}");
  rules.push_back(event.build());
  RuleBuilder sequence(world, "sequence");
  sequence
      .sequence({{.name = "a", .select = "e.value >= 3.0"},
                 {.name = "none",
                  .select = "e.indicator == \"justice.inquiry_opened\"",
                  .wait = span_of(2 * kDay)},
                 {.name = "b", .select = "e.value >= 2.0 && e.source == a.source"}},
                span_of(20 * kDay))
      .level(Level::kWarning);
  sequence.alert().hold = span_of(3 * kDay);
  rules.push_back(sequence.build());
  RuleBuilder pair(world, "pair");
  pair.sequence({{.name = "a", .select = "e.value >= 3.0"},
                 {.name = "b", .select = "e.value < 1.0", .optional = true},
                 {.name = "c", .select = "e.value >= 2.0 && e.source == a.source"}},
                span_of(6 * kDay))
      .level(Level::kWarning)
      .level(Level::kAlert, "c.value >= 4.5");
  pair.alert().hold = span_of(2 * kDay);
  rules.push_back(pair.build());
  AbsenceDetect weekly;
  weekly.every = span_of(2 * kDay);
  weekly.grace = span_of(kDay);
  weekly.forget = span_of(15 * kDay);
  RuleBuilder absence(world, "absence");
  absence.select(kAttacks).absence(weekly).level(Level::kWatch, "missed >= 1");
  absence.level(Level::kAlert, "missed >= 3");
  rules.push_back(absence.build());
  return rules;
}

struct Arrival {
  EventTime time;
  double value;
  std::string region, indicator, source, id;
};

// `days` of events in order of time, several of them at equal times.
std::vector<Arrival> random_stream(std::mt19937& random, int count, int days) {
  std::uniform_int_distribution<int> hour(0, days * 24 - 1);
  std::vector<int> hours_of(static_cast<size_t>(count));
  for (int& h : hours_of) h = hour(random);
  std::sort(hours_of.begin(), hours_of.end());
  std::vector<Arrival> stream;
  const char* const regions[] = {"XA-1", "XA-2", "XB-1"};
  for (const int h : hours_of) {
    const bool is_inquiry = random() % 8 == 0;
    stream.push_back({day(0) + hours(h), static_cast<double>(random() % 50) / 10.0,
                      regions[random() % 3],
                      is_inquiry ? "justice.inquiry_opened" : "violence.attack",
                      is_inquiry || random() % 2 == 0 ? "desk" : "monitor",
                      "id" + std::to_string(stream.size())});
  }
  return stream;
}

// Any order in which no event comes more than the lateness (a day) after a newer one.
std::vector<Arrival> shuffled(std::vector<Arrival> stream, std::mt19937& random) {
  std::vector<std::pair<EventTime, size_t>> order;
  for (size_t i = 0; i < stream.size(); ++i) {
    order.emplace_back(stream[i].time + Milliseconds(random() % 86'400'001), i);
  }
  std::sort(order.begin(), order.end());
  std::vector<Arrival> result;
  for (const auto& [at, index] : order) result.push_back(stream[index]);
  return result;
}

void feed(EngineHarness& h, const Arrival& a) {
  h.feed(a.time, a.value, a.region, a.indicator, a.source, a.id);
}

std::vector<std::string> sorted_log(EngineHarness& h) {
  std::sort(h.log.begin(), h.log.end(), [](const AlertTransition& a, const AlertTransition& b) {
    return std::tie(a.at, a.rule, a.alert, a.seq) < std::tie(b.at, b.rule, b.alert, b.seq);
  });
  return h.full_lines();
}

// Empty when they are the same.
std::string first_difference(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const size_t n = std::min(a.size(), b.size());
  for (size_t i = 0; i < n; ++i) {
    if (a[i] != b[i]) return fmt::format("line {}:\n  {}\n  {}", i, a[i], b[i]);
  }
  return a.size() == b.size() ? "" : fmt::format("{} and {} lines", a.size(), b.size());
}

TEST(EngineProperty, ArrivalOrderWithinLatenessDoesNotMatterWhenFinal) {
  const auto world = small_world();
  size_t transitions = 0;
  for (uint32_t seed = 1; seed <= 25; ++seed) {
    std::mt19937 random(seed);
    const auto stream = random_stream(random, 150, 40);
    EngineHarness straight(world, one_of_each(world));
    for (const Arrival& a : stream) feed(straight, a);
    straight.finish(day(60));
    EngineHarness mixed(world, one_of_each(world));
    for (const Arrival& a : shuffled(stream, random)) feed(mixed, a);
    mixed.finish(day(60));
    ASSERT_EQ(first_difference(sorted_log(mixed), sorted_log(straight)), "") << "seed " << seed;
    for (const RuleCounters& counters : mixed.engine->counters()) {
      ASSERT_EQ(counters.late, 0u) << "seed " << seed;
    }
    transitions += straight.log.size();
  }
  EXPECT_GT(transitions, 1000u) << "the streams must say something";
}

TEST(EngineProperty, RestartAtAnyPointChangesNothing) {
  const auto world = small_world();
  for (const Emit emit : {Emit::kFinal, Emit::kEarly}) {
    for (uint32_t seed = 1; seed <= 8; ++seed) {
      std::mt19937 random(seed);
      auto stream = shuffled(random_stream(random, 120, 40), random);
      EngineHarness straight(world, one_of_each(world), emit);
      EngineHarness broken(world, one_of_each(world), emit);
      for (size_t i = 0; i < stream.size(); ++i) {
        if (i % 10 == 9) {  // a straggler, days behind
          stream[i].time -= 4 * kDay;
        }
        feed(straight, stream[i]);
        feed(broken, stream[i]);
        if (i == 90) {
          straight.advance("desk", day(50));
          broken.advance("desk", day(50));
        }
        if (seed % 2 == 1 || random() % 4 == 0) broken.restart();
      }
      straight.finish(day(70));
      broken.finish(day(70));
      ASSERT_EQ(first_difference(broken.full_lines(), straight.full_lines()), "")
          << "seed " << seed;
      ASSERT_THAT(broken.refused, ::testing::IsEmpty()) << "seed " << seed;
    }
  }
}

// Recomputes everything from the list of events, at every tick.
std::vector<std::string> naive_threshold(const std::vector<Arrival>& stream, int days) {
  std::vector<std::string> lines;
  for (const char* const region : {"XA-1", "XA-2", "XB-1"}) {
    bool is_firing = false;
    for (int tick = 1; tick <= days; ++tick) {
      double sum = 0;
      for (const Arrival& a : stream) {
        if (a.region == region && a.indicator == "violence.attack" && a.time >= day(tick - 6) &&
            a.time < day(tick)) {
          sum += a.value;
        }
      }
      const bool above = sum > 9.95;  // values are tenths: clear of rounding
      const bool below = sum < 5.95;
      if (!is_firing && above) {
        lines.push_back(fmt::format("{:03} {} fire", tick, region));
      } else if (is_firing && below) {
        lines.push_back(fmt::format("{:03} {} resolve", tick, region));
      }
      is_firing = above || (is_firing && !below);
    }
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST(EngineProperty, ThresholdAgreesWithRecomputingFromAllEvents) {
  const auto world = small_world();
  for (uint32_t seed = 100; seed < 130; ++seed) {
    std::mt19937 random(seed);
    const auto stream = random_stream(random, 120, 60);
    RuleBuilder builder(world, "sum");
    builder.select(kAttacks)
        .measure("deaths", AggregateKind::kSum, "e.value", 6 * kDay, kDay)
        .threshold("deaths >= 10.0")
        .level(Level::kWatch, "", "deaths < 6.0");
    EngineHarness h(world, {builder.build()});
    for (const Arrival& a : shuffled(stream, random)) feed(h, a);
    h.finish(day(70));
    std::vector<std::string> lines;
    for (const AlertTransition& t : h.log) {
      if (t.action == Action::kUpdate) continue;
      lines.push_back(fmt::format("{:03} {} {}", (t.at - day(0)) / kDay, t.group[0].second,
                                  to_string(t.action)));
    }
    std::sort(lines.begin(), lines.end());
    ASSERT_EQ(lines, naive_threshold(stream, 70)) << "seed " << seed;
  }
}

// Ratio of the last two days to the mean of the five pairs of days before them.
std::vector<std::string> naive_surge(const std::vector<Arrival>& stream, int days) {
  std::vector<std::string> lines;
  for (const char* const region : {"XA-1", "XA-2", "XB-1"}) {
    std::vector<int> counts(static_cast<size_t>(days), 0);
    int first = days;
    for (const Arrival& a : stream) {
      if (a.region != region || a.indicator != "violence.attack") continue;
      const auto index = static_cast<int>((a.time - day(0)) / kDay);
      ++counts[static_cast<size_t>(index)];
      first = std::min(first, index);
    }
    const auto pair = [&](int from) {
      const auto count = [&](int i) { return i < 0 ? 0 : counts[static_cast<size_t>(i)]; };
      return count(from) + count(from + 1);
    };
    bool is_firing = false;
    for (int tick = 2; tick <= days; ++tick) {
      double sum = 0;
      int n = 0;
      for (int start = tick - 4; n < 5 && start >= first; start -= 2, ++n) sum += pair(start);
      const int k = pair(tick - 2);
      const double ratio = n == 0 ? 0 : (k + 1) / (sum / n + 1);
      const bool holds = n >= 3 && k >= 2 && ratio >= 1.5;
      if (holds != is_firing) {
        lines.push_back(fmt::format("{:03} {} {}", tick, region, holds ? "fire" : "resolve"));
      }
      is_firing = holds;
    }
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST(EngineProperty, SurgeAgreesWithRecomputingFromAllEvents) {
  const auto world = small_world();
  for (uint32_t seed = 200; seed < 230; ++seed) {
    std::mt19937 random(seed);
    const auto stream = random_stream(random, 200, 60);
    SurgeDetect detect;
    detect.history = 5;
    detect.min_history = 3;
    detect.method = SurgeMethod::kRatio;
    detect.at_least = 1.5;
    detect.floor = 2;
    RuleBuilder builder(world, "surge");
    builder.select(kAttacks).surge(detect, AggregateKind::kCount, "", 2 * kDay, kDay);
    builder.level(Level::kWatch);
    EngineHarness h(world, {builder.build()});
    for (const Arrival& a : shuffled(stream, random)) feed(h, a);
    h.finish(day(70));
    std::vector<std::string> lines;
    for (const AlertTransition& t : h.log) {
      if (t.action == Action::kUpdate) continue;
      lines.push_back(fmt::format("{:03} {} {}", (t.at - day(0)) / kDay, t.group[0].second,
                                  to_string(t.action)));
    }
    std::sort(lines.begin(), lines.end());
    ASSERT_EQ(lines, naive_surge(stream, 70)) << "seed " << seed;
  }
}

TEST(EngineLimits, AStormOfKeysIsRefusedAndKnownGroupsGoOn) {
  const auto world = small_world();
  RuleBuilder builder(world, "by-side");
  builder.select(kAttacks)
      .by({{.kind = GroupKey::Kind::kAttr,
            .level = RegionLevel::kCountry,
            .attr = "side",
            .name = "side"}})
      .measure("n", AggregateKind::kCount, "", 7 * kDay, kDay)
      .threshold("n >= 5")
      .level(Level::kWatch);
  builder.rule().max_groups = 1000;
  EngineHarness h(world, {builder.build()}, Emit::kEarly);
  const auto hit = [&](EventTime at, const std::string& side) {
    const Event& event = h.events.with_attr(h.events.make(at), "side", side);
    h.send(event);
  };
  for (int i = 0; i < 3; ++i) hit(day(1), "known");
  for (int i = 0; i < 3; ++i) hit(day(1), "other");
  for (int i = 0; i < 200'000; ++i) hit(day(1), "random-" + std::to_string(i * 7919));
  const RuleCounters full = h.engine->counters()[0];
  EXPECT_EQ(full.groups, 1000u);
  EXPECT_EQ(full.overflow, 200'000u - 998u);
  EXPECT_EQ(full.refused, full.overflow);
  EXPECT_LT(full.state_bytes, 4u << 20);
  for (int i = 0; i < 2; ++i) hit(day(1), "known");
  const AlertTransition& last = h.log.back();
  ASSERT_EQ(brief(last), "~fire watch d1 known");
  EXPECT_EQ(std::get<int64_t>(last.values[0].value), 5);
  for (size_t i = 0; i + 1 < h.log.size(); ++i) EXPECT_EQ(h.log[i].rule, 1u) << brief(h.log[i]);
  // Idle groups make room again, the firing one stays until its window is empty.
  h.feed(day(5), 1, "XB-1");
  hit(day(40), "late");
  hit(day(40), "late");
  EXPECT_LE(h.engine->counters()[0].groups, 2u);
}

}  // namespace
}  // namespace tocsin::rules
