#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "daemon/activation_record.h"
#include "daemon/alert_fields.h"
#include "storage/memory_store.h"
#include "tests/daemon/fed_pipeline.h"
#include "tests/daemon/judged_folder.h"

// Rules that are loaded while events come: those that begin anew know the past, the others do not
// notice.
namespace tocsin::daemon {
namespace {

// `burning` waits for days before it fires; `many` has a window of so many days.
rules::BundleText rules_of(int window, int limit, const std::string& title = "Many") {
  rules::BundleText text;
  text.catalogue.push_back({"catalogue.yaml", kCatalogue});
  text.rules.push_back(
      {"rules.yaml",
       fmt::format(
           "tocsin: rules/1\npackage: p\n"
           "defaults: {{status: shadow, driver: violence, stage: latent, by: [region@country]}}\n"
           "signals:\n"
           "  dead: {{select: e.indicator == \"violence.clash\" && has(e.value), by: "
           "[region@country], measure: {{agg: sum, of: e.value, window: {0}d, every: 1d}}}}\n"
           "rules:\n"
           "  - {{rule: burning, kind: threshold, title: '{2}', select: e.indicator == "
           "\"violence.clash\", detect: {{measures: {{n: {{agg: count, window: 2d, every: 1d}}}}, "
           "when: n >= 1}}, severity: watch, alert: {{for: 12d}}}}\n"
           "  - {{rule: many, kind: threshold, title: T, select: e.indicator == "
           "\"violence.clash\" && has(e.value), detect: {{measures: {{dead: {{agg: sum, of: "
           "e.value, window: {0}d, every: 1d}}}}, when: dead >= {1}.0}}, severity: warning}}\n"
           "  - {{rule: reads, kind: threshold, title: T, select: e.indicator == "
           "\"violence.clash\", detect: {{measures: {{n: {{agg: count, window: 1d, every: 1d}}}}, "
           "when: 'n >= 1 && signal(\"dead\") >= {1}.0'}}, severity: warning}}\n"
           "  - {{rule: both, kind: layers, title: T, driver: composite, detect: {{alerts: a.level "
           ">= level.watch, distinct: a.rule, window: {0}d}}, levels: {{watch: {{distinct: "
           "2}}}}}}\n",
           window, limit, title)});
  return text;
}

std::string day_line(int day, int value) { return event_line(day, day, "XA", value); }

void load(Daemon& daemon, const rules::BundleText& text) {
  const std::string serialized = rules::serialize(text);
  const auto bundle = compile(serialized);
  ASSERT_NE(bundle, nullptr);
  ASSERT_TRUE(daemon.pipeline().activate(bundle, serialized));
}

// What the rules that begin anew tell from a day on.
std::vector<std::string> told_since(const storage::Store& store, int day) {
  const EventTime since = parse_time("2020-01-01").value() + std::chrono::hours(24 * day);
  std::vector<std::string> lines;
  EXPECT_TRUE(store.read_alert_log(0, [&](const auto& alert) {
    const auto fields = read_alert_fields(alert.json);
    if (fields->at < since || fields->rule == "p/burning") return true;
    lines.push_back(fmt::format("{} {} {} {} {}", fields->rule, fields->id.substr(0, 8),
                                to_string(fields->action), to_string(fields->level),
                                format_time(fields->at)));
    return true;
  }));
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::vector<std::string> open_alerts(const storage::Store& store) {
  std::vector<std::string> lines;
  EXPECT_TRUE(store.read_alerts({.open_only = true}, [&](const auto& alert) {
    const auto fields = read_alert_fields(alert.json);
    lines.push_back(fmt::format("{} {} from {}", fields->rule, to_string(fields->level),
                                format_time(fields->starts_at)));
    return true;
  }));
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST(Activation, WhatBeginsAnewIsWhereAFreshReplayIs) {
  for (const rules::Emit emit : {rules::Emit::kEarly, rules::Emit::kFinal}) {
    for (const size_t shards : {1U, 2U}) {
      SCOPED_TRACE(fmt::format("shards {}", shards));
      const auto reloaded = storage::make_memory_store();
      const auto fresh = storage::make_memory_store();
      Daemon with(*reloaded, options(shards, emit), rules_of(3, 20));
      Daemon without(*fresh, options(shards, emit), rules_of(5, 30));
      for (int day = 0; day < 80; ++day) {
        if (day == 25) load(with, rules_of(5, 30));
        for (Daemon* daemon : {&with, &without}) {
          daemon->feed(day_line(day, day % 9));
          daemon->commit(/*checkpoint=*/day == 25 || day == 79);
        }
      }
      EXPECT_FALSE(open_alerts(*fresh).empty());
      EXPECT_EQ(open_alerts(*reloaded), open_alerts(*fresh));
      EXPECT_GT(told_since(*fresh, 26).size(), 4U);
      EXPECT_THAT(told_since(*reloaded, 26),
                  testing::UnorderedElementsAreArray(told_since(*fresh, 26)));
      expect_rebuilt_the_same(*reloaded);
    }
  }
}

TEST(Activation, GoesOnAsideWhileEventsCome) {
  const auto store = storage::make_memory_store();
  const auto fresh = storage::make_memory_store();
  PipelineOptions aside = options();
  aside.revision_share = 10;
  Daemon with(*store, aside, rules_of(3, 20));
  Daemon without(*fresh, options(), rules_of(5, 30));
  int day = 0;
  const auto feed = [&](Daemon& daemon, int number) {
    daemon.feed(day_line(number, number % 9));
    daemon.commit();
  };
  for (; day < 200; ++day) feed(with, day);
  const std::string serialized = rules::serialize(rules_of(5, 30));
  bool is_done = false;
  with.pipeline().activate(compile(serialized), serialized, [&](const Status& status) {
    EXPECT_TRUE(status) << status.error().message;
    is_done = true;
  });
  while (!is_done) feed(with, day++);
  EXPECT_FALSE(with.pipeline().is_activating());
  for (const int end = day + 10; day < end; ++day) feed(with, day);
  with.commit(/*checkpoint=*/true);
  for (int number = 0; number < day; ++number) feed(without, number);
  without.commit(/*checkpoint=*/true);
  EXPECT_EQ(open_alerts(*store), open_alerts(*fresh));
  EXPECT_THAT(told_since(*store, day - 9),
              testing::UnorderedElementsAreArray(told_since(*fresh, day - 9)));
  expect_rebuilt_the_same(*store);
}

TEST(Activation, LaterRulesComeInThePlaceOfThoseThatAreBeingJudged) {
  const auto store = storage::make_memory_store();
  PipelineOptions aside = options();
  aside.revision_share = 10;
  std::vector<std::string> told;
  {
    Daemon daemon(*store, aside, rules_of(3, 20));
    daemon.feed(day_line(0, 5));
    daemon.commit();
    for (const int window : {4, 5, 6}) {
      const std::string serialized = rules::serialize(rules_of(window, 20));
      daemon.pipeline().activate(
          compile(serialized), serialized, [&, window](const Status& status) {
            const bool is_refused = !status && status.error().code == ErrorCode::kInvalid;
            told.push_back(fmt::format("{}: {}{}", window, is_refused ? "refused: " : "",
                                       status ? "loaded" : status.error().message));
          });
      if (window != 5) continue;
      while (daemon.pipeline().is_activating()) daemon.commit();
    }
  }
  EXPECT_THAT(told, testing::ElementsAre(
                        "4: refused: these rules were not loaded: others were loaded meanwhile",
                        "5: loaded", "6: these rules are not loaded yet: the pipeline has ended"));
}

TEST(Activation, RulesThatAreRefusedTakeNothingFromThoseThatAreBeingJudged) {
  const auto store = storage::make_memory_store();
  PipelineOptions aside = options();
  aside.revision_share = 10;
  Daemon daemon(*store, aside, rules_of(3, 20));
  daemon.feed(day_line(0, 5));
  daemon.commit();
  std::vector<Status> told;
  const auto activate = [&](const rules::BundleText& text) {
    const std::string serialized = rules::serialize(text);
    daemon.pipeline().activate(compile(serialized), serialized,
                               [&](const Status& status) { told.push_back(status); });
  };
  activate(rules_of(4, 20));
  rules::BundleText other = rules_of(5, 20);
  other.catalogue.front().text.replace(other.catalogue.front().text.find("made up"), 7, "else");
  activate(other);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_FALSE(told[0]);
  while (daemon.pipeline().is_activating()) daemon.commit();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_TRUE(told[1]);
}

TEST(Activation, WhoWasToldOfAnAlertIsToldOfItsEndWhateverItsRuleIsByThen) {
  const auto store = storage::make_memory_store();
  ASSERT_TRUE(store->declare_sinks({"hook"}));
  Daemon daemon(*store, options());
  daemon.feed(event_line(1, 1, "XA", 40));
  daemon.commit();
  rules::BundleText shadow = bundle_text();
  std::string& rules = shadow.rules.front().text;
  rules.replace(rules.find("status: production"), 18, "status: shadow");
  load(daemon, shadow);
  daemon.feed(event_line(2, 20, "XB", 40));
  daemon.feed(event_line(3, 30, "XB", 0));
  daemon.commit();
  std::vector<std::string> sent;
  const auto waiting = store->read_outbox("hook", 100);
  ASSERT_TRUE(waiting);
  for (const storage::OutboxEntry& entry : *waiting) {
    const auto fields = read_alert_fields(entry.json);
    sent.push_back(fmt::format("{} {}", fields->country, to_string(fields->action)));
  }
  EXPECT_THAT(sent, testing::ElementsAre("XA fire", "XA resolve"));
}

// A hundred reloads of words, numbers and of the shape of the other rules, while `for` runs.
TEST(Activation, WhatIsPendingFiresOnTimeThroughReloads) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options(), rules_of(3, 20));
  for (int day = 0; day < 20; ++day) {
    daemon.feed(day_line(day, 1));
    daemon.commit();
    for (int i = 0; i < 5; ++i) {
      load(daemon, rules_of(3 + (day + i) % 3, 20 + i, fmt::format("Title {}", i)));
      daemon.commit();
    }
  }
  std::vector<std::string> burning;
  for (const std::string& alert : open_alerts(*store)) {
    if (alert.starts_with("p/burning")) burning.push_back(alert);
  }
  EXPECT_THAT(burning, testing::ElementsAre("p/burning watch from 2020-01-14T00:00:00Z"));
  daemon.commit(/*checkpoint=*/true);
  expect_rebuilt_the_same(*store);
}

// Long after nothing else is known of the alert that the rule had open when it was changed.
TEST(Activation, RulesThatArePutBackGoOnWithTheNumbersOfTheirAlerts) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options(), rules_of(3, 20));
  int number = 0;
  const auto feed_days = [&](int from, int to) {
    for (int day = from; day < to; ++day) {
      daemon.feed(event_line(number++, day, "XA", 10));
      daemon.feed(event_line(number++, day, "XB", day % 20 == 0 ? 200'000 : 0));
      daemon.commit();
    }
  };
  feed_days(0, 10);
  load(daemon, rules_of(5, 100'000));
  feed_days(10, 200);
  load(daemon, rules_of(3, 20));
  feed_days(200, 210);
  daemon.commit(/*checkpoint=*/true);
  std::vector<std::string> told;
  std::set<std::string> ids;
  EXPECT_TRUE(store->read_alert_log(0, [&](const auto& alert) {
    const auto fields = read_alert_fields(alert.json);
    if (fields->rule == "p/many" && fields->country == "XA") {
      told.push_back(fmt::format("{} {}", fields->seq, to_string(fields->action)));
      ids.insert(fields->id);
    }
    return true;
  }));
  EXPECT_THAT(told, testing::ElementsAre("0 fire", "1 update", "2 update", "3 resolve", "4 fire"));
  EXPECT_EQ(ids.size(), 1U);
  EXPECT_FALSE(open_alerts(*store).empty());
  expect_rebuilt_the_same(*store);
}

// Part of the persistent format; the first two are from before the third was there.
TEST(ActivationRecord, IsReadAsItWasWritten) {
  const auto early = rules::Emit::kEarly;
  const auto final = rules::Emit::kFinal;
  using Record = ActivationRecord;
  EXPECT_EQ((Record{.emit = early}).text(), "early");
  EXPECT_EQ((Record{.emit = final, .judged_aside = 12}).text(), "final 12");
  EXPECT_EQ((Record{.emit = early, .judged_aside = 0, .log_before = 0}).text(), "early whole 0");
  EXPECT_EQ((Record{.emit = early, .judged_aside = 0, .log_before = 34}).text(), "early whole 34");
  for (const char* text : {"early", "final 12", "early whole 0", "final whole 34"}) {
    EXPECT_EQ(Record::parse(text, early).text(), text);
  }
  EXPECT_EQ(Record::parse("", final).emit, final);
}

}  // namespace
}  // namespace tocsin::daemon
