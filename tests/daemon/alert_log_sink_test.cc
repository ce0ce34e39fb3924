#include "daemon/alert_log_sink.h"

#include <gtest/gtest.h>

#include "tests/daemon/alert_texts.h"
#include "tests/daemon/temporary_folder.h"

namespace tocsin::daemon {
namespace {

std::vector<Notification> entries(uint64_t from, uint64_t to) {
  std::vector<Notification> all;
  for (uint64_t i = from; i < to; ++i) all.push_back(AlertText{.alert = i}.notification());
  return all;
}

std::string lines(uint64_t from, uint64_t to) {
  std::string all;
  for (uint64_t i = from; i < to; ++i) all += AlertText{.alert = i}.json() + "\n";
  return all;
}

TEST(AlertLogSink, AppendsOneLineEach) {
  const TemporaryFolder folder;
  AlertLogSink sink("log", folder.path("alerts.ndjson"));
  EXPECT_TRUE(sink.deliver(entries(0, 2)));
  EXPECT_TRUE(sink.deliver(entries(2, 5)));
  EXPECT_EQ(folder.read("alerts.ndjson"), lines(0, 5));
}

TEST(AlertLogSink, DoesNotDoubleWhatACrashLeftUnmarked) {
  const TemporaryFolder folder;
  const std::string path = folder.path("alerts.ndjson");
  { EXPECT_TRUE(AlertLogSink("log", path).deliver(entries(0, 4))); }
  // The crash came before 2 and 3 were marked done: they are delivered again, with a new one.
  AlertLogSink restarted("log", path);
  EXPECT_TRUE(restarted.deliver(entries(2, 5)));
  EXPECT_TRUE(restarted.deliver(entries(5, 6)));
  EXPECT_EQ(folder.read("alerts.ndjson"), lines(0, 6));
}

AlertText third(const std::string& summary) {
  return {.alert = 2, .seq = 3, .action = "update", .summary = summary};
}

// After a restore HTTP events come again in another order, and the same number is another step.
TEST(AlertLogSink, WritesAnotherTransitionUnderANumberThatIsThere) {
  const TemporaryFolder folder;
  const std::string before = lines(0, 1) + third("62 dead").json() + "\n";
  AlertLogSink restored("log", folder.write("alerts.ndjson", before));
  EXPECT_TRUE(restored.deliver({third("70 dead").notification()}));
  EXPECT_EQ(folder.read("alerts.ndjson"), before + third("70 dead").json() + "\n");
}

// So that whoever takes the last line of an alert for its state is right.
TEST(AlertLogSink, WritesAllFromTheFirstThatIsNotThere) {
  const AlertText end{.alert = 2, .seq = 4, .action = "resolve"};
  const std::string before = lines(0, 2) + third("62 dead").json() + "\n" + end.json() + "\n";
  const std::string after = before + third("70 dead").json() + "\n" + end.json() + "\n";
  const std::vector<Notification> again{AlertText{.alert = 1}.notification(),
                                        third("70 dead").notification(), end.notification()};
  const TemporaryFolder folder;
  AlertLogSink at_once("log", folder.write("at_once", before));
  EXPECT_TRUE(at_once.deliver(again));
  EXPECT_EQ(folder.read("at_once"), after);
  AlertLogSink one_by_one("log", folder.write("one_by_one", before));
  for (const Notification& each : again) EXPECT_TRUE(one_by_one.deliver({each}));
  EXPECT_EQ(folder.read("one_by_one"), after);
}

TEST(AlertLogSink, DeliversAgainWhatWasHalfWritten) {
  const TemporaryFolder folder;
  const std::string whole = lines(0, 3);
  // A crash may stop the writing after any byte.
  for (size_t cut = 0; cut <= whole.size(); cut += 97) {
    const std::string left = whole.substr(0, cut);
    uint64_t torn = 0;
    AlertLogSink sink("log", folder.write("alerts.ndjson", left),
                      [&](uint64_t bytes) { torn += bytes; });
    EXPECT_TRUE(sink.deliver(entries(0, 3))) << cut;
    EXPECT_EQ(folder.read("alerts.ndjson"), whole) << cut;
    EXPECT_EQ(torn, left.size() - (left.rfind('\n') + 1)) << cut;
  }
}

TEST(AlertLogSink, BeginsANewFileWhenTheOldOneWasMovedAway) {
  const TemporaryFolder folder;
  AlertLogSink sink("log", folder.path("alerts.ndjson"));
  EXPECT_TRUE(sink.deliver(entries(0, 2)));
  std::filesystem::rename(folder.path("alerts.ndjson"), folder.path("alerts.1"));
  EXPECT_TRUE(sink.deliver(entries(2, 3)));
  EXPECT_EQ(folder.read("alerts.1"), lines(0, 2));
  EXPECT_EQ(folder.read("alerts.ndjson"), lines(2, 3));
}

TEST(AlertLogSink, LeavesForeignLinesAlone) {
  const TemporaryFolder folder;
  const std::string path = folder.write("alerts.ndjson", "# kept by hand\n\n");
  EXPECT_TRUE(AlertLogSink("log", path).deliver(entries(0, 1)));
  EXPECT_EQ(folder.read("alerts.ndjson"), "# kept by hand\n\n" + lines(0, 1));
}

TEST(AlertLogSink, SaysWhyItCannotWriteAndGoesOnWhenItCan) {
  const TemporaryFolder folder;
  AlertLogSink sink("log", folder.path("later/alerts.ndjson"));
  const Status refused = sink.deliver(entries(0, 1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(refused.error().message.find("later/alerts.ndjson"), std::string::npos);
  std::filesystem::create_directory(folder.path("later"));
  EXPECT_TRUE(sink.deliver(entries(0, 1)));
  EXPECT_EQ(folder.read("later/alerts.ndjson"), lines(0, 1));
}

TEST(AlertLogSink, HeartbeatIsALineThatIsNoAlert) {
  const TemporaryFolder folder;
  AlertLogSink sink("log", folder.path("alerts.ndjson"));
  EXPECT_TRUE(sink.deliver(entries(0, 1)));
  EXPECT_TRUE(sink.send_heartbeat(R"({"format":"heartbeat/1"})"));
  EXPECT_TRUE(AlertLogSink("log", folder.path("alerts.ndjson")).deliver(entries(0, 2)));
  EXPECT_EQ(folder.read("alerts.ndjson"),
            lines(0, 1) + "{\"format\":\"heartbeat/1\"}\n" + lines(1, 2));
}

TEST(AlertLogSink, AHeartbeatBeforeThemDoublesNoneOfWhatACrashLeftUnmarked) {
  const TemporaryFolder folder;
  const std::string path = folder.write("alerts.ndjson", lines(0, 2));
  AlertLogSink restarted("log", path);
  EXPECT_TRUE(restarted.send_heartbeat(R"({"format":"heartbeat/1"})"));
  EXPECT_TRUE(restarted.deliver(entries(0, 2)));
  EXPECT_EQ(folder.read("alerts.ndjson"), lines(0, 2) + "{\"format\":\"heartbeat/1\"}\n");
}

TEST(AlertLogSink, FullDiskIsToldAndTriedAgain) {
  AlertLogSink sink("log", "/dev/full");
  const Status refused = sink.deliver(entries(0, 1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(refused.error().message.find("No space left"), std::string::npos);
}

}  // namespace
}  // namespace tocsin::daemon
