#include "rules/model/vocabulary.h"

#include <gtest/gtest.h>

#include "rules/model/alert.h"

namespace tocsin {
namespace {

template <typename Enum>
void every_word_reads_back(Enum first, Enum last) {
  for (int i = static_cast<int>(first); i <= static_cast<int>(last); ++i) {
    const auto value = static_cast<Enum>(i);
    EXPECT_EQ(parse_enum<Enum>(to_string(value)), value) << to_string(value);
  }
  EXPECT_FALSE(parse_enum<Enum>("no-such-word").has_value());
}

TEST(Vocabulary, EveryWordReadsBack) {
  every_word_reads_back(Level::kInfo, Level::kEmergency);
  every_word_reads_back(Driver::kExclusion, Driver::kComposite);
  every_word_reads_back(Stage::kLatent, Stage::kRecurrence);
  every_word_reads_back(Tlp::kClear, Tlp::kRed);
  every_word_reads_back(Operation::kAssert, Operation::kRetract);
  every_word_reads_back(TimePrecision::kExact, TimePrecision::kYear);
  every_word_reads_back(Polarity::kRisk, Polarity::kProtective);
  every_word_reads_back(RuleStatus::kDraft, RuleStatus::kDeprecated);
  every_word_reads_back(Action::kFire, Action::kWithdraw);
}

TEST(Vocabulary, NoLevelIsNoWord) { EXPECT_FALSE(parse_enum<Level>("none").has_value()); }

}  // namespace
}  // namespace tocsin
