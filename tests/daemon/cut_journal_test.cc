#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "daemon/alert_fields.h"
#include "daemon/standing_alerts.h"
#include "storage/key_value_store.h"
#include "storage/memory_key_value.h"
#include "tests/daemon/fed_pipeline.h"
#include "tests/daemon/judged_folder.h"

// State is rebuilt from a journal whose beginning retention has taken: what was told before stays
// as it was told, for as long as the rules do not know better.
namespace tocsin::daemon {
namespace {

using std::chrono::hours;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The first two look back 90 days; `few` holds where little has come, `kept` goes on below what it
// takes to begin, and `quiet` until it is heard again.
constexpr const char* kLongRules = R"(tocsin: rules/1
package: test
defaults: {status: shadow, driver: violence, stage: escalation, by: [region@country]}
rules:
  - {rule: many, kind: threshold, title: Many, select: e.indicator == "violence.clash" && has(e.value),
     detect: {measures: {dead: {agg: sum, of: e.value, window: 90d, every: 1d}}, when: "dead >= 30.0"},
     levels: {warning: {when: "dead >= 30.0"}, alert: {when: "dead >= 60.0"}}}
  - {rule: few, kind: threshold, title: Few, select: e.indicator == "violence.clash" && has(e.value),
     detect: {measures: {dead: {agg: sum, of: e.value, window: 90d, every: 1d}}, when: "dead < 5.0"},
     severity: watch}
  - {rule: kept, kind: threshold, title: Kept, select: e.indicator == "violence.clash" && has(e.value),
     detect: {measures: {dead: {agg: sum, of: e.value, window: 7d, every: 1d}}, when: "dead >= 30.0"},
     levels: {warning: {when: "dead >= 30.0", exit: "dead < 10.0"}}}
  - {rule: quiet, kind: absence, title: Quiet, select: e.indicator == "violence.clash",
     detect: {expect: {every: 7d}, roster: {learn: 1d, forget: 180d}, grace: 1d}, severity: watch}
)";

rules::BundleText long_rules() {
  rules::BundleText text;
  text.catalogue.push_back({"catalogue.yaml", kCatalogue});
  text.rules.push_back({"rules.yaml", kLongRules});
  return text;
}

rules::BundleText with_another_indicator() {
  rules::BundleText text = long_rules();
  std::string& catalogue = text.catalogue.front().text;
  catalogue.insert(catalogue.find("  violence.clash:"),
                   "  violence.arson: {driver: violence, unit: houses, meaning: made up}\n");
  return text;
}

// One day after the other, each with a commit of its own, and a checkpoint now and then.
class Days {
 public:
  Days() {
    auto tables = std::make_unique<storage::MemoryKeyValue>();
    tables_ = tables.get();
    store_ = std::move(*storage::KeyValueStore::open(std::move(tables), {.sync_commits = false}));
    start(1);
  }

  void start(size_t shards, const rules::BundleText& text = long_rules()) {
    daemon_.reset();
    PipelineOptions clocked = options(shards, rules::Emit::kFinal);
    clocked.future_tolerance = std::chrono::minutes(10);
    daemon_ = std::make_unique<Daemon>(*store_, clocked, text, now());
  }
  // To the end of that day, with `value` in a country on its first.
  void go_to(int day, const char* country = "XA", int value = 0, const char* marking = "clear") {
    for (; day_ < day; ++day_) {
      if (value != 0) daemon_->feed(line(country, value, marking), now());
      value = 0;
      for (int i = 0; i < 5; ++i) daemon_->feed(line("XC", 1, "clear"), now());  // time passes
      daemon_->pipeline().advance_source(SourceId{}, kBegin);                    // a heartbeat
      daemon_->commit(/*checkpoint=*/day_ % 7 == 0, now());
    }
  }
  void keep_30_days() {
    ASSERT_TRUE(store_->apply_retention({.journal = hours(24 * 30)}, now()));
    ASSERT_GT(store_->first_seq(), 1U);
  }
  void erase_red() {
    storage::Store::Erasure erasure;
    erasure.journal.limits[static_cast<size_t>(Tlp::kRed)] = hours(24 * 30);
    const auto erased = store_->erase_marked(erasure, now());
    ASSERT_TRUE(erased);
    ASSERT_GT(erased->events, 0U);
  }

  // "SEQ ACTION LEVEL day N" of each transition of the rule in a country.
  std::vector<std::string> log(const std::string& rule, const std::string& country) {
    std::vector<std::string> lines;
    ids_.clear();
    EXPECT_TRUE(store_->read_alert_log(0, [&](const storage::Store::StoredAlert& alert) {
      const auto fields = read_alert_fields(alert.json);
      if (fields->rule != "test/" + rule || fields->country != country) return true;
      lines.push_back(fmt::format("{} {} {} day {}", fields->seq, to_string(fields->action),
                                  to_string(fields->level), (fields->at - kBegin) / hours(24)));
      is_open_ = alert.open;
      ids_.insert(fields->id);
      return true;
    }));
    return lines;
  }
  size_t open(const std::string& rule, const std::string& country) const {
    size_t count = 0;
    EXPECT_TRUE(store_->read_alerts({.open_only = true}, [&](const auto& alert) {
      const auto fields = read_alert_fields(alert.json);
      count += fields->rule == "test/" + rule && fields->country == country;
      return true;
    }));
    return count;
  }
  // Of what log() told: how many alerts, and whether the last is open.
  size_t alerts() const { return ids_.size(); }
  bool is_open() const { return is_open_; }
  std::string verify() const { return daemon::verify(*tables_); }
  const std::string& warning() const { return daemon_->warning(); }

 private:
  static constexpr EventTime kBegin = EventTime(std::chrono::sys_days(std::chrono::year_month_day(
      std::chrono::year(2020), std::chrono::January, std::chrono::day(1))));

  WallTime now() const { return kBegin + hours(24 * day_ + 20); }
  std::string line(const char* country, int value, const char* marking) {
    return fmt::format(
        R"({{"id":"e{}","source":"desk","indicator":"violence.clash","time":"{}","region":"{}",)"
        R"("value":{},"tlp":"{}"}})"
        "\n",
        number_++, format_time(kBegin + hours(24 * day_ + 12)), country, value, marking);
  }

  storage::KeyValue* tables_ = nullptr;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Daemon> daemon_;
  int day_ = 0;
  int number_ = 0;
  std::set<std::string> ids_;
  bool is_open_ = false;
};

TEST(CutJournal, LeavesWhatWasToldAsItWasAndEndsItOnceTheRuleKnows) {
  Days days;
  days.go_to(60, "XA", 40);
  days.keep_30_days();
  ASSERT_THAT(days.log("many", "XA"), ElementsAre("0 fire warning day 1"));
  for (const size_t shards : {2U, 1U}) {
    days.start(shards);
    EXPECT_THAT(days.warning(), HasSubstr("number of shards"));
    EXPECT_THAT(days.log("many", "XA"), ElementsAre("0 fire warning day 1"));
    EXPECT_EQ(days.verify(), "");
  }
  for (const int day : {100, 120, 122, 125, 140}) {
    days.go_to(day);
    days.start(1);
    EXPECT_EQ(days.warning(), "") << "by the saved state, and the journal since";
  }
  // Everything since the evening of day 30 was told again; then come 90 days of the window, and one
  // to look at it.
  EXPECT_THAT(days.log("many", "XA"),
              ElementsAre("0 fire warning day 1", "1 resolve warning day 121"));
  EXPECT_EQ(days.verify(), "");
}

TEST(CutJournal, LeavesWhatWasToldAsItWasWhenContentIsErased) {
  Days days;
  days.go_to(60, "XA", 40, "red");
  days.erase_red();
  days.start(2);
  EXPECT_THAT(days.warning(), HasSubstr("number of shards"));
  days.go_to(62);
  EXPECT_THAT(days.log("many", "XA"), ElementsAre("0 fire warning day 1"));
  EXPECT_EQ(days.verify(), "");
}

TEST(CutJournal, LeavesWhatWasToldAsItWasWhenTheCatalogueChanges) {
  Days days;
  days.go_to(60, "XA", 40);
  days.keep_30_days();
  days.start(1, with_another_indicator());
  EXPECT_THAT(days.warning(), HasSubstr("catalogue has changed"));
  days.go_to(62);
  EXPECT_THAT(days.log("many", "XA"), ElementsAre("0 fire warning day 1"));
  EXPECT_EQ(days.verify(), "");
}

// The journal says that rules judged the whole of it, of which the beginning is missing by now.
TEST(CutJournal, LeavesWhatWasToldAsItWasWhenTheCatalogueHadChangedBefore) {
  Days days;
  days.go_to(50, "XA", 40);
  days.start(1, with_another_indicator());
  days.go_to(60);
  days.keep_30_days();
  days.start(2, with_another_indicator());
  EXPECT_THAT(days.warning(), HasSubstr("number of shards"));
  days.go_to(140);
  EXPECT_THAT(days.log("many", "XA"),
              ElementsAre("0 fire warning day 1", "1 resolve warning day 121"));
  EXPECT_EQ(days.verify(), "");
  days.keep_30_days();
  days.start(1, with_another_indicator());
  days.go_to(270);
  EXPECT_EQ(days.log("many", "XA").size(), 2U);
  EXPECT_EQ(days.verify(), "");
}

TEST(CutJournal, GoesOnUnderTheSameIdWhenTheRuleHoldsItAgain) {
  Days days;
  days.go_to(60, "XA", 40);
  days.keep_30_days();
  days.start(2);
  days.go_to(100, "XA", 35);  // enough alone, and with what is lost too
  days.start(2);
  days.go_to(200);
  EXPECT_THAT(days.log("many", "XA"), ElementsAre("0 fire warning day 1", "1 update warning day 61",
                                                  "2 resolve warning day 151"));
  EXPECT_EQ(days.alerts(), 1U);
  EXPECT_EQ(days.verify(), "");
}

// What is left of the journal lets it begin later, which gives it another id.
TEST(CutJournal, DoesNotFireTheSameAlertByAnotherBeginning) {
  Days days;
  days.go_to(50, "XA", 40);
  days.go_to(70, "XA", 10);
  days.go_to(75, "XA", 31);
  const std::vector<std::string> told = days.log("many", "XA");
  ASSERT_EQ(days.alerts(), 1U);
  ASSERT_TRUE(days.is_open());
  days.keep_30_days();
  days.start(2);
  EXPECT_EQ(days.log("many", "XA"), told);
  EXPECT_EQ(days.verify(), "");
  days.go_to(200, "XA", 30);
  days.log("many", "XA");
  EXPECT_EQ(days.alerts(), 1U);
  EXPECT_FALSE(days.is_open());
  EXPECT_EQ(days.verify(), "");
}

TEST(CutJournal, DoesNotTellWhatHoldsOnlyBecauseOfWhatIsMissing) {
  Days days;
  days.go_to(50, "XB", 10);
  days.go_to(60, "XB", 1);
  days.keep_30_days();
  days.start(2);
  days.go_to(80, "XB", 10);  // the rule holds it no longer
  EXPECT_THAT(days.log("few", "XB"), IsEmpty());
  EXPECT_EQ(days.verify(), "");
}

TEST(CutJournal, TellsWhatStillHoldsOnceTheRuleKnows) {
  Days days;
  days.go_to(50, "XB", 10);
  days.go_to(60, "XB", 1);
  days.keep_30_days();
  days.start(2);
  days.go_to(120);
  days.start(2);
  EXPECT_THAT(days.log("few", "XB"), IsEmpty());
  EXPECT_EQ(days.verify(), "");
  for (const int day : {122, 125, 170}) {
    days.go_to(day);
    days.start(2);
  }
  const std::vector<std::string> told = days.log("few", "XB");
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.front(), "0 fire watch day 121");
  EXPECT_EQ(days.alerts(), 1U);
  EXPECT_EQ(days.verify(), "");
}

// It was above 10 all along, and above 30 for another time lately.
TEST(CutJournal, DoesNotFireAgainWhatWentOnBelowItsThreshold) {
  Days days;
  days.go_to(5, "XA", 40);
  for (int day = 10; day <= 50; day += 5) days.go_to(day, "XA", 12);
  days.go_to(55, "XA", 35);
  days.go_to(60, "XA", 12);
  const std::vector<std::string> told = days.log("kept", "XA");
  ASSERT_EQ(days.alerts(), 1U);
  ASSERT_TRUE(days.is_open());
  days.keep_30_days();
  days.start(2);
  EXPECT_EQ(days.log("kept", "XA"), told);
  days.go_to(100);
  days.log("kept", "XA");
  EXPECT_EQ(days.alerts(), 1U);
  EXPECT_FALSE(days.is_open());
  EXPECT_EQ(days.verify(), "");
}

TEST(CutJournal, DoesNotEndWhatStillGoesOnBelowItsThreshold) {
  Days days;
  days.go_to(5, "XA", 40);
  for (int day = 10; day <= 120; day += 5) {
    days.go_to(day, "XA", 12);
    if (day == 60) days.keep_30_days();
    if (day == 60) days.start(2);
  }
  days.log("kept", "XA");
  EXPECT_EQ(days.alerts(), 1U);
  EXPECT_TRUE(days.is_open());
  days.go_to(140);
  days.log("kept", "XA");
  EXPECT_EQ(days.alerts(), 1U);
  EXPECT_FALSE(days.is_open());
  EXPECT_EQ(days.verify(), "");
}

TEST(CutJournal, LowersNoLevelForWhatIsMissing) {
  Days days;
  days.go_to(10);
  days.go_to(40, "XA", 25);
  days.go_to(60, "XA", 35);
  days.keep_30_days();
  days.start(2);
  days.go_to(61, "XA", 5);
  days.go_to(99);
  const std::vector<std::string> told = days.log("many", "XA");
  ASSERT_THAT(told, testing::Not(IsEmpty()));
  EXPECT_THAT(told.back(), HasSubstr(" alert day"));
  for (const std::string& line : told) EXPECT_THAT(line, testing::Not(HasSubstr("deescalate")));
  days.go_to(125);
  EXPECT_THAT(days.log("many", "XA").back(), HasSubstr("deescalate warning"));
  EXPECT_EQ(days.verify(), "");
}

TEST(CutJournal, DoesNotEndASilenceThatGoesOn) {
  Days days;
  for (int day = 1; day <= 10; ++day) days.go_to(day, "XA", 1);
  days.go_to(60);
  ASSERT_FALSE(days.log("quiet", "XA").empty());
  ASSERT_TRUE(days.is_open());
  days.keep_30_days();
  days.start(2);
  days.go_to(100);
  days.log("quiet", "XA");
  EXPECT_TRUE(days.is_open());
  days.go_to(105, "XA", 1);
  days.log("quiet", "XA");
  EXPECT_EQ(days.alerts(), 1U);
  EXPECT_FALSE(days.is_open()) << "it was heard again";
  EXPECT_EQ(days.verify(), "");
}

TEST(CutJournal, TellsAChangedRuleAndEndsWhatTheOneBeforeTold) {
  Days days;
  days.go_to(50, "XA", 40);
  days.go_to(60, "XA", 40);
  days.keep_30_days();
  rules::BundleText text = with_another_indicator();
  std::string& rules = text.rules.front().text;
  rules.replace(rules.find("window: 90d"), 11, "window: 60d");
  days.start(1, text);
  days.go_to(62);
  days.log("many", "XA");
  EXPECT_EQ(days.alerts(), 2U);
  EXPECT_EQ(days.open("many", "XA"), 1U);
  days.go_to(200);
  EXPECT_EQ(days.open("many", "XA"), 0U);
  EXPECT_EQ(days.verify(), "");
}

TEST(StandingAlerts, AreTheSameAfterWritingAndReading) {
  StandingAlerts standing;
  EXPECT_EQ(standing.text(), "");
  EXPECT_EQ(StandingAlerts::parse(""), standing);
  standing.told_from = kMaxEventTime;
  EXPECT_EQ(StandingAlerts::parse(standing.text()), standing);
  standing.told_from = from_ms(-5);
  standing.unheld = {{1, 2}, {3, 4}};
  standing.untold = {{{5, 6}, 0}, {{7, 8}, 9}};
  standing.levels = {{{14, 15}, Level::kWarning}};
  standing.names = {{{10, 11}, {12, 13}}};
  EXPECT_EQ(StandingAlerts::parse(standing.text()), standing);
  const std::string id(32, 'a');
  for (const std::string& other :
       {std::string("x"), "5 " + id + "a", "5 " + id + "@x", "5 " + id + "@", "5 " + id + "=much",
        "5 " + id + ":" + id + "0"}) {
    EXPECT_FALSE(StandingAlerts::parse(other)) << other;
  }
}

}  // namespace
}  // namespace tocsin::daemon
