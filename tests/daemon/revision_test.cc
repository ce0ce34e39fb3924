#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <random>
#include <tuple>

#include "daemon/alert_fields.h"
#include "daemon/rebuild.h"
#include "storage/memory_store.h"
#include "tests/daemon/fed_pipeline.h"
#include "tests/daemon/judged_folder.h"

// Corrections, retractions and late events: alerts end as if everything had come in its time and as
// it was last corrected.
namespace tocsin::daemon {
namespace {

using std::chrono::hours;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kWorld = R"(tocsin: catalogue/1
indicators:
  violence.clash: {driver: violence, unit: deaths, meaning: made up}
  peace.talks: {driver: peace_process, meaning: made up}
sources:
  desk: {title: Desk, lateness: 1d, correction_horizon: 60d, tlp: clear, indicators: [violence.*, peace.*]}
  wire: {title: Wire, lateness: 1d, correction_horizon: 60d, tlp: clear, indicators: [violence.*, peace.*]}
regions:
  declare:
    XA: {names: {en: Alpha}}
    XB: {names: {en: Beta}}
    XC: {names: {en: Gamma}}
)";

// One rule of each kind over events, two that read others.
constexpr const char* kKinds = R"(tocsin: rules/1
package: kinds
defaults: {status: shadow, driver: violence, stage: latent, by: [region@country]}
signals:
  talks_10d: {select: e.indicator == "peace.talks", by: [region@country], measure: {agg: count, window: 10d, every: 1d}}
rules:
  - {rule: hit, kind: event, title: T, select: 'e.indicator == "violence.clash" && has(e.value) && e.value >= 9.0', severity: watch, alert: {hold: 30h}}
  - {rule: many, kind: threshold, title: T, select: e.indicator == "violence.clash" && has(e.value), detect: {measures: {dead: {agg: sum, of: e.value, window: 5d, every: 1d}}, when: dead >= 25.0}, levels: {warning: {}, alert: {when: dead >= 40.0}}}
  - {rule: by-source, kind: threshold, title: T, select: e.indicator == "violence.clash", by: [e.source], detect: {measures: {n: {agg: count, window: 2d, every: 1d}}, when: n >= 5}, severity: watch}
  - {rule: sudden, kind: surge, title: T, select: e.indicator == "violence.clash", detect: {measure: {agg: count, window: 2d, every: 1d}, baseline: {history: 8, gap: 1d, min_history: 3}, test: {method: ratio, at_least: 2.0}, floor: 3}, severity: watch}
  - {rule: climbs, kind: trend, title: T, select: e.indicator == "violence.clash" && has(e.value), detect: {series: {agg: sum, of: e.value, pane: 1d, points: 8}, slope: {at_least: 0.4, per: 1d}, min_points: 4}, severity: watch}
  - {rule: after-talks, kind: sequence, title: T, detect: {span: 4d, steps: [{talks: {select: 'e.indicator == "peace.talks"'}}, {clash: {select: 'e.indicator == "violence.clash" && has(e.value) && e.value >= 4.0'}}]}, severity: watch, alert: {hold: 2d}}
  - {rule: silent, kind: absence, title: T, select: e.indicator == "peace.talks", detect: {expect: {at_least: 1, every: 5d}, roster: {learn: 1d, forget: 60d}, grace: 6h}, severity: watch}
  - {rule: heat, kind: index, title: T, detect: {every: 1d, components: {clashes: {events: 'e.indicator == "violence.clash"', of: e.value, half_life: 5d, scale: {from: 0, to: 60}, weight: 1.0}}}, levels: {watch: {enter: 50, exit: 30}}}
  - {rule: new-voice, kind: new_term, title: T, select: e.indicator == "peace.talks", detect: {term: [e.source], history: 12d, learn: {or_events: 1}}, severity: watch, alert: {hold: 1d}}
  - {rule: no-talks, kind: threshold, title: T, select: e.indicator == "violence.clash", detect: {measures: {n: {agg: count, window: 3d, every: 1d}}, when: 'n >= 3 && signal("talks_10d") < 1.0'}, severity: watch}
  - {rule: soon-after, kind: threshold, title: T, armed: {by: 'e.indicator == "peace.talks"', for: 6d}, select: e.indicator == "violence.clash", detect: {measures: {n: {agg: count, window: 2d, every: 1d}}, when: n >= 2}, severity: watch}
  - {rule: both, kind: layers, title: T, driver: composite, detect: {alerts: a.level >= level.watch, distinct: a.rule, window: 6d}, levels: {watch: {distinct: 4}}}
)";

rules::BundleText world(const std::string& rules = kKinds) {
  rules::BundleText text;
  text.catalogue.push_back({"catalogue.yaml", kWorld});
  text.rules.push_back({"kinds.yaml", rules});
  return text;
}

// One revision of an event.
struct Version {
  int id = 0;
  int rev = 0;
  double day = 0;      // of the event
  double arrives = 0;  // day
  std::string region;
  std::string indicator;
  std::string source;
  int value = 0;
  bool retracts = false;
};

std::string line_of(const Version& v) {
  const EventTime time = parse_time("2020-01-01").value() +
                         Milliseconds(static_cast<int64_t>(v.day * 24 * 60) * 60'000);
  return fmt::format(
      R"({{"id":"e{}","rev":{},"op":"{}","source":"{}","indicator":"{}","time":"{}","region":"{}","value":{}}})"
      "\n",
      v.id, v.rev,
      v.retracts  ? "retract"
      : v.rev > 0 ? "correct"
                  : "assert",
      v.source, v.indicator, format_time(time), v.region, v.value);
}

// Sixty days; most events come once and nearly in time, some late, some corrected in any order.
std::vector<Version> versions(uint32_t seed) {
  std::mt19937 random(seed);
  const auto pick = [&](int of) { return std::uniform_int_distribution<int>(0, of - 1)(random); };
  std::vector<Version> all;
  double day = 0;
  for (int id = 0; id < 220; ++id) {
    day += pick(100) / 180.0;
    Version v;
    v.id = id;
    v.day = day;
    v.region = pick(2) == 0 ? "XA" : pick(3) == 0 ? "XC" : "XB";
    v.indicator = pick(4) == 0 ? "peace.talks" : "violence.clash";
    v.source = pick(2) == 0 ? "desk" : "wire";
    v.value = pick(12);
    const bool is_late = pick(8) == 0;
    v.arrives = day + (is_late ? pick(150) / 10.0 : pick(90) / 100.0);
    all.push_back(v);
    for (int rev = 1; rev <= 2 && pick(5) == 0; ++rev) {
      Version next = v;
      next.rev = rev;
      next.arrives = day + pick(200) / 10.0;  // before the one it corrects, now and then
      next.value = pick(12);
      if (pick(4) == 0) next.region = "XA";
      next.retracts = pick(3) == 0;
      all.push_back(next);
    }
  }
  return all;
}

// As they stand in the end, in order of time.
std::vector<Version> settled(const std::vector<Version>& all) {
  std::map<int, Version> last;
  for (const Version& v : all) {
    const auto [found, is_new] = last.try_emplace(v.id, v);
    if (!is_new && v.rev > found->second.rev) found->second = v;
  }
  std::vector<Version> order;
  for (const auto& [id, v] : last) order.push_back(v);
  std::sort(order.begin(), order.end(), [](const Version& a, const Version& b) {
    return std::tie(a.day, a.source, a.id) < std::tie(b.day, b.source, b.id);
  });
  return order;
}

// A day long after, from both sources, so that all is decided.
std::string the_end() {
  Version v;
  v.day = 200;
  v.region = "XC";
  v.indicator = "peace.talks";
  std::string lines;
  for (const char* source : {"desk", "wire"}) {
    v.source = source;
    v.id = source[0] == 'd' ? 9001 : 9002;
    lines += line_of(v);
  }
  return lines;
}

void revise_all(Daemon& daemon) {
  daemon.commit();
  while (daemon.pipeline().unrevised() > 0) daemon.commit();
}

// Every alert that stands: what, where, from when to when, how high.
std::vector<std::string> standing(const storage::Store& store) {
  std::map<std::string, AlertFields> last;
  EXPECT_TRUE(store.read_alert_log(0, [&](const storage::Store::StoredAlert& alert) {
    const auto fields = read_alert_fields(alert.json);
    EXPECT_TRUE(fields) << alert.json;
    last[fields->id] = *fields;
    return true;
  }));
  std::vector<std::string> lines;
  for (const auto& [id, f] : last) {
    if (f.action == Action::kWithdraw) continue;
    std::string group;
    for (const auto& [name, value] : f.group) group += value + " ";
    lines.push_back(fmt::format("{} {}{} from {} to {}", f.rule, group, to_string(f.level),
                                format_time(f.starts_at),
                                f.ends_at ? format_time(*f.ends_at) : "now"));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::vector<std::string> standing_when_sorted(const std::vector<Version>& all, rules::Emit emit) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options(1, emit), world());
  for (const Version& v : settled(all)) {
    if (!v.retracts) daemon.feed(line_of(v));
  }
  daemon.feed(the_end());
  daemon.commit();
  EXPECT_EQ(daemon.pipeline().unrevised(), 0U);
  return standing(*store);
}

class Revision : public testing::TestWithParam<rules::Emit> {};

TEST_P(Revision, EndsAsIfAllHadComeInItsTimeAsItWasLastCorrected) {
  size_t told = 0;
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::vector<Version> all = versions(seed);
    const std::vector<std::string> expected = standing_when_sorted(all, GetParam());
    told += expected.size();
    std::stable_sort(all.begin(), all.end(),
                     [](const Version& a, const Version& b) { return a.arrives < b.arrives; });
    std::mt19937 random(seed);
    const size_t shards = seed % 3 == 0 ? 2 : 1;
    const auto store = storage::make_memory_store();
    auto daemon = std::make_unique<Daemon>(*store, options(shards, GetParam()), world());
    for (const Version& v : all) {
      daemon->feed(line_of(v));
      if (random() % 9 == 0) daemon->commit(random() % 3 == 0);
      if (random() % 40 == 0) {
        daemon->commit();
        daemon = std::make_unique<Daemon>(*store, options(shards, GetParam()), world());
      }
    }
    daemon->feed(the_end());
    revise_all(*daemon);
    ASSERT_EQ(standing(*store), expected);
    daemon->commit(/*checkpoint=*/true);
    expect_rebuilt_the_same(*store);
  }
  EXPECT_GT(told, 200U);
}

INSTANTIATE_TEST_SUITE_P(Emission, Revision,
                         testing::Values(rules::Emit::kFinal, rules::Emit::kEarly),
                         [](const auto& param) {
                           return param.param == rules::Emit::kFinal ? "Final" : "Early";
                         });

const std::string kHits =
    "tocsin: rules/1\npackage: p\nrules:\n"
    "  - {rule: many, kind: threshold, title: 'Dead: {{ dead }}', status: shadow, driver: "
    "violence, "
    "stage: latent, select: e.indicator == \"violence.clash\" && has(e.value), by: "
    "[region@country], detect: {measures: {dead: {agg: sum, of: e.value, window: 5d, every: 1d}}, "
    "when: dead >= 10.0}, levels: {warning: {}, alert: {when: dead >= 40.0}}}\n";

std::vector<std::string> log_of(const storage::Store& store) {
  std::vector<std::string> lines;
  EXPECT_TRUE(store.read_alert_log(0, [&](const storage::Store::StoredAlert& alert) {
    lines.push_back(alert.json);
    return true;
  }));
  return lines;
}

Version clash(int id, double day, int value) {
  Version v;
  v.id = id;
  v.day = day;
  v.region = "XA";
  v.indicator = "violence.clash";
  v.source = "desk";
  v.value = value;
  return v;
}

// Its next revision.
Version corrected(Version v) {
  ++v.rev;
  return v;
}
Version retracted(Version v) {
  v.retracts = true;
  return corrected(v);
}

TEST(Revised, ARetractionWithdrawsWhatRestedOnTheEvent) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options(), world(kHits));
  daemon.feed(line_of(clash(1, 1.5, 50)));
  daemon.feed(line_of(clash(2, 20, 0)));
  daemon.commit();
  ASSERT_EQ(log_of(*store).size(), 3U);  // fire, confirmed, over
  daemon.feed(line_of(retracted(clash(1, 1.5, 50))));
  revise_all(daemon);
  const auto log = log_of(*store);
  ASSERT_EQ(log.size(), 4U);
  EXPECT_THAT(log.back(), HasSubstr(R"("action":"withdraw")"));
  EXPECT_THAT(log.back(), HasSubstr(R"("cause":{"role":"retract","id":"e1")"));
  EXPECT_THAT(standing(*store), IsEmpty());
  // Nothing more to tell, also after it was asserted again by somebody who missed that.
  daemon.feed(line_of(clash(1, 1.5, 50)));
  revise_all(daemon);
  EXPECT_EQ(log_of(*store).size(), 4U);
}

// The correction horizon of `desk` is 60 days; an id is known as long as its event is inside of it.
TEST(Revised, ARetractionCountsHoweverOldItsOwnTimeIs) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options(), world(kHits));
  daemon.feed(line_of(clash(1, 1.5, 50)));
  daemon.feed(line_of(clash(2, 50, 0)));
  daemon.commit();
  daemon.feed(line_of(retracted(clash(1, -300, 50))));
  EXPECT_EQ(daemon.commit().events, 1U);
  revise_all(daemon);
  EXPECT_THAT(log_of(*store).back(), HasSubstr(R"("action":"withdraw")"));
  EXPECT_THAT(standing(*store), IsEmpty());
}

TEST(Revised, WhatIsCorrectedToBeforeTheHorizonCountsNoMore) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options(), world(kHits));
  daemon.feed(line_of(clash(1, 1.5, 50)));
  daemon.feed(line_of(clash(2, 50, 0)));
  daemon.commit();
  const std::string moved = line_of(corrected(clash(1, -300, 50)));
  daemon.feed(moved);
  const ingest::Receipt receipt = daemon.commit();
  EXPECT_EQ(receipt.events, 0U);
  EXPECT_EQ(receipt.rejected, 1U);
  revise_all(daemon);
  EXPECT_THAT(log_of(*store).back(), HasSubstr(R"("action":"withdraw")"));
  EXPECT_THAT(standing(*store), IsEmpty());
  daemon.feed(moved);
  EXPECT_EQ(daemon.commit().duplicates, 1U);
}

TEST(Revised, ACorrectionOfWhatWasForgottenStillReplacesIt) {
  const auto store = storage::make_memory_store();
  std::string rules = kHits;
  rules.replace(rules.find("window: 5d"), 10, "window: 200d");
  Daemon daemon(*store, options(), world(rules));
  daemon.feed(line_of(clash(1, 1.5, 8)));
  daemon.commit();
  daemon.feed(line_of(clash(2, 90, 0)));
  daemon.commit();
  daemon.feed(line_of(corrected(clash(1, 89.5, 8))));
  revise_all(daemon);
  EXPECT_THAT(log_of(*store), IsEmpty()) << "8 dead, and not 16";
}

TEST(Revised, ACorrectionMovesTheLevelOfAnOpenAlert) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options(), world(kHits));
  daemon.feed(line_of(clash(1, 1.5, 50)));
  daemon.feed(line_of(clash(2, 3.9, 0)));
  daemon.commit();
  daemon.feed(line_of(corrected(clash(1, 1.5, 20))));
  revise_all(daemon);
  const auto fields = read_alert_fields(log_of(*store).back());
  EXPECT_EQ(fields->action, Action::kDeescalate);
  EXPECT_EQ(fields->level, Level::kWarning);
  EXPECT_EQ(fields->title.at("en"), "Dead: 20");
  // The alert goes on from there, under its id.
  daemon.feed(line_of(clash(3, 4.1, 30)));
  daemon.feed(line_of(clash(4, 6.5, 0)));
  revise_all(daemon);
  const auto next = read_alert_fields(log_of(*store).back());
  EXPECT_EQ(next->id, fields->id);
  EXPECT_GT(next->seq, fields->seq);
  EXPECT_EQ(next->level, Level::kAlert);
}

TEST(Revised, ALateEventRaisesWhatWouldHaveBeen) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options(), world(kHits));
  daemon.feed(line_of(clash(1, 1.5, 6)));
  daemon.feed(line_of(clash(2, 30, 0)));
  daemon.commit();
  EXPECT_THAT(log_of(*store), IsEmpty());
  daemon.feed(line_of(clash(3, 2.5, 6)));
  revise_all(daemon);
  const auto log = log_of(*store);
  ASSERT_EQ(log.size(), 2U);
  EXPECT_THAT(log[0], HasSubstr(R"("action":"fire")"));
  EXPECT_THAT(log[0], HasSubstr(R"("retroactive":true)"));
  EXPECT_THAT(log[1], HasSubstr(R"("action":"resolve")"));
  EXPECT_THAT(standing(*store), ElementsAre("p/many XA warning from 2020-01-03T12:00:00Z to "
                                            "2020-01-08T00:00:00Z"));
}

TEST(Revised, WhatIsOldWakesNobodyAndOfARuleThatSaysSoWhatIsOlder) {
  for (const auto& [time, notifies] :
       {std::pair("", false), std::pair("time: {page_within: 40d}, ", true)}) {
    std::string rules = kHits;
    rules.replace(rules.find("status: shadow, "), std::strlen("status: shadow, "),
                  fmt::format("{}status: production, doc: {{rationale: R, source: {{document: d, "
                              "paragraph: p}}, false_positives: [none], response: none}}, ",
                              time));
    const auto store = storage::make_memory_store();
    Daemon daemon(*store, options(), world(rules));
    daemon.feed(line_of(clash(1, 1.5, 6)));
    daemon.feed(line_of(clash(2, 30, 0)));
    daemon.commit();
    daemon.feed(line_of(clash(3, 2.5, 6)));
    revise_all(daemon);
    size_t told = 0;
    EXPECT_TRUE(store->read_alert_log(0, [&](const storage::Store::StoredAlert& alert) {
      EXPECT_EQ(alert.notify, notifies) << alert.json;
      ++told;
      return true;
    }));
    EXPECT_EQ(told, 2U);  // fire, over: recorded in any case
  }
}

// Retention has dropped what the first alert rested on: that is no reason to take it back.
TEST(Revised, WhatTheJournalNoLongerReachesBackToStaysAsItWasTold) {
  const auto store = storage::make_memory_store();
  PipelineOptions clocked = options();
  clocked.future_tolerance = std::chrono::minutes(10);
  const auto on = [](int day) { return parse_time("2020-01-01").value() + hours(24 * day); };
  Daemon daemon(*store, clocked, world(kHits), on(0));
  daemon.feed(line_of(clash(1, 1.5, 50)), on(2));
  daemon.commit(true, on(2));
  daemon.feed(line_of(clash(2, 20, 1)), on(20));
  daemon.commit(true, on(20));
  daemon.feed(line_of(clash(3, 40, 50)) + line_of(clash(4, 60, 0)), on(60));
  daemon.commit(true, on(60));
  ASSERT_TRUE(store->apply_retention({.journal = hours(24 * 50)}, on(61)));
  ASSERT_GT(store->first_seq(), 1U);
  const auto before = standing(*store);
  ASSERT_EQ(before.size(), 2U);

  Version less = clash(3, 40, 12);
  less.rev = 1;
  daemon.feed(line_of(less), on(61));
  revise_all(daemon);
  const auto after = standing(*store);
  ASSERT_EQ(after.size(), 2U);
  EXPECT_EQ(after[0], before[0]) << "of the second day";
  EXPECT_THAT(after[1], HasSubstr("warning from 2020-02-10"));

  // Five days before it are not all there.
  daemon.pipeline().take_counts();
  Version more = clash(2, 20, 50);
  more.rev = 1;
  daemon.feed(line_of(more), on(61));
  revise_all(daemon);
  EXPECT_EQ(standing(*store), after);
  EXPECT_EQ(daemon.pipeline().take_counts().revisions_out_of_reach, 1U);
}

// Who is on a roster is waited for since the first event of the sources, wherever that was.
TEST(Revised, ARosterIsWaitedForSinceTheFirstEventOfAll) {
  const std::string rules =
      "tocsin: rules/1\npackage: p\nlists: {watched: [XA]}\nrules:\n"
      "  - {rule: silent, kind: absence, title: T, status: shadow, driver: violence, stage: "
      "latent, "
      "select: 'e.indicator == \"violence.clash\" && has(e.value) && e.value >= 1.0', by: "
      "[region@country], detect: {expect: {at_least: 1, every: 5d}, roster: {list: watched}, "
      "grace: "
      "1d}, severity: watch}\n";
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options(), world(rules));
  int id = 0;
  const auto tell = [&](const char* region, double minute) {
    Version v = clash(++id, (minute + 0.5) / (24 * 60), 0);
    v.region = region;
    daemon.feed(line_of(v));
  };
  tell("XB", 3);
  tell("XB", 9);
  tell("XB", 2 * 24 * 60);
  tell("XA", 60);  // late, and no report
  revise_all(daemon);
  EXPECT_EQ(daemon.pipeline().take_counts().revisions, 1U);
  tell("XB", 20 * 24 * 60);
  daemon.commit();
  EXPECT_THAT(standing(*store), ElementsAre("p/silent XA watch from 2020-01-07T00:03:00Z to now"));
}

// Of an alert that nothing may revise any more its number is left; also where there is always
// something that is still to be revised.
class RevisedWithLate : public testing::TestWithParam<bool> {};

TEST_P(RevisedWithLate, WhatWasToldIsKnownAsLongAsItMayBeRevised) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options());
  const auto known = [&] {
    size_t count = 0;
    EXPECT_TRUE(store->read_state([&](std::string_view key, std::string_view value) {
      Hash128 alert;
      count += Pipeline::is_of_told_alert(key, alert) && value.find("XA") != std::string_view::npos;
    }));
    return count;
  };
  int number = 0;
  for (int day = 0; day < 200; day += 10) {
    std::string lines = event_line(number++, day, "XA", 40);
    if (GetParam() && day > 10) lines += event_line(number++, day - 9, "XC", 0);
    for (int i = 0; i < 300; ++i) lines += event_line(number++, day + 6, "XB", 0);
    daemon.feed(lines);
    daemon.commit(/*checkpoint=*/true);
    // One each ten days; the longest horizon of a source is that of `mute`, the default of 45 days.
    EXPECT_LE(known(), 7U) << "day " << day;
  }
  EXPECT_GE(known(), 1U);
  EXPECT_GE(store->statistics().alert_records, 2 * 19U);
  expect_rebuilt_the_same(*store);
}

INSTANTIATE_TEST_SUITE_P(Late, RevisedWithLate, testing::Bool());

}  // namespace
}  // namespace tocsin::daemon
