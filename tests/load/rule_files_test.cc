#include <algorithm>

#include "tests/load/loading.h"

// Files that must load (`*.good.yaml`) and files that must not (`*.bad.yaml`), each of the latter
// with all that the loader has to say, in lines `#! LINE:COLUMN severity CODE: message` at its end.
namespace tocsin::rules {
namespace {

std::string name_of(const testing::TestParamInfo<std::string>& param) {
  std::string name = std::filesystem::path(param.param).filename().string();
  name = name.substr(0, name.find('.'));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string without(std::string text, const std::string& part) {
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part)) {
    text.erase(at, part.size());
  }
  return text;
}

std::string expected_of(const std::string& content) {
  std::string expected;
  std::istringstream in(content);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("#! ")) expected += line.substr(3) + "\n";
  }
  return expected;
}

std::string told(const Diagnostics& diagnostics) {
  std::string text;
  for (const Diagnostic& d : diagnostics.sorted()) {
    text += std::to_string(d.place.line) + ":" + std::to_string(d.place.column) +
            (d.severity == Severity::kError ? " error " : " warning ") + d.code + ": " +
            without(d.message, data_path("bad/")) + "\n";
  }
  return text;
}

class BadRuleFile : public testing::TestWithParam<std::string> {};

TEST_P(BadRuleFile, IsToldWithPlaceAndReason) {
  const std::string expected = expected_of(read_text(GetParam()));
  ASSERT_FALSE(expected.empty()) << "the file lists nothing to expect";
  Diagnostics diagnostics;
  const auto bundle = load_bundle({.catalogue = {data_path("catalogue")}, .rules = {GetParam()}},
                                  diagnostics, parse_time("2026-06-01"));
  EXPECT_EQ(told(diagnostics), expected);
  EXPECT_EQ(bundle == nullptr, diagnostics.has_errors());
}

INSTANTIATE_TEST_SUITE_P(Files, BadRuleFile,
                         testing::ValuesIn(files_ending_with(data_path("bad"), ".bad.yaml")),
                         name_of);

class GoodRuleFile : public testing::TestWithParam<std::string> {};

TEST_P(GoodRuleFile, Loads) {
  Diagnostics diagnostics;
  const auto bundle = load_bundle({.catalogue = {data_path("catalogue")}, .rules = {GetParam()}},
                                  diagnostics, parse_time("2026-06-01"));
  EXPECT_EQ(told(diagnostics), "");
  ASSERT_NE(bundle, nullptr);
  EXPECT_FALSE(bundle->rules.empty());
}

INSTANTIATE_TEST_SUITE_P(Files, GoodRuleFile,
                         testing::ValuesIn(files_ending_with(data_path("good"), ".good.yaml")),
                         name_of);

TEST(RuleFiles, ManyMistakesAreCovered) {
  EXPECT_GE(files_ending_with(data_path("bad"), ".bad.yaml").size(), 100U);
  EXPECT_GE(files_ending_with(data_path("good"), ".good.yaml").size(), 5U);
}

TEST(RuleFiles, ShippedRulesLoadWithoutAWarning) {
  const std::string tree = TOCSIN_SOURCE_DIR;
  Diagnostics diagnostics;
  const auto bundle = load_bundle(
      {.catalogue = {tree + "/rules/catalogue"}, .rules = {tree + "/rules/sets"}}, diagnostics);
  for (const Diagnostic& d : diagnostics.sorted()) ADD_FAILURE() << to_text(d);
  ASSERT_NE(bundle, nullptr);
  EXPECT_GE(bundle->rules.size(), 16U);
}

}  // namespace
}  // namespace tocsin::rules
