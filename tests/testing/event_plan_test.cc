#include "rules/testing/event_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::rules {
namespace {

Catalogue small_catalogue() {
  Catalogue::Draft draft;
  Indicator closed;
  closed.name = "exclusion.ngo_closed";
  closed.unit = "cases";
  AttrDeclaration days;
  days.name = "days";
  days.type = AttrType::kInt;
  AttrDeclaration law;
  law.name = "law";
  law.required = true;
  closed.attrs = {days, law};
  draft.indicators.push_back(closed);
  Source desk;
  desk.name = "desk";
  desk.reliability = 0.7;
  desk.tlp = Tlp::kGreen;
  draft.sources.push_back({desk, {"exclusion.ngo_closed"}});
  Region country;
  country.id = "XA";
  draft.regions.push_back({country, ""});
  return Catalogue(std::move(draft));
}

class EventPlan : public ::testing::Test {
 protected:
  std::vector<ScheduledEvent> plan(const std::string& yaml) {
    const auto document = yaml::parse_document(yaml, "t.yaml", diagnostics_);
    EXPECT_TRUE(document.has_value());
    return plan_events(*document, start_, catalogue_, arena_, diagnostics_);
  }

  Catalogue catalogue_ = small_catalogue();
  Arena arena_;
  Diagnostics diagnostics_;
  EventTime start_ = *parse_time("2026-01-01T00:00:00Z");
};

TEST_F(EventPlan, RepeatsAtADistance) {
  const auto events = plan(
      "- {at: +1d, repeat: {every: 7d, times: 3}, event: {source: desk, indicator: "
      "exclusion.ngo_closed, region: XA, id: \"r-{n}\", attrs: {law: a}}}\n");
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[2].event.id, "r-3");
  EXPECT_EQ(events[2].event.time, start_ + std::chrono::days(15));
  EXPECT_EQ(events[2].arrives, events[2].event.time);
}

TEST_F(EventPlan, SpreadsABurst) {
  const auto events = plan(
      "- {at: +1d, burst: {count: 4, over: 4d}, event: {source: desk, indicator: "
      "exclusion.ngo_closed, region: XA, attrs: {law: a}}}\n");
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[3].event.time, start_ + std::chrono::days(4));
}

TEST_F(EventPlan, OrdersByArrivalNotByTime) {
  const auto events = plan(
      "- {at: +1d, arrives: +9d, event: {source: desk, indicator: exclusion.ngo_closed, region: "
      "XA, id: late, attrs: {law: a}}}\n"
      "- {at: +2d, event: {source: desk, indicator: exclusion.ngo_closed, region: XA, id: soon, "
      "attrs: {law: a}}}\n"
      "- {retract: {source: desk, ids: [soon]}, arrives: +5d}\n");
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].event.id, "soon");
  EXPECT_EQ(events[1].event.op, Operation::kRetract);
  EXPECT_EQ(events[1].event.rev, 1U);
  EXPECT_EQ(events[2].event.id, "late");
  EXPECT_TRUE(events[2].has_own_arrival);
}

TEST_F(EventPlan, TakesDefaultsFromTheSource) {
  const auto events = plan(
      "- {event: {source: desk, indicator: exclusion.ngo_closed, region: XA, attrs: {law: a, "
      "days: 3}}}\n");
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].event.time, start_);
  EXPECT_DOUBLE_EQ(events[0].event.confidence, 0.7);
  EXPECT_EQ(events[0].event.tlp, Tlp::kGreen);
  EXPECT_FALSE(events[0].event.has_value());
  ASSERT_EQ(events[0].event.attrs.size(), 2U);
  EXPECT_EQ(events[0].event.attrs[0].key, "days");
  EXPECT_EQ(std::get<int64_t>(events[0].event.attrs[0].value), 3);
}

struct Refusal {
  std::string event;
  std::string message;
};

class EventRefusal : public EventPlan, public ::testing::WithParamInterface<Refusal> {};

TEST_P(EventRefusal, IsToldAsIngestWould) {
  plan("- {event: " + GetParam().event + "}\n");
  ASSERT_EQ(diagnostics_.errors(), 1);
  EXPECT_THAT(diagnostics_.all()[0].message, ::testing::HasSubstr(GetParam().message));
  EXPECT_EQ(diagnostics_.all()[0].place.line, 1);
}

INSTANTIATE_TEST_SUITE_P(
    All, EventRefusal,
    ::testing::Values(
        Refusal{"{source: dsk, indicator: exclusion.ngo_closed, region: XA, attrs: {law: a}}",
                "source `dsk` is not in the catalogue"},
        Refusal{"{source: desk, indicator: exclusion.closed, region: XA, attrs: {law: a}}",
                "indicator `exclusion.closed` is not in the catalogue"},
        Refusal{"{source: desk, indicator: exclusion.ngo_closed, region: XX, attrs: {law: a}}",
                "region `XX` is not in the catalogue"},
        Refusal{"{source: desk, indicator: exclusion.ngo_closed, region: XA}",
                "needs the attr `law`"},
        Refusal{"{source: desk, indicator: exclusion.ngo_closed, region: XA, unit: deaths, attrs: "
                "{law: a}}",
                "unit `deaths`"},
        Refusal{"{source: desk, indicator: exclusion.ngo_closed, region: XA, value: -1, attrs: "
                "{law: a}}",
                "never negative"},
        Refusal{"{source: desk, indicator: exclusion.ngo_closed, region: XA, confidence: 2, attrs: "
                "{law: a}}",
                "between 0 and 1"},
        Refusal{"{source: desk, indicator: exclusion.ngo_closed, region: XA, attrs: {law: a, days: "
                "x}}",
                "`days` must be a whole number"}));

TEST(TestTime, IsAnOffsetOrATime) {
  const EventTime start = *parse_time("2026-01-31T00:00:00Z");
  EXPECT_EQ(read_test_time("+36h", start), start + std::chrono::hours(36));
  EXPECT_EQ(read_test_time("+1mo", start), *parse_time("2026-02-28T00:00:00Z"));
  EXPECT_EQ(read_test_time("2026-02-03", start), *parse_time("2026-02-03T00:00:00Z"));
  EXPECT_FALSE(read_test_time("3d", start).has_value());
  EXPECT_FALSE(read_test_time("+3 days", start).has_value());
}

}  // namespace
}  // namespace tocsin::rules
