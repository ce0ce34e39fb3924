#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
