// Which transitions a sink gets, and how: by level, by marking, and by what it was told before.
#include "daemon/sink_filter.h"

#include <gtest/gtest.h>

#include "storage/memory_store.h"
#include "tests/daemon/alert_texts.h"

namespace tocsin::daemon {
namespace {

using Fate = SinkFilter::Fate;

struct Step {
  const char* level;
  const char* tlp;
  Fate expected;
};
struct Case {
  const char* name;
  SinkFilter::Options options;
  std::vector<Step> steps;  // transitions of one alert
};

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases{
      {"up to the ceiling all is told whole",
       {.tlp_ceiling = Tlp::kAmber},
       {{"watch", "amber", Fate::kWhole}, {"watch", "clear", Fate::kWhole}}},
      {"above the ceiling content is withheld",
       {.tlp_ceiling = Tlp::kAmber},
       {{"watch", "red", Fate::kRedacted}, {"watch", "red", Fate::kRedacted}}},
      {"or nothing is told from beginning to end",
       {.tlp_ceiling = Tlp::kAmber, .drop_above_ceiling = true},
       {{"watch", "red", Fate::kWithheld}, {"watch", "red", Fate::kWithheld}}},
      {"but what was told is told on",
       {.tlp_ceiling = Tlp::kAmber, .drop_above_ceiling = true},
       {{"watch", "amber", Fate::kWhole},
        {"alert", "red", Fate::kRedacted},
        {"alert", "red", Fate::kRedacted}}},
      {"told is only what was high enough",
       {.tlp_ceiling = Tlp::kAmber, .drop_above_ceiling = true, .min_level = Level::kAlert},
       {{"watch", "amber", Fate::kBelowLevel},
        {"alert", "red", Fate::kWithheld},
        {"watch", "red", Fate::kWithheld}}},
      {"an alert that never reaches the level is not told",
       {.min_level = Level::kAlert},
       {{"watch", "clear", Fate::kBelowLevel}, {"warning", "clear", Fate::kBelowLevel}}},
      {"one that has reached it once is told to its end",
       {.min_level = Level::kAlert},
       {{"watch", "clear", Fate::kBelowLevel},
        {"alert", "clear", Fate::kWhole},
        {"watch", "clear", Fate::kWhole},
        {"watch", "clear", Fate::kWhole}}},
  };
  return kCases;
}

TEST(SinkFilter, JudgesByLevelMarkingAndWhatWasToldBefore) {
  for (const Case& each : cases()) {
    const auto store = storage::make_memory_store();
    const SinkFilter filter(each.options, SealedIds(), *store);
    for (uint32_t seq = 0; seq < each.steps.size(); ++seq) {
      const Step& step = each.steps[seq];
      const AlertText text{.seq = seq, .level = step.level, .tlp = step.tlp};
      storage::Batch& batch = store->begin();
      batch.put_alert(text.record());
      ASSERT_TRUE(store->commit(batch, WallTime{}));
      const auto judged = filter.judge(text.id(), seq, text.json());
      ASSERT_TRUE(judged) << each.name;
      EXPECT_EQ(static_cast<int>(judged->fate), static_cast<int>(step.expected))
          << each.name << ", transition " << seq;
    }
  }
}

// What a sink may know the alert by: its own id tells rule, region and start to whoever guesses.
TEST(SinkFilter, GivesTheOwnIdOnlyToThoseWhoHadItBefore) {
  struct Row {
    const char* name;
    SinkFilter::Options options;
    bool is_own;
  };
  for (const Row& row : {Row{"told whole before", {.tlp_ceiling = Tlp::kAmber}, true},
                         Row{"kept back by its level before",
                             {.tlp_ceiling = Tlp::kAmber, .min_level = Level::kAlert},
                             false}}) {
    const auto store = storage::make_memory_store();
    const SinkFilter filter(row.options, SealedIds(), *store);
    const AlertText first{.seq = 0, .level = "watch", .tlp = "green"};
    const AlertText second{.seq = 1, .level = "alert", .tlp = "red"};
    storage::Batch& batch = store->begin();
    batch.put_alert(first.record());
    batch.put_alert(second.record());
    ASSERT_TRUE(store->commit(batch, WallTime{}));
    const auto judged = filter.judge(second.id(), 1, second.json());
    ASSERT_TRUE(judged) << row.name;
    EXPECT_EQ(static_cast<int>(judged->fate), static_cast<int>(Fate::kRedacted)) << row.name;
    EXPECT_EQ(judged->notification.id == to_hex(second.id()), row.is_own) << row.name;
  }
}

}  // namespace
}  // namespace tocsin::daemon
