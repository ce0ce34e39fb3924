#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "daemon/alert_fields.h"
#include "daemon/folder_verification.h"
#include "daemon/rebuild.h"
#include "storage/key_value_store.h"
#include "storage/memory_key_value.h"
#include "storage/verify_rows.h"
#include "tests/daemon/fed_pipeline.h"

// A start with another catalogue, when the rules of before cannot go on: the alert log is brought
// to what the present rules hold.
namespace tocsin::daemon {
namespace {

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

// With an indicator more, which gives the others other numbers.
rules::BundleText changed(const std::string& rules = kRules, const std::string& more = "arson") {
  rules::BundleText text;
  text.catalogue.push_back(
      {"catalogue.yaml",
       replaced(kCatalogue, "  violence.clash:",
                fmt::format("  violence.{}: {{driver: violence, unit: houses, meaning: made up}}\n"
                            "  violence.clash:",
                            more))});
  text.rules.push_back({"rules.yaml", rules});
  return text;
}

// Which hold more, or fewer, alerts than those that are there.
std::string with_limits(const std::string& warning, const std::string& alert) {
  std::string rules = kRules;
  for (int i = 0; i < 2; ++i) {
    rules = replaced(rules, "\"dead >= 30.0\"", "\"dead >= " + warning + "\"");
  }
  return replaced(rules, "\"dead >= 60.0\"", "\"dead >= " + alert + "\"");
}

std::vector<AlertFields> alert_log(const storage::Store& store) {
  std::vector<AlertFields> log;
  std::set<std::pair<std::string, uint32_t>> seen;
  EXPECT_TRUE(store.read_alert_log(0, [&](const storage::Store::StoredAlert& alert) {
    const auto fields = read_alert_fields(alert.json);
    EXPECT_TRUE(fields) << alert.json;
    log.push_back(*fields);
    EXPECT_EQ(fields->seq, alert.seq);
    EXPECT_EQ(fields->is_end(), !alert.open);
    EXPECT_TRUE(seen.emplace(fields->id, fields->seq).second) << "told twice: " << alert.json;
    return true;
  }));
  return log;
}

class ChangedCatalogue : public ::testing::Test {
 protected:
  void SetUp() override {
    auto tables = std::make_unique<storage::MemoryKeyValue>();
    tables_ = tables.get();
    store_ = std::move(*storage::KeyValueStore::open(std::move(tables), {.sync_commits = false}));
    Daemon daemon(*store_, options());
    daemon.feed(event_line(1, 0, "XA", 40) + event_line(2, 0, "XB", 70));
    daemon.commit(true);
    ASSERT_EQ(alert_log(*store_).size(), 2U);
  }
  // What a start with `text`, and another, add to the log.
  std::vector<AlertFields> added_by_start_with(const rules::BundleText& text) {
    const size_t before = alert_log(*store_).size();
    {
      Daemon daemon(*store_, options(), text);
      EXPECT_NE(daemon.warning().find("catalogue has changed"), std::string::npos);
    }
    std::vector<AlertFields> log = alert_log(*store_);
    {
      Daemon daemon(*store_, options(), text);
      EXPECT_EQ(daemon.warning(), "");
    }
    EXPECT_EQ(alert_log(*store_).size(), log.size()) << "the next start tells it again";
    log.erase(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(before));
    return log;
  }
  void TearDown() override { expect_sound(); }
  // All follows from the journal, and agrees.
  void expect_sound() {
    const auto report = rebuild(*store_, {});
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_THAT(report->first_differences, testing::IsEmpty());
    EXPECT_EQ(report->warning, "");
    EXPECT_EQ(report->undecided, 0U);
    FolderVerification found([](std::string_view, uint64_t, uint64_t) {});
    storage::VerifiedFolder seen;
    storage::verify_rows(*tables_, found, seen);
    found.finish(seen);
    for (const storage::Damage& each : found.damage()) ADD_FAILURE() << each.where << each.what;
  }
  size_t open_alerts() {
    size_t open = 0;
    EXPECT_TRUE(store_->read_alerts({.open_only = true}, [&](const auto&) { return ++open > 0; }));
    return open;
  }
  storage::KeyValue* tables_ = nullptr;
  std::unique_ptr<storage::Store> store_;
};

TEST_F(ChangedCatalogue, ChangesNothingForRulesThatHoldTheSame) {
  EXPECT_TRUE(added_by_start_with(changed()).empty());
  Daemon daemon(*store_, options(), changed());
  daemon.feed(event_line(3, 1, "XA", 30));
  daemon.commit();
  const std::vector<AlertFields> log = alert_log(*store_);
  ASSERT_EQ(log.size(), 3U);
  EXPECT_EQ(log[2].id, log[0].id);
  EXPECT_EQ(log[2].seq, 1U);
  EXPECT_EQ(log[2].action, Action::kEscalate);
}

TEST_F(ChangedCatalogue, EndsAlertsThatNoRuleHolds) {
  const auto added = added_by_start_with(changed(with_limits("50.0", "60.0")));
  ASSERT_EQ(added.size(), 1U);
  EXPECT_EQ(added[0].country, "XA");
  EXPECT_EQ(added[0].action, Action::kResolve);
  EXPECT_EQ(added[0].seq, 1U);
  EXPECT_TRUE(added[0].ends_at);
  EXPECT_NE(added[0].condition.find("changed"), std::string::npos) << added[0].condition;
  EXPECT_EQ(open_alerts(), 1U);
}

TEST_F(ChangedCatalogue, TellsAlertsThatWereNotTold) {
  const auto added =
      added_by_start_with(changed(replaced(kRules, "rule: many-dead", "rule: some-dead")));
  ASSERT_EQ(added.size(), 4U) << "two end, two begin";
  size_t fires = 0;
  for (const AlertFields& fields : added) {
    if (fields.action != Action::kFire) continue;
    ++fires;
    EXPECT_EQ(fields.rule, "test/some-dead");
    EXPECT_FALSE(fields.is_end());
  }
  EXPECT_EQ(fires, 2U);
}

TEST_F(ChangedCatalogue, TellsTheLevelThatIsHeldNow) {
  const auto added = added_by_start_with(changed(
      replaced(kRules, "alert: {when: \"dead >= 60.0\"}", "alert: {when: \"dead >= 35.0\"}")));
  ASSERT_EQ(added.size(), 1U);
  EXPECT_EQ(added[0].country, "XA");
  EXPECT_EQ(added[0].action, Action::kEscalate);
  EXPECT_EQ(added[0].level, Level::kAlert);
  EXPECT_EQ(added[0].previous, Level::kWarning);
  EXPECT_EQ(added[0].seq, 1U);
}

// Alerts that have more to tell than their fire, under both sets of rules.
TEST_F(ChangedCatalogue, NumbersWhatFollowsAsTheLogDoes) {
  {
    Daemon daemon(*store_, options());
    for (int day = 1; day < 40; ++day) {
      daemon.feed(event_line(100 + day, day, day % 2 == 0 ? "XA" : "XC", day * 7 % 30));
    }
    daemon.commit();
  }
  for (const std::string& rules : {with_limits("20.0", "25.0"), with_limits("50.0", "90.0")}) {
    added_by_start_with(changed(rules, "arson"));
    expect_sound();
    added_by_start_with(changed(kRules, "looting"));
    expect_sound();
  }
  Daemon daemon(*store_, options(), changed(kRules, "looting"));
  for (int day = 40; day < 60; ++day) {
    daemon.feed(event_line(100 + day, day, "XA", day * 11 % 50));
    daemon.commit(day % 7 == 0);
  }
}

TEST_F(ChangedCatalogue, IsRepeatedByALaterStartFromTheBeginning) {
  added_by_start_with(changed(with_limits("50.0", "65.0")));
  Daemon before(*store_, options(), changed(with_limits("50.0", "65.0")));
  before.feed(event_line(3, 1, "XC", 55));
  before.commit(/*checkpoint=*/true);
  const size_t told = alert_log(*store_).size();
  for (const size_t shards : {2U, 1U}) {
    Daemon daemon(*store_, options(shards), changed(with_limits("50.0", "65.0")));
    EXPECT_NE(daemon.warning().find("number of shards"), std::string::npos);
    EXPECT_EQ(alert_log(*store_).size(), told);
    expect_sound();
  }
}

TEST_F(ChangedCatalogue, GoesOnAfterTheLogWhenItsStateIsPutInOrder) {
  const rules::BundleText lower = changed(with_limits("30.0", "35.0"));
  ASSERT_EQ(added_by_start_with(lower).size(), 1U);  // XA escalates
  const auto report = rebuild(*store_, {});
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_TRUE(replace_state(*store_, *report, {}));
  Daemon daemon(*store_, options(), lower);
  EXPECT_EQ(daemon.warning(), "");
  daemon.feed(event_line(3, 20, "XC", 1));
  daemon.commit(/*checkpoint=*/true);
  EXPECT_EQ(open_alerts(), 0U);
}

}  // namespace
}  // namespace tocsin::daemon
