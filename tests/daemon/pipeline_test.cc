#include "daemon/pipeline.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "daemon/alert_fields.h"
#include "storage/memory_store.h"
#include "tests/daemon/fed_pipeline.h"

namespace tocsin::daemon {
namespace {

using std::chrono::hours;

// Forty days over three countries, a function of the seed.
std::vector<std::string> stream(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::string> lines;
  for (int day = 0; day < 40; ++day) {
    for (int i = 0; i < 5; ++i) {
      static constexpr std::array kRegions{"XA", "XB", "XC"};
      lines.push_back(event_line(static_cast<int>(lines.size()), day, kRegions[random() % 3],
                                 static_cast<int>(random() % 12)));
    }
  }
  return lines;
}

std::vector<std::string> alert_log(const storage::Store& store) {
  std::vector<std::string> log;
  const Status status = store.read_alert_log(0, [&](const storage::Store::StoredAlert& alert) {
    log.push_back(alert.json);
    return true;
  });
  EXPECT_TRUE(status);
  std::sort(log.begin(), log.end());
  return log;
}

TEST(Pipeline, CountsEveryRecordOnce) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options());
  daemon.feed(event_line(1, 0, "XA", 1) + event_line(1, 0, "XA", 1) + "{\"id\":\"broken\"}\n" +
              event_line(2, 30, "XA", 1) + event_line(3, 1, "XA", 1));
  const ingest::Receipt receipt = daemon.commit();
  EXPECT_EQ(receipt.records, 5U);
  EXPECT_EQ(receipt.events, 2U);
  EXPECT_EQ(receipt.duplicates, 1U);
  EXPECT_EQ(receipt.rejected, 2U) << "one broken, one before the correction horizon";
  std::vector<std::string> reasons;
  ASSERT_TRUE(store->read_dead_letters(0, [&](const storage::DeadLetter& letter) {
    reasons.push_back(letter.reason);
    return true;
  }));
  EXPECT_EQ(reasons, (std::vector<std::string>{"missing_field", "too_late"}));
}

// On 2 January: what is stamped later than that is a clock gone wrong, and a span that has begun is
// not.
TEST(Pipeline, OfASpanThatHasNotEndedWhatIsPastCounts) {
  const auto store = storage::make_memory_store();
  PipelineOptions live = options();
  live.future_tolerance = std::chrono::minutes(10);
  const WallTime now = parse_time("2020-01-02T00:00:00Z").value();
  Daemon daemon(*store, live, bundle_text(), now);
  const auto line = [](std::string_view id, std::string_view time, std::string_view rest) {
    std::string text = event_line(1, 0, "XA", 1);
    text.replace(text.find("\"e1\""), 4, fmt::format("\"{}\"", id));
    const size_t at = text.find("\"time\":\"") + 8;
    text.replace(at, text.find('"', at) - at, time);
    text.insert(text.find('}'), rest);
    return text;
  };
  daemon.feed(
      line("week", "2020-01-01", R"(,"time_precision":"week","time_end":"2020-01-07")") +
          line("day", "2020-01-01", R"(,"time_end":"2020-01-07")") +
          line("wrong", "2020-01-03", R"(,"time_precision":"week","time_end":"2020-01-07")"),
      now);
  const ingest::Receipt receipt = daemon.commit(false, now);
  EXPECT_EQ(receipt.events, 2U);
  EXPECT_EQ(receipt.rejected, 1U);
  std::vector<std::string> times;
  ASSERT_TRUE(store->read_journal(1, [&](const storage::Store::JournalRecord& record) {
    if (record.event != nullptr) {
      times.push_back(fmt::format("{} {} {}", record.event->id, format_time(record.event->time),
                                  format_time(record.event->told_time())));
    }
    return true;
  }));
  EXPECT_EQ(times, (std::vector<std::string>{"week 2020-01-02T00:00:00Z 2020-01-01T00:00:00Z",
                                             "day 2020-01-01T00:00:00Z 2020-01-01T00:00:00Z"}));
}

// By how far they are behind the watermark, which is a day behind the newest event.
TEST(Pipeline, CountsLateAndTooLateEventsBySourceAndAge) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options());
  daemon.feed(event_line(1, 100, "XA", 1) + event_line(2, 98, "XA", 1) +
              event_line(3, 95, "XA", 1) + event_line(4, 80, "XA", 1) + event_line(5, 1, "XA", 1) +
              event_line(6, 100, "XA", 1, "wire") + event_line(7, 2, "XA", 1, "wire"));
  daemon.commit();
  const PipelineCounts counts = daemon.pipeline().take_counts();
  const Catalogue& catalogue = *daemon.pipeline().bundle().catalogue;
  const auto of = [&](const char* source) {
    return counts.by_source[static_cast<size_t>(catalogue.find_source(source).value())];
  };
  using ByAge = PipelineCounts::ByAge;  // up to 1 h, 1 d, 7 d, 45 d, and more
  EXPECT_EQ(of("desk").late_by_age, (ByAge{0, 1, 1, 0, 0}));
  EXPECT_EQ(of("desk").too_late_by_age, (ByAge{0, 0, 0, 1, 1}));
  EXPECT_EQ(of("desk").too_late, 2U);
  EXPECT_EQ(of("wire").late_by_age, ByAge{});
  EXPECT_EQ(of("wire").too_late_by_age, (ByAge{0, 0, 0, 0, 1}));
}

TEST(Pipeline, ReceiptIsDueOnlyAtTheCommit) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options());
  daemon.feed(event_line(1, 0, "XA", 1));
  EXPECT_EQ(daemon.pipeline().receipts_due(), 1U);
  EXPECT_EQ(daemon.commit().events, 1U);
  EXPECT_EQ(daemon.pipeline().receipts_due(), 0U);
}

// A crash undoes what was not committed; its sender sends it again.
TEST(Pipeline, RestartAtAnyPointGivesTheLogOfAnUninterruptedRun) {
  const std::vector<std::string> lines = stream(20110217);
  const auto whole = storage::make_memory_store();
  {
    Daemon daemon(*whole, options());
    for (const std::string& line : lines) daemon.feed(line);
    daemon.commit();
  }
  const std::vector<std::string> expected = alert_log(*whole);
  ASSERT_GT(expected.size(), 5U);
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 random(seed);
    const auto store = storage::make_memory_store();
    size_t committed = 0;
    while (committed < lines.size()) {
      Daemon daemon(*store, options());
      ASSERT_EQ(daemon.warning(), "");
      size_t next = committed;
      const size_t crash_at = std::min(lines.size(), committed + 1 + random() % 60);
      while (next < crash_at) {
        daemon.feed(lines[next++]);
        if (random() % 7 == 0) {
          daemon.commit(random() % 3 == 0);
          committed = next;
        }
      }
      if (next == lines.size()) {
        daemon.commit();
        committed = next;
      }
    }
    EXPECT_EQ(alert_log(*store), expected);
  }
}

// With the rule by country: one that groups over countries, and one that knows its keys beforehand.
constexpr const char* kMoreRules = R"(tocsin: rules/1
package: more
defaults: {status: shadow, driver: violence, stage: latent}
lists: {watched: [XA, XB, XC, XD]}
rules:
  - rule: busy-source
    kind: threshold
    title: "{{ by.source }} is busy"
    select: e.indicator == "violence.clash"
    by: [e.source]
    detect: {measures: {n: {agg: count, window: 2d, every: 1d}}, when: n >= 9}
    severity: watch
  - rule: somewhere
    kind: threshold
    title: Busy somewhere
    select: e.indicator == "violence.clash"
    by: [region@admin1]
    missing: group
    detect: {measures: {n: {agg: count, window: 2d, every: 1d}}, when: n >= 9}
    severity: watch
  - rule: never-heard
    kind: absence
    title: Nothing from {{ region.name }}
    select: e.indicator == "violence.clash"
    by: [region@country]
    detect: {expect: {at_least: 1, every: 5d}, roster: {list: watched}, grace: 1d}
    severity: watch
)";

TEST(Pipeline, ResultsDoNotDependOnTheNumberOfShards) {
  std::vector<std::vector<std::string>> logs;
  rules::BundleText text = bundle_text();
  text.rules.push_back({"more.yaml", kMoreRules});
  std::string& regions = text.catalogue[0].text;
  regions.replace(regions.find("{XA:"), 1, "{XD: {names: {en: Delta}}, ");
  for (const size_t shards : {1U, 2U, 3U}) {
    const auto store = storage::make_memory_store();
    Daemon daemon(*store, options(shards), text);
    std::string all;
    for (const std::string& line : stream(7)) all += line;
    daemon.feed(all);
    daemon.commit();
    logs.push_back(alert_log(*store));
  }
  const auto tells_of = [&](std::string_view rule) {
    return std::any_of(logs[0].begin(), logs[0].end(), [&](const std::string& line) {
      return line.find(rule) != std::string::npos;
    });
  };
  EXPECT_TRUE(tells_of("test/many-dead"));
  EXPECT_TRUE(tells_of("more/busy-source"));
  EXPECT_TRUE(tells_of("more/somewhere"));
  EXPECT_TRUE(tells_of("more/never-heard"));
  EXPECT_EQ(logs[1], logs[0]);
  EXPECT_EQ(logs[2], logs[0]);
}

TEST(Pipeline, NewRulesGoOnWithTheStateOfTheOld) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options());
  daemon.feed(event_line(1, 0, "XA", 20));
  rules::BundleText text = bundle_text();
  std::string& rules_file = text.rules[0].text;
  rules_file.replace(rules_file.find("title: Many"), 11, "title: Very");
  Diagnostics diagnostics;
  const auto bundle = rules::load_bundle(text, diagnostics);
  ASSERT_NE(bundle, nullptr);
  ASSERT_TRUE(daemon.pipeline().activate(bundle, rules::serialize(text)));
  daemon.feed(event_line(2, 0, "XA", 20));
  daemon.commit();
  const auto log = alert_log(*store);
  ASSERT_EQ(log.size(), 1U);
  EXPECT_NE(log[0].find("Very dead in Alpha"), std::string::npos) << log[0];
}

// The alert of a rule that gets another name is still that alert.
TEST(Pipeline, AlertsOfARenamedRuleGoOn) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options());
  daemon.feed(event_line(1, 0, "XA", 20));
  daemon.feed(event_line(2, 0, "XA", 20));
  daemon.commit();
  rules::BundleText text = bundle_text();
  std::string& rules_file = text.rules[0].text;
  rules_file.replace(rules_file.find("rule: many-dead"), 15, "rule: too-many\n    was: many-dead");
  Diagnostics diagnostics;
  const auto bundle = rules::load_bundle(text, diagnostics);
  ASSERT_NE(bundle, nullptr);
  ASSERT_TRUE(daemon.pipeline().activate(bundle, rules::serialize(text)));
  daemon.feed(event_line(3, 0, "XA", 70));
  daemon.commit();
  const auto log = alert_log(*store);
  ASSERT_EQ(log.size(), 2U);
  const auto before = read_alert_fields(log[0]);
  const auto after = read_alert_fields(log[1]);
  EXPECT_EQ(before->rule, "test/many-dead");
  EXPECT_EQ(after->rule, "test/too-many");
  EXPECT_EQ(after->id, before->id);
  EXPECT_EQ(after->action, Action::kEscalate);
}

// A level that is gone moves an alert at the reload itself; a rule that sorts before it moves it in
// the bundle.
TEST(Pipeline, WhatAReloadBringsAboutIsWordedByTheRulesThatSayIt) {
  for (const size_t shards : {1U, 2U}) {
    SCOPED_TRACE(shards);
    const auto store = storage::make_memory_store();
    rules::BundleText text = bundle_text();
    text.rules.push_back({"more.yaml", kMoreRules});
    std::string& more = text.rules[1].text;
    more.replace(more.find("n >= 9"), 6, "n >= 1");
    more.replace(more.find("[XA, XB, XC, XD]"), 16, "[XA, XB, XC]");
    Daemon daemon(*store, options(shards), text);
    daemon.feed(event_line(1, 0, "XA", 70));
    daemon.commit();
    ASSERT_EQ(alert_log(*store).size(), 2U);

    text.rules.pop_back();
    std::string& file = text.rules[0].text;
    std::string other = file.substr(file.find("  - rule"));
    other.replace(other.find("many-dead"), 9, "all-quiet");
    file.replace(file.find("title: Many"), 11, "title: Very");
    file.replace(file.find(", alert: {when: \"dead >= 60.0\"}"), 31, "");
    file += other;
    Diagnostics diagnostics;
    const auto bundle = rules::load_bundle(text, diagnostics);
    ASSERT_NE(bundle, nullptr);
    ASSERT_EQ(bundle->rules[0].name, "all-quiet");
    ASSERT_TRUE(daemon.pipeline().activate(bundle, rules::serialize(text)));
    daemon.commit();
    std::vector<std::string> told;
    for (const std::string& line : alert_log(*store)) {
      const auto fields = read_alert_fields(line);
      ASSERT_TRUE(fields);
      told.push_back(fmt::format("{} {} {} {}", to_string(fields->action), to_string(fields->level),
                                 fields->rule, fields->title.at("en")));
    }
    EXPECT_THAT(
        told, testing::UnorderedElementsAre("fire alert test/all-quiet Many dead in Alpha",
                                            "fire alert test/many-dead Many dead in Alpha",
                                            "deescalate warning test/many-dead Very dead in Alpha",
                                            "fire watch more/busy-source desk is busy",
                                            "resolve watch more/busy-source desk is busy"));
  }
}

// What is known of a source as it starts again at some hour.
struct Restarted {
  std::optional<WallTime> last_arrival;
  Milliseconds silence;
};

Restarted restart(storage::Store& store, int hour, const std::string& source,
                  const rules::BundleText& text = bundle_text()) {
  Daemon daemon(store, options(), text, at_hour(hour));
  const SourceId id = *daemon.pipeline().bundle().catalogue->find_source(source);
  daemon.pipeline().listen(hours(1));
  return {daemon.pipeline().last_arrival(id), daemon.pipeline().silence_of(id)};
}

TEST(Pipeline, RemembersOverRestartsHowLongASourceHasBeenSilent) {
  for (const bool checkpoint : {false, true}) {
    SCOPED_TRACE(checkpoint);
    const auto store = storage::make_memory_store();
    {
      Daemon daemon(*store, options());
      daemon.feed(event_line(1, 0, "XA", 1, "wire"), at_hour(1));
      daemon.pipeline().listen(hours(1));
      daemon.feed(event_line(1, 0, "XA", 1), at_hour(2));
      daemon.commit(checkpoint, at_hour(2));
      daemon.pipeline().listen(hours(28));
      daemon.feed(event_line(2, 1, "XA", 1), at_hour(30));
      daemon.commit(checkpoint, at_hour(30));
    }
    for (const int hour : {100, 200}) {  // that the daemon was away is no silence of a source
      SCOPED_TRACE(hour);
      const Restarted desk = restart(*store, hour, "desk");
      EXPECT_EQ(desk.last_arrival, at_hour(30));
      EXPECT_EQ(desk.silence, hours(1));
      const Restarted wire = restart(*store, hour, "wire");
      EXPECT_EQ(wire.last_arrival, at_hour(1));
      EXPECT_EQ(wire.silence, hours(30));
      EXPECT_EQ(restart(*store, hour, "mute").last_arrival, std::nullopt);
    }
  }
}

TEST(Pipeline, ASourceWaitsForItsPartitionsUntilOneIsSilent) {
  for (const bool checkpoint : {false, true}) {
    const auto store = storage::make_memory_store();
    std::optional<EventTime> reached;
    {
      Daemon daemon(*store, options());
      Pipeline& pipeline = daemon.pipeline();
      const SourceId desk = *pipeline.bundle().catalogue->find_source("desk");
      daemon.feed(event_line(1, 1, "XA", 1), {}, 1);
      daemon.feed(event_line(2, 2, "XA", 1), {}, 2);
      daemon.feed(event_line(3, 9, "XA", 1), {}, 2);
      daemon.commit(checkpoint);
      const auto slow = pipeline.engine().watermark(desk);
      pipeline.listen(hours(20));
      daemon.feed(event_line(4, 10, "XA", 1), {}, 2);
      pipeline.leave_silent_partitions(desk, hours(24));
      EXPECT_EQ(pipeline.engine().watermark(desk), slow) << "it may still come";
      pipeline.listen(hours(5));
      pipeline.leave_silent_partitions(desk, hours(24));
      daemon.commit();
      reached = pipeline.engine().watermark(desk);
      EXPECT_EQ(*reached - *slow, hours(9 * 24) + std::chrono::minutes(3));
    }
    Daemon again(*store, options());
    const SourceId desk = *again.pipeline().bundle().catalogue->find_source("desk");
    EXPECT_EQ(again.pipeline().engine().watermark(desk), reached);
    again.feed(event_line(5, 4, "XA", 1), {}, 1);
    EXPECT_EQ(again.commit().events, 1U) << "late, and within the horizon";
    EXPECT_LT(again.pipeline().engine().watermark(desk), reached) << "waited for again";
  }
}

TEST(Pipeline, ABacklogHasSomeMinutesToComeBeforeASourceIsCalledSilent) {
  const auto store = storage::make_memory_store();
  {
    Daemon daemon(*store, options());
    daemon.feed(event_line(1, 0, "XA", 1), at_hour(1));
    daemon.pipeline().listen(hours(49));
    daemon.commit(false, at_hour(50));
  }
  Daemon daemon(*store, options(), bundle_text(), at_hour(100));
  Pipeline& pipeline = daemon.pipeline();
  const SourceId desk = *pipeline.bundle().catalogue->find_source("desk");
  pipeline.begin_listening();
  pipeline.listen(std::chrono::minutes(4));
  EXPECT_EQ(pipeline.silence_of(desk), std::chrono::minutes(4));
  pipeline.listen(std::chrono::minutes(56));
  EXPECT_EQ(pipeline.silence_of(desk), hours(50));
}

TEST(Pipeline, APauseIsNoSilenceAndABacklogMayWaitAfterIt) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options());
  Pipeline& pipeline = daemon.pipeline();
  const SourceId desk = *pipeline.bundle().catalogue->find_source("desk");
  pipeline.begin_listening();
  daemon.feed(event_line(1, 0, "XA", 1), at_hour(1));
  pipeline.listen(hours(20));
  EXPECT_EQ(pipeline.silence_of(desk), hours(20));
  pipeline.begin_listening();  // what lies between the two is not counted
  pipeline.listen(std::chrono::minutes(4));
  EXPECT_EQ(pipeline.silence_of(desk), std::chrono::minutes(4));
  pipeline.listen(std::chrono::minutes(56));
  EXPECT_EQ(pipeline.silence_of(desk), hours(21));
  daemon.feed(event_line(2, 1, "XA", 1), at_hour(90));
  pipeline.listen(hours(1));
  EXPECT_EQ(pipeline.silence_of(desk), hours(1));
}

TEST(Pipeline, ACrashForgetsNoMoreOfASilenceThanSomeMinutes) {
  const auto store = storage::make_memory_store();
  {
    Daemon daemon(*store, options());
    daemon.feed(event_line(1, 0, "XA", 1), at_hour(1));
    daemon.commit(false, at_hour(1));
    daemon.pipeline().listen(std::chrono::minutes(4));
    EXPECT_FALSE(daemon.pipeline().owes_arrivals());
    daemon.pipeline().listen(hours(59) - std::chrono::minutes(4));
    ASSERT_TRUE(daemon.pipeline().owes_arrivals());
    daemon.commit(false, at_hour(60));
    EXPECT_FALSE(daemon.pipeline().owes_arrivals());
  }
  EXPECT_EQ(restart(*store, 100, "desk").silence, hours(60));
}

TEST(Pipeline, RemembersLastArrivalsUnderAnotherCatalogue) {
  const auto store = storage::make_memory_store();
  {
    Daemon daemon(*store, options());
    daemon.feed(event_line(1, 0, "XA", 1), at_hour(5));
    daemon.commit(true, at_hour(7));
  }
  rules::BundleText text = bundle_text();
  std::string& catalogue = text.catalogue[0].text;
  catalogue.insert(catalogue.find("  desk:"),
                   "  a-new-one: {title: New, indicators: [violence.clash]}\n");
  EXPECT_EQ(restart(*store, 10, "desk", text).last_arrival, at_hour(5));
  EXPECT_EQ(restart(*store, 11, "desk", text).last_arrival, at_hour(5))
      << "kept by the first restart";
}

TEST(Pipeline, RecoveryEndsWhenProgressSaysSo) {
  const auto store = storage::make_memory_store();
  {
    Daemon daemon(*store, options());
    daemon.feed(event_line(1, 0, "XA", 1));
    daemon.commit();
  }
  const std::string serialized = rules::serialize(bundle_text());
  Pipeline pipeline(*store, compile(serialized), serialized, options());
  std::string warning;
  uint64_t told = 0;
  const Status status = pipeline.recover(
      compile,
      [&](uint64_t, uint64_t of) {
        told = of;
        return false;
      },
      warning, WallTime{});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(told, 1U);
}

}  // namespace
}  // namespace tocsin::daemon
