#include "daemon/told_in_force.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/daemon/small_bundle.h"

namespace tocsin::daemon {
namespace {

using testing::UnorderedElementsAre;

constexpr Hash128 kOpen{1, 1};
constexpr Hash128 kLogged{1, 2};
constexpr Hash128 kDropped{1, 3};  // from the log, by retention
constexpr Hash128 kNever{1, 4};

TEST(ForgetUnlogged, KeepsWhatRetentionHasDroppedFromTheLog) {
  const auto bundle = compile(rules::serialize(bundle_text()));
  rules::ToldAlerts told;
  for (const Hash128 alert : {kOpen, kLogged, kDropped, kNever}) {
    AlertTransition transition;
    transition.alert = alert;
    transition.group = {{"region", "XA"}};
    if (alert != kOpen) transition.ends_at = EventTime{};
    told.note(transition, bundle->rules[0], /*is_recorded_alone=*/false);
  }
  LoggedAlerts logged;
  logged.last_seq.emplace(kLogged, 3);
  forget_unlogged(logged, {kDropped, kLogged}, told);
  EXPECT_THAT(ids_of(told), UnorderedElementsAre(kOpen, kLogged, kDropped));
}

}  // namespace
}  // namespace tocsin::daemon
