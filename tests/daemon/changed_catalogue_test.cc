#include <gtest/gtest.h>

#include <set>

#include "daemon/alert_fields.h"
#include "storage/memory_store.h"
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
rules::BundleText changed(const std::string& rules = kRules) {
  rules::BundleText text;
  text.catalogue.push_back(
      {"catalogue.yaml",
       replaced(kCatalogue, "  violence.clash:",
                "  violence.arson: {driver: violence, unit: houses, meaning: made up}\n"
                "  violence.clash:")});
  text.rules.push_back({"rules.yaml", rules});
  return text;
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
  std::unique_ptr<storage::Store> store_ = storage::make_memory_store();
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
  const std::string stricter =
      replaced(replaced(kRules, "when: \"dead >= 30.0\"", "when: \"dead >= 50.0\""),
               "when: \"dead >= 30.0\"", "when: \"dead >= 50.0\"");
  const auto added = added_by_start_with(changed(stricter));
  ASSERT_EQ(added.size(), 1U);
  EXPECT_EQ(added[0].country, "XA");
  EXPECT_EQ(added[0].action, Action::kResolve);
  EXPECT_EQ(added[0].seq, 1U);
  EXPECT_TRUE(added[0].ends_at);
  EXPECT_NE(added[0].condition.find("changed"), std::string::npos) << added[0].condition;
  size_t open = 0;
  ASSERT_TRUE(store_->read_alerts({.open_only = true}, [&](const auto&) { return ++open > 0; }));
  EXPECT_EQ(open, 1U);
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

}  // namespace
}  // namespace tocsin::daemon
