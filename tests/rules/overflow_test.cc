#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "tests/rules/written_rules.h"

// What happens at a rule's limit of groups: who goes on, who is refused, and what is told of it.
namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string by_side(const std::string& limits, const std::string& more = {}) {
  return "rules:\n  - {rule: r, kind: threshold, " + kHead +
         ", select: 'e.indicator == \"violence.attack\"', by: [e.attrs.side], "
         "detect: {measures: {n: {agg: count, window: 2d, every: 1d}}, when: 'n >= 3'}, "
         "severity: watch, limits: " +
         limits + more + "}\n";
}

struct Storm : EngineHarness {
  explicit Storm(const std::string& rules, Emit emit = Emit::kEarly)
      : EngineHarness(written(small_world(), rules), emit) {}

  void hit(EventTime at, const std::string& side, std::string id = {}) {
    send(events.with_attr(events.make(at, 1.0, "XA-1", "violence.attack", "desk", std::move(id)),
                          "side", side));
  }
  // The transitions of the rule over refusals; and all others.
  std::vector<AlertTransition> overflows() const { return chosen(true); }
  std::vector<AlertTransition> others() const { return chosen(false); }

 private:
  std::vector<AlertTransition> chosen(bool of_overflow) const {
    std::vector<AlertTransition> all;
    for (const AlertTransition& t : log) {
      if ((t.group.front().first == "rule") == of_overflow) all.push_back(t);
    }
    return all;
  }
};

std::string value_of(const AlertTransition& t, const std::string& name) {
  for (const Measured& value : t.values) {
    if (value.name != name) continue;
    return std::visit([](const auto& v) { return fmt::format("{}", v); }, value.value);
  }
  return "none";
}

TEST(Overflow, IsOneAlertThatTellsWhatWasRefused) {
  Storm storm(by_side("{groups: 2}"));
  storm.hit(day(1), "known");
  storm.hit(day(1), "other");
  storm.hit(day(1.1), "third", "the-third");
  storm.hit(day(1.2), "fourth");
  storm.hit(day(1.2), "third");
  storm.hit(day(1.2), "known");
  const auto told = storm.overflows();
  ASSERT_THAT(told, SizeIs(1));
  const AlertTransition& fire = told.front();
  EXPECT_EQ(brief(fire), "fire warning d1.1 p/r");
  EXPECT_EQ(fire.group, (decltype(fire.group){{"rule", "p/r"}}));
  EXPECT_FALSE(fire.provisional);
  EXPECT_EQ(fire.title.at("en"), "p/r refuses new groups");
  EXPECT_EQ(fire.title.at("fr"), "p/r refuse de nouveaux groupes");
  EXPECT_THAT(fire.title.at("ar"), HasSubstr("p/r"));
  EXPECT_THAT(fire.summary.at("en"), HasSubstr("1 events of about 1 groups"));
  EXPECT_THAT(fire.condition, HasSubstr("at its limit (groups: 2)"));
  EXPECT_EQ(value_of(fire, "events"), "1");
  EXPECT_EQ(value_of(fire, "limit"), "groups: 2");
  EXPECT_EQ(value_of(fire, "sample"), "third");
  ASSERT_THAT(fire.evidence, SizeIs(1));
  EXPECT_EQ(storm.events.events()[fire.evidence[0].seq - 1].id, "the-third");
  EXPECT_EQ(fire.evidence[0].role, "refused");

  const Rule& raised_by = storm.bundle->raised_by(fire.rule);
  EXPECT_EQ(raised_by.id, "tocsin/RuleOverflow");
  EXPECT_EQ(raised_by.driver, Driver::kMonitoring);
  EXPECT_EQ(raised_by.status, RuleStatus::kProduction);
  EXPECT_THAT(raised_by.doc.response, HasSubstr("raise the limit"));

  const RuleCounters counters = storm.engine->counters()[0];
  EXPECT_EQ(counters.groups, 2U);
  EXPECT_EQ(counters.refused, 3U);
  EXPECT_EQ(counters.refused_groups, 2U);
}

TEST(Overflow, EndsAfterADayWithoutAndBeginsAnewUnderAnotherId) {
  Storm storm(by_side("{groups: 1}"));
  storm.hit(day(1), "known");
  storm.hit(day(1.5), "refused");
  storm.hit(day(2.2), "refused");
  storm.hit(day(3), "known");
  storm.hit(day(4.25), "known");  // the watermark is a day behind
  EXPECT_THAT(
      brief(storm.overflows()),
      ElementsAre("fire warning d1.5 p/r", "update warning d2.5 p/r", "resolve warning d3.2 p/r"));
  EXPECT_EQ(value_of(storm.overflows()[2], "events"), "2") << "the end tells of all";
  EXPECT_EQ(storm.engine->counters()[0].refused_groups, 0U) << "what is over is forgotten";
  storm.hit(day(4.3), "refused again");
  const auto told = storm.overflows();
  ASSERT_THAT(told, SizeIs(4));
  EXPECT_EQ(brief(told[3]), "fire warning d4.3 p/r");
  EXPECT_NE(told[3].alert, told[0].alert);
  EXPECT_EQ(value_of(told[3], "events"), "1");
}

TEST(Overflow, IsToldOnceADayAndAtEachHundredfold) {
  Storm storm(by_side("{groups: 1}"));
  storm.hit(day(1), "known");
  for (int i = 0; i < 10'050; ++i) storm.hit(day(1.1), "k" + std::to_string(i % 5'000));
  std::vector<std::string> numbers;
  for (const AlertTransition& t : storm.overflows()) numbers.push_back(value_of(t, "events"));
  EXPECT_THAT(numbers, ElementsAre("1", "100", "10000"));
  for (int i = 0; i < 40; ++i) storm.hit(day(1.2 + 0.1 * i), "again");
  EXPECT_THAT(
      brief(storm.overflows()),
      ElementsAre("fire warning d1.1 p/r", "update warning d1.1 p/r", "update warning d1.1 p/r",
                  "update warning d2.1 p/r", "update warning d3.1 p/r", "update warning d4.1 p/r",
                  "update warning d5.1 p/r"));
}

TEST(Overflow, AFeedThatFallsSilentEndsNothing) {
  Storm storm(by_side("{groups: 1}"));
  storm.hit(day(1), "known");
  storm.hit(day(1.5), "refused");
  storm.advance("desk", day(9));
  storm.advance("monitor", day(9));
  EXPECT_THAT(brief(storm.overflows()),
              ElementsAre("fire warning d1.5 p/r", "?update warning d2.5 p/r"));
  storm.hit(day(9.5), "known");
  storm.advance("desk", day(9.5));
  storm.advance("monitor", day(9.5));
  EXPECT_EQ(brief(storm.overflows().back()).substr(0, 17), "resolve warning d");
}

// Known groups, and what they say, are as if nothing else had come.
TEST(Overflow, KnownGroupsGoOnInAStormAsWithoutIt) {
  std::vector<std::vector<std::string>> said;
  for (const bool is_stormy : {false, true}) {
    Storm storm(by_side("{groups: 40}"));
    std::mt19937 random(5);
    for (int i = 0; i < 40; ++i) storm.hit(day(1), "known-" + std::to_string(i));
    int junk = 0;
    for (int i = 0; i < 2'000; ++i) {
      const EventTime at = day(1 + 0.005 * i);
      const std::string side = "known-" + std::to_string(random() % 40);
      for (int j = 0; is_stormy && j < 20; ++j) storm.hit(at, "junk-" + std::to_string(junk++));
      storm.hit(at, side, "known" + std::to_string(i));
    }
    storm.finish(day(20));
    std::vector<std::string> lines;
    for (const AlertTransition& t : storm.others()) lines.push_back(full(t, storm.events));
    EXPECT_GT(lines.size(), 100U);
    said.push_back(std::move(lines));
    if (!is_stormy) continue;
    const auto told = storm.overflows();
    const auto is_fire = [](const AlertTransition& t) { return t.action == Action::kFire; };
    EXPECT_EQ(std::count_if(told.begin(), told.end(), is_fire), 1);
    EXPECT_EQ(told.back().action, Action::kResolve);
    EXPECT_EQ(value_of(told.back(), "events"), std::to_string(junk));
    EXPECT_NEAR(std::stod(value_of(told.back(), "groups")), junk, 0.065 * junk);
    EXPECT_THAT(told.back().evidence, SizeIs(8));
    EXPECT_THAT(told.back().condition, HasSubstr("; …"));
  }
  EXPECT_EQ(said[0], said[1]);
}

std::vector<std::pair<double, std::string>> mixed_stream(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::pair<double, std::string>> stream;
  double at = 1;
  for (int i = 0; i < 120; ++i) {
    at += static_cast<double>(random() % 100) / 400;
    if (random() % 25 == 0) at += 4;  // all is forgotten, and a place becomes free
    stream.emplace_back(at, "s" + std::to_string(random() % 12));
  }
  return stream;
}

TEST(Overflow, RestartAtAnyPointChangesNothing) {
  const std::string rules = by_side("{groups: 3}");
  for (uint32_t seed = 0; seed < 6; ++seed) {
    const auto stream = mixed_stream(seed);
    Storm whole(rules);
    for (const auto& [at, side] : stream) whole.hit(day(at), side);
    whole.finish(day(90));
    Storm broken(rules);
    for (const auto& [at, side] : stream) {
      broken.hit(day(at), side);
      broken.restart();
    }
    broken.finish(day(90));
    ASSERT_EQ(broken.full_lines(), whole.full_lines()) << "seed " << seed;
    EXPECT_THAT(broken.refused, IsEmpty());
    EXPECT_THAT(whole.overflows(), ::testing::Not(IsEmpty()));
  }
}

TEST(Overflow, GoesOnOverAReloadAndEndsWithItsRule) {
  Storm storm(by_side("{groups: 1}"));
  storm.hit(day(1), "known");
  storm.hit(day(1.5), "refused");
  const auto reload = [&](const std::string& rules) {
    const auto next = written(small_world(), rules);
    storm.engine->activate(next, storm.log, storm.log);
    storm.bundle = next;
  };
  // Another limit, and another rule before it, which moves all numbers.
  const std::string other =
      "  - {rule: a, kind: event, " + kHead +
      ", select: 'e.indicator == \"justice.inquiry_opened\"', severity: info, alert: {hold: 1d}}\n";
  reload(by_side("{groups: 2}") + other);
  storm.hit(day(1.6), "refused");  // now it has its place
  EXPECT_EQ(storm.engine->counters()[1].refused, 1U);
  storm.hit(day(1.7), "third");
  EXPECT_THAT(brief(storm.overflows()), ElementsAre("fire warning d1.5 p/r"));
  reload("rules:\n" + other);
  const auto told = storm.overflows();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[1].action, Action::kResolve);
  EXPECT_EQ(told[1].alert, told[0].alert);
  EXPECT_EQ(told[1].condition, "rule removed");
  EXPECT_EQ(value_of(told[1], "events"), "2");
}

TEST(Overflow, OfASignalMakesWhatItRefusedUnknownUntilItIsPast) {
  const std::string rules = R"(
signals:
  hits:
    select: e.indicator == "violence.attack"
    by: [e.attrs.side]
    measure: {agg: count, window: 2d, every: 1d}
    limits: {groups: 1}
rules:
  - {rule: r, kind: threshold, )" +
                            kHead +
                            R"(, select: 'e.indicator == "violence.attack"', by: [e.attrs.side],
     detect: {measures: {n: {agg: count, window: 1d, every: 1d}}, when: 'n >= 1 && signal("hits") == 0.0'},
     severity: watch}
)";
  for (const bool restarts : {false, true}) {
    Storm storm(rules, Emit::kFinal);
    storm.hit(day(1.5), "a");
    storm.hit(day(1.6), "b");  // refused by the signal
    if (restarts) storm.restart();
    EXPECT_THAT(brief(storm.overflows()), ElementsAre("fire warning d1.6 signal hits"));
    storm.finish(day(30));
    EXPECT_THAT(storm.others(), IsEmpty()) << "0 is not known of b: it was refused";
    EXPECT_EQ(brief(storm.overflows().back()), "resolve warning d2.6 signal hits");
  }
}

// A month of feeding, so that the rule has settled.
void settle(Storm& storm) {
  for (int i = 0; i < 30; ++i) storm.hit(day(1 + i), "known");
}

TEST(NewGroups, AreAsManyAsComeUntilTheRuleHasSettled) {
  Storm storm(by_side("{new_groups_per_hour: 10}"));
  for (int i = 0; i < 3'000; ++i) storm.hit(day(1), "first-" + std::to_string(i));
  for (int i = 0; i < 3'000; ++i) storm.hit(day(7.9), "second-" + std::to_string(i));
  EXPECT_EQ(storm.engine->counters()[0].refused, 0U);
  for (int i = 0; i < 3'000; ++i) storm.hit(day(8), "third-" + std::to_string(i));
  EXPECT_EQ(storm.engine->counters()[0].refused, 2'990U);
}

TEST(NewGroups, BeyondThoseOfTheHourAreRefused) {
  Storm storm(by_side("{new_groups_per_hour: 10}"));
  settle(storm);
  for (int i = 0; i < 15; ++i) storm.hit(day(30.01), "new-" + std::to_string(i));
  for (int i = 0; i < 15; ++i) storm.hit(day(30.01), "new-" + std::to_string(i));
  storm.hit(day(30.02), "known");
  EXPECT_EQ(storm.engine->counters()[0].refused, 10U);
  EXPECT_EQ(storm.engine->counters()[0].groups, 11U);
  ASSERT_THAT(brief(storm.overflows()), ElementsAre("fire warning d30.01 p/r"));
  EXPECT_EQ(value_of(storm.overflows()[0], "limit"), "new_groups_per_hour: 10");
  // The next hour takes them, and so does one that is told of in between.
  for (int i = 0; i < 15; ++i) storm.hit(day(30.05), "new-" + std::to_string(i));
  EXPECT_EQ(storm.engine->counters()[0].refused, 10U);
  storm.hit(day(29.99), "before");
  EXPECT_EQ(storm.engine->counters()[0].refused, 10U);
  storm.hit(day(30.03), "too many");
  EXPECT_EQ(storm.engine->counters()[0].refused, 11U);
}

// What leaves no state behind is no new group.
TEST(NewGroups, AreThoseThatAreStillThere) {
  Storm storm("rules:\n  - {rule: r, kind: event, " + kHead +
              ", select: 'e.indicator == \"violence.attack\"', by: [e.attrs.side], levels: {watch: "
              "{when: 'e.value >= 5.0'}}, alert: {hold: 3d}, limits: {new_groups_per_hour: 2}}\n");
  settle(storm);
  for (int i = 0; i < 50; ++i) storm.hit(day(31), "harmless-" + std::to_string(i));
  EXPECT_EQ(storm.engine->counters()[0].refused, 0U);
  for (int i = 0; i < 5; ++i) {
    Event& event = storm.events.make(day(31), 7.0, "XA-1");
    storm.send(storm.events.with_attr(event, "side", "grave-" + std::to_string(i)));
  }
  EXPECT_EQ(storm.engine->counters()[0].refused, 3U);
}

TEST(NewGroups, OfClosedKeysAreNotCounted) {
  const auto rules =
      "rules:\n  - {rule: r, kind: threshold, " + kHead +
      ", select: 'e.indicator == \"violence.attack\"', by: [region@admin1], detect: "
      "{measures: {n: {agg: count, window: 2d, every: 1d}}, when: n >= 3}, severity: "
      "watch, limits: {new_groups_per_hour: 1}}\n";
  Storm storm(rules);
  settle(storm);
  for (const char* region : {"XA-1", "XA-2", "XB-1"}) storm.feed(day(31), 1.0, region);
  EXPECT_EQ(storm.engine->counters()[0].refused, 0U);
}

TEST(NewGroups, RestartAtAnyPointChangesNothing) {
  const std::string rules = by_side("{groups: 30, new_groups_per_hour: 3}");
  for (uint32_t seed = 0; seed < 4; ++seed) {
    std::vector<std::pair<double, std::string>> stream;
    std::mt19937 random(seed);
    double at = 9;
    for (int i = 0; i < 200; ++i) {
      at += static_cast<double>(random() % 100) / 2'000;
      const double late = static_cast<double>(random() % 10) / 10;
      stream.emplace_back(at - late, "s" + std::to_string(random() % 90));
    }
    Storm whole(rules);
    Storm broken(rules);
    for (Storm* storm : {&whole, &broken}) {
      storm->hit(day(1), "known");
      for (const auto& [time, side] : stream) {
        storm->hit(day(time), side);
        if (storm == &broken) storm->restart();
      }
      storm->finish(day(90));
    }
    ASSERT_EQ(broken.full_lines(), whole.full_lines()) << "seed " << seed;
    EXPECT_THAT(whole.overflows(), ::testing::Not(IsEmpty()));
  }
}

// One that comes with a reload learns who there is as one at the first start does.
TEST(NewGroups, OfANewRuleAreAsManyAsCome) {
  Storm storm(
      "rules:\n  - {rule: other, kind: event, " + kHead +
      ", select: 'e.indicator == \"justice.inquiry_opened\"', severity: info, alert: {hold: "
      "1d}}\n");
  settle(storm);
  const auto next = written(small_world(), by_side("{new_groups_per_hour: 10}"));
  storm.engine->activate(next, storm.log, storm.log);
  for (int i = 0; i < 100; ++i) storm.hit(day(32), "first-" + std::to_string(i));
  EXPECT_EQ(storm.engine->counters()[0].refused, 0U);
  for (int i = 0; i < 100; ++i) storm.hit(day(40), "second-" + std::to_string(i));
  EXPECT_EQ(storm.engine->counters()[0].refused, 90U);
}

// Of several that are read by one event, each rule has an alert of its own.
TEST(Overflow, IsOneAlertARule) {
  Storm storm(by_side("{groups: 1}") + "  - {rule: each, kind: event, " + kHead +
              ", select: 'e.indicator == \"violence.attack\"', each: e.actors, by: [each], "
              "severity: info, alert: {hold: 9d}, limits: {groups: 2}}\n");
  Event& event = storm.events.make(day(1), 1.0, "XA-1");
  storm.events.with_actors(event, {"a", "b", "c", "d"});
  storm.send(storm.events.with_attr(event, "side", "s"));
  Event& second = storm.events.make(day(1.1), 1.0, "XA-1");
  storm.events.with_actors(second, {"a", "c"});
  storm.send(storm.events.with_attr(second, "side", "t"));
  const auto told = storm.overflows();
  EXPECT_THAT(brief(told), ElementsAre("fire warning d1 p/each", "fire warning d1.1 p/r"));
  EXPECT_EQ(storm.engine->counters()[0].refused_groups, 2U) << "c and d";
  EXPECT_EQ(storm.engine->counters()[0].refused, 3U);
  EXPECT_EQ(storm.engine->counters()[1].refused_groups, 1U);
}

TEST(Overflow, OfARuleOverAlertsHasNoEvents) {
  Storm storm(
      "rules:\n  - {rule: seen, kind: event, " + kHead +
      ", select: 'e.indicator == \"violence.attack\"', by: [region@admin1], severity: watch, "
      "alert: {hold: 30d}}\n"
      "  - {rule: layers, kind: layers, title: T, status: draft, driver: composite, stage: latent, "
      "by: [region@admin1], limits: {groups: 1}, detect: {alerts: 'a.level >= level.watch', "
      "distinct: a.rule, window: 5d}, levels: {watch: {distinct: 1}}}\n");
  storm.feed(day(1), 1, "XA-1");
  storm.feed(day(2), 1, "XB-1");
  const auto told = storm.overflows();
  EXPECT_THAT(brief(told), ElementsAre("fire warning d2 p/layers"));
  EXPECT_THAT(told[0].evidence, IsEmpty());
  EXPECT_EQ(value_of(told[0], "sample"), "XB-1");
}

}  // namespace
}  // namespace tocsin::rules
