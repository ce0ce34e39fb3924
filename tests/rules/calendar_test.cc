#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>

#include "rules/load/catalogue_loader.h"
#include "tests/rules/written_rules.h"

// in_calendar(): days that the catalogue names.
namespace tocsin::rules {
namespace {

using ::testing::ElementsAre;

constexpr const char* kWorld = R"(tocsin: catalogue/1
indicators:
  violence.attack: {driver: violence, meaning: m}
sources:
  desk: {title: t, lateness: 1d, indicators: [violence.attack]}
regions:
  declare:
    XA: {names: {en: A}}
    XA-1: {parent: XA, names: {en: A1}}
    XB: {names: {en: B}}
calendars:
  harvest: {valid_until: 2020-01-08, entries: [{from: 2020-01-04, to: 2020-01-31}]}
  holidays: {valid_until: 2030-01-01, entries: [{from: 2020-01-10, to: 2020-01-10}]}
  votes: {valid_until: 2030-01-01, file: votes.tsv}
)";

std::shared_ptr<const Catalogue> world() {
  BundleText text;
  text.catalogue = {{"c.yaml", kWorld}};
  text.attachments = {{"votes.tsv",
                       "region\tfrom\tto\n"
                       "XB\t2020-01-20\t2020-01-21\n"
                       "XA\t2020-01-05\t2020-01-06\n"}};
  Diagnostics diagnostics;
  auto catalogue = load_catalogue(text, diagnostics);
  for (const Diagnostic& d : diagnostics.all()) ADD_FAILURE() << to_text(d);
  return catalogue;
}

std::vector<std::string> fired(const std::string& condition, const std::vector<double>& days,
                               const std::string& region) {
  EngineHarness harness(
      written(world(), "rules:\n  - {rule: r, kind: event, " + kHead +
                           ", select: 'e.indicator == \"violence.attack\" && " + condition +
                           "', by: [region@country], severity: watch, alert: {hold: 1h}}\n"));
  for (const double at : days) harness.feed(day(at), 1, region);
  harness.finish(day(40));
  std::vector<std::string> times;
  for (const AlertTransition& t : harness.log) {
    if (t.action == Action::kFire) times.push_back(day_text(t.at));
  }
  return times;
}

// 2020-01-05 is d4, so the vote is d4 to the end of d5.
TEST(Calendar, HoldsFromTheFirstDayToTheEndOfTheLast) {
  EXPECT_THAT(fired("in_calendar(e.time, \"votes\", region(e))", {3.9, 4, 5.9, 6}, "XA"),
              ElementsAre("d4", "d5.9"));
}

TEST(Calendar, IsOfAllThatLiesWithinItsRegion) {
  EXPECT_THAT(fired("in_calendar(e.time, \"votes\", region(e))", {5, 19.5}, "XA-1"),
              ElementsAre("d5"));
  EXPECT_THAT(fired("in_calendar(e.time, \"votes\", region(e))", {5, 19.5}, "XB"),
              ElementsAre("d19.5"));
  EXPECT_THAT(fired("in_calendar(e.time, \"votes\", region(e).parent())", {5}, "XA-1"),
              ElementsAre("d5"));
}

TEST(Calendar, WithoutARegionIsOfEverywhere) {
  for (const char* region : {"XA", "XA-1", "XB"}) {
    EXPECT_THAT(fired("in_calendar(e.time, \"holidays\", region(e))", {8.9, 9.5, 10.1}, region),
                ElementsAre("d9.5"));
  }
}

TEST(Calendar, MayBeginAhead) {
  EXPECT_THAT(fired("in_calendar(e.time, \"votes\", region(e), duration(\"48h\"))",
                    {1.9, 2, 3.5, 6.1}, "XA"),
              ElementsAre("d2", "d3.5"));
}

TEST(Calendar, SaysNoBeyondItsEnd) {
  const std::string asked = "in_calendar(e.time, \"harvest\", region(e))";
  EXPECT_THAT(fired(asked, {3, 5, 7, 9}, "XA"), ElementsAre("d3", "d5"));
}

// Whatever lies in one another: the answer is that of looking at every entry.
TEST(Calendar, FindsAmongMany) {
  constexpr int kEntries = 30'000;
  std::mt19937 random(7);
  const auto pick = [&](int of) { return std::uniform_int_distribution<int>(0, of - 1)(random); };
  const std::vector<std::string> regions = {"", "XA", "XA-1", "XB"};
  Catalogue::Draft draft;
  for (const char* id : {"XA", "XB"}) {
    Region country;
    country.id = id;
    draft.regions.push_back({country, ""});
  }
  Region part;
  part.id = "XA-1";
  part.level = RegionLevel::kAdmin1;
  draft.regions.push_back({part, "XA"});
  Catalogue::Draft::CalendarDraft calendar;
  calendar.calendar.name = "c";
  std::vector<std::tuple<std::string, EventTime, EventTime>> entries;
  for (int i = 0; i < kEntries; ++i) {
    const EventTime from = day(pick(200'000));
    const EventTime to = from + kDay * (1 + (pick(50) == 0 ? pick(400) : pick(3)));
    const std::string& region = regions[static_cast<size_t>(pick(4))];
    calendar.calendar.entries.push_back({.region = {}, .from = from, .to = to, .latest_to = {}});
    calendar.regions.push_back(region);
    entries.emplace_back(region, from, to);
  }
  draft.calendars.push_back(calendar);
  const Catalogue catalogue(draft);
  const auto holds = [&](const std::string& region, EventTime at, Milliseconds before) {
    return std::any_of(entries.begin(), entries.end(), [&](const auto& entry) {
      const auto& [of, from, to] = entry;
      const bool is_of = of.empty() || of == region || (of == "XA" && region == "XA-1");
      return is_of && from - before <= at && at < to;
    });
  };
  int yes = 0;
  for (int i = 0; i < 300; ++i) {
    const std::string& region = regions[static_cast<size_t>(1 + pick(3))];
    const EventTime at = day(pick(200'000));
    const Milliseconds before = kDay * (pick(2) == 0 ? 0 : pick(20));
    const bool expected = holds(region, at, before);
    ASSERT_EQ(catalogue.is_in_calendar(*catalogue.find_calendar("c"), at,
                                       *catalogue.find_region(region), before),
              expected)
        << region << " " << day_text(at);
    yes += expected ? 1 : 0;
  }
  EXPECT_GT(yes, 30);
  EXPECT_LT(yes, 270);
}

TEST(Calendar, IsThereForLevelsToo) {
  EngineHarness harness(written(
      world(), "rules:\n  - {rule: r, kind: threshold, " + kHead +
                   ", select: 'e.indicator == \"violence.attack\"', by: [region@country], detect: "
                   "{measures: {n: {agg: count, window: 2d, every: 1d}}, when: 'n >= 1'}, levels: "
                   "{watch: {}, alert: {when: 'in_calendar(at, \"votes\", region.id)'}}}\n"));
  harness.feed(day(1.5), 1, "XA");
  harness.feed(day(4.5), 1, "XA");
  harness.finish(day(5.5));
  EXPECT_THAT(harness.lines(),
              ElementsAre("fire watch d2 XA", "resolve watch d4 XA", "fire alert d5 XA"));
}

}  // namespace
}  // namespace tocsin::rules
