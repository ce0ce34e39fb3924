// The small pieces: log lines, tables, markings, base64, tokens, numbers of the process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/base64.h"
#include "daemon/http/access.h"
#include "daemon/log.h"
#include "daemon/process_metrics.h"
#include "daemon/terminal.h"
#include "daemon/tlp_policy.h"
#include "tests/daemon/alert_texts.h"
#include "tests/daemon/temporary_folder.h"

namespace tocsin::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(LogLine, CannotBeForgedByAValue) {
  const std::string line =
      format_log_line("T", "warn", "bad input", {{"text", "x\nlevel=error msg=\"forged\""}}, false);
  EXPECT_EQ(line, R"(ts=T level=warn msg="bad input" text="x\nlevel=error msg=\"forged\"")");
}

TEST(LogLine, AsJsonHasTheSameFields) {
  EXPECT_EQ(format_log_line("T", "info", "ready", {{"rules", "12"}}, true),
            R"({"ts":"T","level":"info","msg":"ready","rules":"12"})");
}

TEST(Table, CountsCodePointsAndNotColours) {
  const std::string table =
      format_table({"A", "B"}, {{"\x1b[1;31mé\x1b[0m", "one"}, {"xyz", "two"}}, /*max_width=*/0);
  EXPECT_EQ(table, "A    B\n\x1b[1;31mé\x1b[0m    one\nxyz  two\n");
}

TEST(Table, CutsTheLastColumnAtTheEdge) {
  const std::string table = format_table({"A", "B"}, {{"x", std::string(100, 'y')}}, 30);
  for (size_t begin = 0; begin < table.size();) {
    const size_t end = table.find('\n', begin);
    EXPECT_LE(end - begin, 30u + 2u);  // the ellipsis has three bytes and one column
    begin = end + 1;
  }
}

TEST(LevelText, IsPlainWithoutColour) {
  EXPECT_EQ(level_text(Level::kAlert, false), "alert");
  EXPECT_THAT(level_text(Level::kAlert, true), HasSubstr("\x1b["));
}

TEST(TlpPolicy, ShowsUpToTheCeilingAndNothingAboveIt) {
  const Tlp all[] = {Tlp::kClear, Tlp::kGreen, Tlp::kAmber, Tlp::kAmberStrict, Tlp::kRed};
  for (const Tlp marking : all) {
    for (const Tlp ceiling : all) {
      const AlertText text{.tlp = std::string(to_string(marking))};
      const auto fields = read_alert_fields(text.json());
      ASSERT_TRUE(fields);
      const std::string shown = limit_to_tlp(text.json(), *fields, ceiling);
      if (marking <= ceiling) {
        EXPECT_EQ(shown, text.json());
        continue;
      }
      for (const char* secret : {"canary", "LY", "Libya", "clashes", "violence", "62", "Clashes"}) {
        EXPECT_THAT(shown, Not(HasSubstr(secret))) << to_string(marking);
      }
      const auto left = read_alert_fields(shown);
      ASSERT_TRUE(left) << shown;
      EXPECT_EQ(left->id, fields->id);
      EXPECT_EQ(left->level, fields->level);
      EXPECT_EQ(left->tlp, marking);
    }
  }
}

TEST(TlpPolicy, TakesAnUnmarkedAlertForTheStrictest) {
  const auto fields = read_alert_fields(R"({"id":"1","action":"fire","level":"watch"})");
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->tlp, Tlp::kRed);
}

TEST(AlertFields, RefusesWhatIsNoAlert) {
  for (const char* text : {"", "[]", "{", "{}", R"({"id":"1","action":"shout","level":"watch"})"}) {
    EXPECT_FALSE(read_alert_fields(text)) << text;
  }
}

TEST(Base64, GivesBackAnyBytes) {
  std::string bytes;
  for (int length = 0; length < 70; ++length) {
    const auto back = decode_base64(encode_base64(bytes));
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, bytes);
    bytes += static_cast<char>(length * 37);
  }
  EXPECT_EQ(encode_base64("any"), "YW55");
  EXPECT_FALSE(decode_base64("abc"));
  EXPECT_FALSE(decode_base64("ab*="));
}

TEST(Tokens, AreOneALine) {
  const TemporaryFolder folder;
  const auto tokens =
      http::read_tokens(folder.write("tokens", "# desk\n0123456789abcdef\n\nfedcba9876543210\r\n"));
  ASSERT_TRUE(tokens);
  EXPECT_THAT(*tokens, testing::ElementsAre("0123456789abcdef", "fedcba9876543210"));
}

TEST(Tokens, AreRefusedWhenShortOrMissing) {
  const TemporaryFolder folder;
  EXPECT_FALSE(http::read_tokens(folder.write("short", "0123456789abcdef\nsecret\n")));
  EXPECT_FALSE(http::read_tokens(folder.write("none", "# nothing\n")));
  EXPECT_FALSE(http::read_tokens(folder.path("absent")));
}

TEST(ProcessMetrics, AreThoseOfThisProcess) {
  const auto metrics = read_process_metrics();
  ASSERT_TRUE(metrics);
  EXPECT_GT(metrics->resident_memory_bytes, 1'000'000u);
  EXPECT_GE(metrics->virtual_memory_bytes, metrics->resident_memory_bytes);
  EXPECT_GT(metrics->open_fds, 2u);
  EXPECT_GE(metrics->max_fds, metrics->open_fds);
  EXPECT_GT(metrics->start_time_seconds, 1.7e9);
}

}  // namespace
}  // namespace tocsin::daemon
