#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/alert_fields.h"
#include "storage/memory_store.h"
#include "tests/daemon/fed_pipeline.h"

// Revisions and reloads after retention has dropped the beginning of the journal: what rested on it
// is not taken for something that never was, and what is open is told to its end.
namespace tocsin::daemon {
namespace {

using std::chrono::hours;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kWorld = R"(tocsin: catalogue/1
indicators:
  violence.clash: {driver: violence, unit: deaths, meaning: made up}
sources:
  desk: {title: Desk, lateness: 1d, correction_horizon: 400d, tlp: clear, indicators: [violence.*]}
regions:
  declare: {XA: {names: {en: Alpha}}, XB: {names: {en: Beta}}, XC: {names: {en: Gamma}}}
)";

constexpr const char* kHead =
    "tocsin: rules/1\npackage: p\n"
    "defaults: {status: shadow, driver: violence, stage: latent, by: [region@country]}\n"
    "rules:\n";

// Four weeks of deaths: an alert goes on as long as they are many.
constexpr const char* kMany =
    "  - {rule: many, kind: threshold, title: T, select: e.indicator == \"violence.clash\" && "
    "has(e.value), detect: {measures: {dead: {agg: sum, of: e.value, window: 28d, every: 1d}}, "
    "when: dead >= 10.0}, levels: {warning: {}, alert: {when: dead >= 60.0}}}\n";

// Begins with more than it goes on with.
constexpr const char* kHeld =
    "  - {rule: held, kind: threshold, title: T, select: e.indicator == \"violence.clash\" && "
    "has(e.value), detect: {measures: {dead: {agg: AGG, of: e.value, window: 28d, every: 1d}}, "
    "when: dead >= 10.0}, levels: {warning: {exit: dead < 5.0}}}\n";

std::string held_by(const std::string& aggregate) {
  std::string rule = kHeld;
  return rule.replace(rule.find("AGG"), 3, aggregate);
}

// Calm is told too; with it, what holds makes a third.
constexpr const char* kBoth =
    "  - {rule: calm, kind: threshold, title: T, select: e.indicator == \"violence.clash\" && "
    "has(e.value) && e.value < 1.0, detect: {measures: {n: {agg: count, window: 28d, every: 1d}}, "
    "when: n >= 1}, severity: watch}\n"
    "  - {rule: both, kind: layers, title: T, driver: composite, detect: {alerts: a.level >= "
    "level.watch, distinct: a.rule, window: 6d}, levels: {watch: {distinct: 2}}}\n";

rules::BundleText text_of(const std::string& rules) {
  rules::BundleText text;
  text.catalogue.push_back({"catalogue.yaml", kWorld});
  text.rules.push_back({"rules.yaml", kHead + rules});
  return text;
}

EventTime on(int day) { return parse_time("2020-01-01").value() + hours(24 * day); }

PipelineOptions with_a_clock() {
  PipelineOptions clocked = options();
  clocked.future_tolerance = std::chrono::minutes(10);
  return clocked;
}

// A daemon that is told a day's events on that day, at noon.
class Dropped {
 public:
  explicit Dropped(const std::string& rules)
      : store_(storage::make_memory_store()),
        daemon_(*store_, with_a_clock(), text_of(rules), on(0)) {}

  // What the desk says on `today` of that day: revision `rev` of it.
  void tell(int today, int day, int value, int rev = 0, const std::string& region = "XA") {
    daemon_.feed(fmt::format(R"({{"id":"{}-{}","rev":{},"op":"{}","source":"desk","indicator":)"
                             R"("violence.clash","time":"{}","region":"{}","value":{}}})"
                             "\n",
                             region, day, rev, rev > 0 ? "correct" : "assert",
                             format_time(on(day) + hours(6)), region, value),
                 on(today) + hours(12));
    commit(today);
  }
  void tell(int day, int value) { tell(day, day, value); }
  // So that time moves on.
  void pass(int day) { tell(day, day, 0, 0, "XC"); }
  // What was committed before that day is gone.
  void drop_before(int day, int today) {
    const WallTime now = on(today) + hours(13);
    ASSERT_TRUE(store_->apply_retention({.journal = now - on(day)}, now));
    ASSERT_GT(store_->first_seq(), 1U);
  }

  // "p/many fire warning from 2020-01-02": the log from a line on, without updates.
  std::vector<std::string> log(size_t from = 0) const {
    std::vector<std::string> lines;
    EXPECT_TRUE(store_->read_alert_log(0, [&](const storage::Store::StoredAlert& alert) {
      const auto fields = read_alert_fields(alert.json);
      if (fields->action == Action::kUpdate || fields->group.at("region") == "XC") return true;
      std::string line = fmt::format("{} {} {} from {}", fields->rule, to_string(fields->action),
                                     to_string(fields->level), format_date(fields->starts_at));
      if (fields->ends_at) line += " to " + format_date(*fields->ends_at);
      lines.push_back(std::move(line));
      return true;
    }));
    lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(from));
    return lines;
  }
  size_t out_of_reach() { return daemon_.pipeline().take_counts().revisions_out_of_reach; }
  Daemon& daemon() { return daemon_; }
  storage::Store& store() { return *store_; }

 private:
  void commit(int today) {
    do {
      daemon_.commit(/*checkpoint=*/true, on(today) + hours(12));
    } while (daemon_.pipeline().unrevised() > 0);
  }

  const std::unique_ptr<storage::Store> store_;
  Daemon daemon_;
};

// An alert since the first day, of which the journal has the last months.
class OpenSinceLong : public Dropped {
 public:
  OpenSinceLong() : Dropped(kMany) {
    for (int day = 0; day <= 80; day += 20) tell(day, 20);
    pass(95);
    drop_before(30, 95);
    told_ = log().size();
    EXPECT_THAT(log(), ElementsAre("p/many fire warning from 2020-01-01"));
  }
  std::vector<std::string> news() const { return log(told_); }

 private:
  size_t told_ = 0;
};

TEST(RevisedAfterRetention, AnAlertOfBeforeEndsWhereACorrectionSaysSo) {
  OpenSinceLong since;
  since.tell(95, 80, 1, 1);
  EXPECT_THAT(since.news(), ElementsAre("p/many resolve warning from 2020-01-01 to 2020-03-30"));
  since.tell(96, 20);
  EXPECT_THAT(since.news(), testing::SizeIs(2)) << "the next one begins";
  EXPECT_THAT(since.news().back(), HasSubstr("p/many fire warning from 2020-04-06"));
}

TEST(RevisedAfterRetention, AnAlertOfBeforeRisesAndGoesDown) {
  OpenSinceLong since;
  since.tell(95, 80, 70, 1);
  EXPECT_THAT(since.news(), ElementsAre("p/many escalate alert from 2020-01-01"));
  since.tell(95, 80, 30, 2);
  EXPECT_THAT(since.news(), ElementsAre("p/many escalate alert from 2020-01-01",
                                        "p/many deescalate warning from 2020-01-01"));
  since.pass(120);
  EXPECT_EQ(since.news().back(), "p/many resolve warning from 2020-01-01 to 2020-04-19");
}

TEST(RevisedAfterRetention, AnAlertOfBeforeThatEndedFiresAgain) {
  OpenSinceLong since;
  since.tell(95, 80, 1, 1);
  since.tell(95, 80, 20, 2);
  EXPECT_THAT(since.news(), ElementsAre("p/many resolve warning from 2020-01-01 to 2020-03-30",
                                        "p/many fire warning from 2020-01-01"));
}

// An alert since the first day that what is left of the journal would not have raised; nor does it
// say that it is over.
class HeldSinceLong : public Dropped {
 public:
  explicit HeldSinceLong(const std::string& more = {}) : Dropped(held_by("sum") + more) {
    tell(0, 30);
    for (int day = 14; day <= 84; day += 14) tell(day, 4);
    drop_before(30, 84);
    EXPECT_THAT(log(), ElementsAre("p/held fire warning from 2020-01-01"));
    out_of_reach();
  }
};

TEST(RevisedAfterRetention, AnAlertThatNothingLeftExplainsGoesOn) {
  HeldSinceLong held;
  held.tell(85, 84, 5, 1);
  EXPECT_EQ(held.out_of_reach(), 1U);
  EXPECT_THAT(held.log(1), IsEmpty());
  held.pass(130);
  EXPECT_THAT(held.log(1), ElementsAre("p/held resolve warning from 2020-01-01 to 2020-04-09"));
}

// Rules over alerts know of it, though the journal does not.
TEST(RevisedAfterRetention, WhatRestsOnAnAlertOfBeforeGoesOnWithIt) {
  HeldSinceLong held(kBoth);
  held.tell(90, 0);
  held.pass(92);
  ASSERT_THAT(held.log(), testing::Contains(HasSubstr("p/both fire watch")));
  const size_t told = held.log().size();
  held.tell(93, 84, 5, 1);
  EXPECT_THAT(held.log(told), IsEmpty());
  held.pass(140);
  EXPECT_THAT(held.log(told), testing::Contains(HasSubstr("p/both resolve watch")));
}

// Without the zeros that are gone the mean was high.
TEST(RevisedAfterRetention, AnAlertThatNobodyWasToldOfDoesNotGoOn) {
  Dropped daemon(held_by("mean"));
  for (int day = 26; day < 30; ++day) daemon.tell(day, 0);
  daemon.tell(31, 20);
  for (const int day : {32, 33, 34, 35, 40, 50, 60, 70, 80}) daemon.tell(day, 6);
  ASSERT_THAT(daemon.log(), IsEmpty());
  daemon.drop_before(30, 80);
  daemon.tell(81, 80, 7, 1);
  for (int day = 100; day < 110; ++day) daemon.tell(day, 0);
  daemon.pass(112);
  EXPECT_THAT(daemon.log(), IsEmpty()) << "its end would be told";
}

// What is left may begin with an event of long ago, which says nothing of those that were dropped.
class BeginsWithAnOldOne : public Dropped {
 public:
  explicit BeginsWithAnOldOne(const std::string& rules) : Dropped(rules) {
    pass(200);
    tell(300, 12);
    tell(305, 12);
    tell(310, 210, 1);  // of a hundred days before
    pass(311);
    drop_before(307, 311);
  }
};

TEST(RevisedAfterRetention, ALateEventInFrontIsNoReasonToTrustWhatFollows) {
  BeginsWithAnOldOne daemon(kMany);
  const std::vector<std::string> before = daemon.log();
  ASSERT_THAT(before, testing::Contains(HasSubstr("p/many fire warning")));
  daemon.out_of_reach();
  daemon.tell(312, 310, 1);
  daemon.tell(313, 310, 2, 1);
  EXPECT_EQ(daemon.log(), before) << "the deaths of the first days are not gone";
  EXPECT_EQ(daemon.out_of_reach(), 2U);
}

// An event after weeks of calm.
constexpr const char* kOutOfCalm = R"(tocsin: rules/1
package: p
defaults: {status: shadow, driver: violence, stage: latent, by: [region@country]}
signals:
  dead: {select: e.indicator == "violence.clash" && has(e.value) && e.value >= 5.0, by: [region@country], measure: {agg: sum, of: e.value, window: 20d, every: 1d}}
rules:
  - {rule: out-of-calm, kind: threshold, title: T, select: e.indicator == "violence.clash", detect: {measures: {n: {agg: count, window: 1d, every: 1d}}, when: 'n >= 1 && signal("dead") < 5.0'}, severity: watch}
)";

TEST(ReloadedAfterRetention, ALateEventInFrontIsNoReasonToTakeWhatIsGoneForCalm) {
  BeginsWithAnOldOne daemon(kMany);
  rules::BundleText with = text_of(kMany);
  with.rules.push_back({"calm.yaml", kOutOfCalm});
  const std::string text = rules::serialize(with);
  const auto bundle = compile(text);
  ASSERT_NE(bundle, nullptr);
  ASSERT_TRUE(daemon.daemon().pipeline().activate(bundle, text));
  daemon.tell(313, 1);
  daemon.pass(316);
  EXPECT_THAT(daemon.log(), testing::Not(testing::Contains(HasSubstr("out-of-calm"))))
      << "24 died in the weeks before";
  daemon.tell(345, 1);
  daemon.pass(350);
  EXPECT_THAT(daemon.log(), testing::Contains(HasSubstr("p/out-of-calm fire"))) << "now it knows";
}

}  // namespace
}  // namespace tocsin::daemon
