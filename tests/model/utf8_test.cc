#include "rules/model/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace tocsin {
namespace {

TEST(Utf8Prefix, CutsNoCodePointInTwo) {
  EXPECT_EQ(utf8_prefix("abc", 3), "abc");
  EXPECT_EQ(utf8_prefix("abc", 2), "ab");
  EXPECT_EQ(utf8_prefix("سوريا", 10), "سوريا");
  EXPECT_EQ(utf8_prefix("سوريا", 9), "سوري");
  EXPECT_EQ(utf8_prefix("a…", 2), "a");
  EXPECT_EQ(utf8_prefix("…", 2), "");
  EXPECT_EQ(utf8_prefix("", 0), "");
}

TEST(FirstBadUtf8, TellsTheByte) {
  const auto none = std::string_view::npos;
  for (const std::string_view good : {"", "abc", "é", "€", "\U0010FFFF", "\xEE\x80\x80"}) {
    EXPECT_EQ(first_bad_utf8(good), none) << good;
  }
  // Lone and missing continuations, overlong forms, a surrogate, over U+10FFFF, a byte never used.
  for (const std::string_view bad :
       {"\x80", "\xC3", "\xC3(", "\xE2\x82", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80",
        "\xF0\x8F\xBF\xBF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF"}) {
    EXPECT_EQ(first_bad_utf8("ab" + std::string(bad)), 2U) << testing::PrintToString(bad);
  }
}

TEST(Utf8, ShowsWhatItIsNot) {
  EXPECT_EQ(as_utf8(""), "");
  EXPECT_EQ(as_utf8("Côte d’Ivoire"), "Côte d’Ivoire");
  EXPECT_EQ(as_utf8("a\x98\x90z"), "a\uFFFD\uFFFDz");
  EXPECT_EQ(as_utf8("cut off \xE2\x80"), "cut off \uFFFD\uFFFD");
}

}  // namespace
}  // namespace tocsin
