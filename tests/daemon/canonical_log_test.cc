#include "daemon/canonical_log.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tocsin::daemon {
namespace {

std::string transition(const std::string& at, const std::string& group, const std::string& alert,
                       const std::string& action) {
  return fmt::format(
      R"({{"alert":"{}","rule":"p/r","group":{{"region":"{}"}},"at":"{}","action":"{}"}})", alert,
      group, at, action);
}

TEST(CanonicalLog, OrdersByTimeAndNotByItsText) {
  const std::string whole = transition("2026-01-05T00:00:00Z", "XA", "b", "fire");
  const std::string after = transition("2026-01-05T00:00:00.001Z", "XA", "a", "fire");
  EXPECT_EQ(canonical_log({after, whole}), whole + "\n" + after + "\n");
}

// An alert ends before the next one of its group begins, whatever their ids.
TEST(CanonicalLog, KeepsTheOrderOfDecisionInAGroup) {
  const std::string at = "2026-01-05T00:00:00Z";
  const std::string end = transition(at, "XA", "ff", "resolve");
  const std::string begin = transition(at, "XA", "00", "fire");
  const std::string other = transition(at, "XB", "77", "fire");
  const std::string log = end + "\n" + begin + "\n" + other + "\n";
  EXPECT_EQ(canonical_log({end, begin, other}), log);
  EXPECT_EQ(canonical_log({other, end, begin}), log);
}

}  // namespace
}  // namespace tocsin::daemon
