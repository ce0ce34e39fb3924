#include "daemon/input_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace tocsin::daemon {
namespace {

using ingest::SourceHealth;
using testing::AllOf;
using testing::HasSubstr;

// The lines of the log, of what an input tells one after the other.
std::string said_of(const std::vector<SourceHealth>& told) {
  testing::internal::CaptureStderr();
  Log log("info", "logfmt");
  InputWatch watch(log);
  for (const SourceHealth& health : told) watch.look("desk", health);
  return testing::internal::GetCapturedStderr();
}

SourceHealth lost(const std::string& why) {
  return {.connected = false, .message = why, .lag_records = {}};
}
SourceHealth well(const std::string& note = {}) {
  return {.connected = true, .message = note, .lag_records = {}};
}

TEST(InputWatch, TellsOnceThatAnInputIsLostAndThatItIsThereAgain) {
  const std::string said = said_of({well(), lost("no broker"), lost("no broker"), well(), well()});
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 2) << said;
  EXPECT_THAT(said, AllOf(HasSubstr("level=warn msg=\"an input cannot be read\" input=desk "
                                    "problem=\"no broker\" hint="),
                          HasSubstr("level=info msg=\"an input is read again\" input=desk")));
}

TEST(InputWatch, TellsThatAnInputIsReadFromAnotherPlace) {
  const std::string said = said_of({well(), well("offsets went back"), well("offsets went back")});
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  EXPECT_THAT(said, HasSubstr("msg=\"an input is not read from where it stopped\" input=desk "
                              "problem=\"offsets went back\" hint="));
}

TEST(InputWatch, SaysNothingOfWhatIsWellOrOnlyBegins) {
  EXPECT_EQ(said_of({lost(""), well(), well()}), "");
}

}  // namespace
}  // namespace tocsin::daemon
