#include "daemon/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "ingest/event_decoder.h"
#include "tests/ingest/small_catalogue.h"

namespace tocsin::daemon {
namespace {

std::string line(std::string_view id, uint32_t rev, std::string_view op, int day) {
  return fmt::format(
      R"({{"id":"{}","rev":{},"op":"{}","source":"ucdp-ged","indicator":"violence.state_based",)"
      R"("region":"SY","time":"2011-03-{:02}"}})"
      "\n",
      id, rev, op, day);
}

class HistoryInAFile : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "history_test.ndjson";
    std::filesystem::remove(path_);
  }
  void TearDown() override { std::filesystem::remove(path_); }

  // Read, settled and sorted; "id/rev/op day" of each event.
  std::vector<std::string> settled(const std::string& lines) {
    std::ofstream(path_) << lines;
    const auto symbols = ingest::small_symbols();
    EXPECT_TRUE(history_.read(
        "file", path_, std::make_unique<ingest::EventDecoder>(symbols, ingest::EventForm::kLines)));
    history_.settle();
    history_.sort(*ingest::small_catalogue());
    std::vector<std::string> events;
    history_.for_each([&](const Event& event) {
      events.push_back(fmt::format("{}/{}/{} {}", event.id, event.rev, to_string(event.op),
                                   format_date(event.time).substr(8)));
    });
    return events;
  }

  std::string path_;
  History history_;
};

TEST_F(HistoryInAFile, StandsAsItWasLastRevised) {
  EXPECT_THAT(settled(line("moved", 0, "assert", 2) + line("gone", 1, "retract", 3) +
                      line("kept", 0, "assert", 4) + line("moved", 2, "correct", 9) +
                      line("gone", 0, "assert", 3) + line("moved", 1, "retract", 2) +
                      line("back", 1, "retract", 5) + line("back", 2, "assert", 6) +
                      line("never-told", 1, "retract", 7)),
              testing::ElementsAre("kept/0/assert 04", "back/2/assert 06", "moved/2/assert 09"));
  EXPECT_EQ(history_.superseded(), 3u);
  EXPECT_EQ(history_.retracted(), 3u);
}

TEST_F(HistoryInAFile, LeavesRepetitionsToBeCounted) {
  EXPECT_THAT(settled(line("a", 0, "assert", 2) + line("a", 0, "assert", 2)), testing::SizeIs(2));
  EXPECT_EQ(history_.superseded() + history_.retracted(), 0u);
}

TEST_F(HistoryInAFile, TakesTheFirstOfOneRevision) {
  EXPECT_THAT(
      settled(line("a", 0, "assert", 2) + line("a", 1, "correct", 5) + line("a", 1, "retract", 2)),
      testing::ElementsAre("a/1/assert 05"));
  EXPECT_EQ(history_.superseded(), 2u);
}

}  // namespace
}  // namespace tocsin::daemon
