#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/alert_fields.h"
#include "daemon/rebuild.h"
#include "storage/memory_store.h"
#include "tests/daemon/fed_pipeline.h"

// What retention by marking has erased is missing, and is not taken for something that never was.
namespace tocsin::daemon {
namespace {

using std::chrono::hours;
using testing::HasSubstr;

std::string line(const std::string& id, int day, int value, const std::string& more = {}) {
  return fmt::format(
      R"({{"id":"{}","source":"desk","indicator":"violence.clash","time":"{}","region":"XA",)"
      R"("value":{}{}}})"
      "\n",
      id, format_time(parse_time("2020-01-01").value() + hours(24 * day + 12)), value, more);
}

class ErasedJournal : public testing::Test {
 protected:
  ErasedJournal() : store_(storage::make_memory_store()), daemon_(*store_, options()) {}

  void commit(const std::string& lines) {
    daemon_.feed(lines);
    daemon_.commit(/*checkpoint=*/true);
  }
  uint64_t erase_red() {
    storage::Store::Erasure erasure;
    erasure.journal.limits[static_cast<size_t>(Tlp::kRed)] = hours(1);
    const auto erased = store_->erase_marked(erasure, at_hour(1000));
    EXPECT_TRUE(erased) << erased.error().message;
    return erased ? erased->events : 0;
  }
  // Of each alert: level and action of its last transition.
  std::string alerts() {
    std::string found;
    EXPECT_TRUE(store_->read_alerts({}, [&](const storage::Store::StoredAlert& alert) {
      const auto fields = read_alert_fields(alert.json);
      found += fmt::format("{} {} since {}; ", to_string(fields->level), to_string(fields->action),
                           format_date(fields->starts_at));
      return true;
    }));
    return found;
  }

  std::unique_ptr<storage::Store> store_;
  Daemon daemon_;
};

// The window around a late event must be whole: what is missing in it would be taken for calm.
TEST_F(ErasedJournal, LeavesAlertsAsTheyAreThatRestOnIt) {
  commit(line("a", 20, 20) + line("secret", 21, 25, R"(,"tlp":"red")"));
  commit(line("b", 29, 1));
  const std::string before = alerts();
  ASSERT_THAT(before, HasSubstr("since 2020-01-22"));
  ASSERT_EQ(erase_red(), 1u);
  commit(line("late", 20, 1));  // decided anew, the days around it no longer reach 30
  EXPECT_EQ(alerts(), before);
  EXPECT_GT(daemon_.pipeline().take_counts().revisions_out_of_reach, 0u);
}

// An event was moved to another day by a correction marked red: its first day must not count again.
TEST_F(ErasedJournal, DoesNotBringBackWhatWasCorrected) {
  commit(line("a", 30, 29));
  commit(line("a", 22, 29, R"(,"rev":1,"op":"correct","tlp":"red")"));
  commit(line("b", 33, 1));
  ASSERT_EQ(alerts(), "");
  ASSERT_EQ(erase_red(), 1u);
  daemon_.pipeline().take_counts();
  commit(line("late", 31, 5));  // 5 and not 34 in its window
  const PipelineCounts counts = daemon_.pipeline().take_counts();
  EXPECT_EQ(counts.revisions, 1u);
  EXPECT_EQ(counts.revisions_out_of_reach, 0u) << "the erased day is far enough away";
  EXPECT_EQ(alerts(), "");
}

TEST_F(ErasedJournal, IsNotRecomputed) {
  commit(line("a", 20, 20) + line("secret", 21, 25, R"(,"tlp":"red")"));
  ASSERT_EQ(erase_red(), 1u);
  const auto report = rebuild(*store_, {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(report.error().message,
              HasSubstr("retention has erased the content of marked events"));
}

TEST_F(ErasedJournal, StillKnowsADuplicate) {
  commit(line("secret", 21, 25, R"(,"tlp":"red")"));
  ASSERT_EQ(erase_red(), 1u);
  Daemon again(*store_, options());
  again.feed(line("secret", 21, 25, R"(,"tlp":"red")"));
  EXPECT_EQ(again.commit().duplicates, 1u);
}

}  // namespace
}  // namespace tocsin::daemon
