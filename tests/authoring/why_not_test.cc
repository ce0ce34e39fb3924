#include "rules/authoring/why_not.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/written_rules.h"

namespace tocsin::rules {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kRules =
    "rules:\n  - {rule: many, kind: threshold, " + kHead +
    ", select: 'e.indicator == \"violence.attack\" && has(e.value) && e.value >= 2.0', by: "
    "[region@admin1], detect: {measures: {n: {agg: count, window: 10d, every: 1d}}, when: n >= 3}, "
    "levels: {watch: {}, alert: {when: n >= 6}}}\n  - {rule: pair, kind: sequence, " +
    kHead +
    ", by: [region@country], detect: {steps: [{attack: {select: 'e.indicator == "
    "\"violence.attack\"'}}, {inquiry: {select: 'e.indicator == \"justice.inquiry_opened\"'}}], "
    "span: 30d}, severity: info, alert: {hold: 1d}}\n";

class WhyNotTest : public ::testing::Test {
 protected:
  std::string tell(const std::string& rule, const std::vector<std::string>& group, EventTime at) {
    std::string hint;
    const auto index = find_rule(*bundle_, rule, hint);
    std::string problem;
    const auto key = parse_group(*bundle_, bundle_->rules[*index], group, problem);
    EXPECT_TRUE(key) << problem;
    WhyNot answer(bundle_, *index, *key, at);
    EventBuilder events(bundle_->catalogue);
    answer.take(events.make(day(1), 5));
    answer.take(events.make(day(2), 1));  // below the bound
    answer.take(events.make(day(3), 4));
    answer.take(events.make(day(4), 4, "XB-1"));
    answer.take(events.make(day(5), 4));
    return answer.tell();
  }

  std::shared_ptr<const Bundle> bundle_ = written(small_world(), kRules);
};

TEST_F(WhyNotTest, TellsWhatWasMissingAndWhatCameNear) {
  const std::string text = tell("p/many", {"region=XA-1"}, day(4));
  EXPECT_THAT(text, HasSubstr("p/many about region=XA-1, at 2020-01-05T00:00:00Z"));
  EXPECT_THAT(text, HasSubstr("state     no alert\n"));
  EXPECT_THAT(text, HasSubstr("asked     n >= 3 (2 >= 3)\n"));
  EXPECT_THAT(text, HasSubstr("alert     does not hold: n >= 6 (2 >= 6)\n"));
  EXPECT_THAT(text, HasSubstr("counted   2 events\n"));
  EXPECT_THAT(text, HasSubstr("came near 1 events"));
  EXPECT_THAT(text, HasSubstr("e.value >= 2.0 (1 >= 2)\n"));
  EXPECT_THAT(text, Not(HasSubstr("has(e.value)")));  // that held
}

TEST_F(WhyNotTest, TellsThatItFiresWhenItDoes) {
  EXPECT_THAT(tell("p/many", {"region=XA-1"}, day(6)),
              HasSubstr("state     firing, level watch\n"));
}

TEST_F(WhyNotTest, TellsOfAGroupNobodyHeardOf) {
  EXPECT_THAT(tell("p/many", {"region=XA-2"}, day(6)), HasSubstr("nothing is known of this group"));
}

TEST_F(WhyNotTest, TellsOfAGroupThatWasForgotten) {
  const std::string text = tell("p/many", {"region=XB-1"}, day(90));
  EXPECT_THAT(text, HasSubstr("1 events were selected for it, the latest on 2020-01-05T00:00:00Z"));
  EXPECT_THAT(text, Not(HasSubstr("no event")));
}

TEST_F(WhyNotTest, TellsOfExceptions) {
  std::string rules = kRules;
  const std::string after = "when: n >= 6}}";
  rules.insert(rules.find(after) + after.size(), ", tunable: [source]");
  bundle_ = written(small_world(), rules +
                                       "exceptions:\n  - {rule: p/many, when: [{source: desk}], "
                                       "reason: a drill, by: j.doe, until: 2030-01-01}\n");
  EXPECT_THAT(tell("p/many", {"region=XA-1"}, day(6)),
              HasSubstr("an exception left out all 3 events, the latest that of j.doe until "
                        "2030-01-01T00:00:00Z: a drill\n"));
}

TEST_F(WhyNotTest, TellsWhatASequenceWaitsFor) {
  EXPECT_THAT(tell("p/pair", {"region=XB"}, day(6)),
              HasSubstr("the furthest: attack on 2020-01-05T00:00:00Z; not yet: inquiry\n"));
}

TEST_F(WhyNotTest, RefusesGroupsThatTheRuleDoesNotHave) {
  std::string problem;
  const Rule& rule = bundle_->rules[0];
  EXPECT_FALSE(parse_group(*bundle_, rule, {}, problem));
  EXPECT_EQ(problem, "the rule groups by `region`: add --group region=…");
  EXPECT_FALSE(parse_group(*bundle_, rule, {"region=XA-1", "source=desk"}, problem));
  EXPECT_EQ(problem, "the rule does not group by `source`");
  EXPECT_FALSE(parse_group(*bundle_, rule, {"region=QQ"}, problem));
  EXPECT_FALSE(parse_group(*bundle_, rule, {"XA-1"}, problem));
  std::string hint;
  EXPECT_FALSE(find_rule(*bundle_, "p/mani", hint));
  EXPECT_EQ(hint, "p/many");
}

}  // namespace
}  // namespace tocsin::rules
