#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/rules/written_rules.h"

// Layers and spillover: rules over the alerts of others.
namespace tocsin::rules {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::shared_ptr<const Catalogue> world() {
  static const std::vector<std::string> all = {"violence.attack", "justice.inquiry_opened",
                                               "displacement.new", "corruption.case"};
  Catalogue::Draft draft;
  for (const std::string& name : all) {
    Indicator indicator;
    indicator.name = name;
    draft.indicators.push_back(indicator);
  }
  for (const char* name : {"desk", "monitor"}) {
    Source source;
    source.name = name;
    source.lateness = kDay;
    source.idle = kDay;
    source.correction_horizon = 45 * kDay;
    draft.sources.push_back({source, all});
  }
  for (const char* id : {"XA", "XB", "XC", "XD"}) {
    Region country;
    country.id = id;
    draft.regions.push_back({country, ""});
    for (const char* part : {"-1", "-2"}) {
      Region region;
      region.id = std::string(id) + part;
      region.level = RegionLevel::kAdmin1;
      draft.regions.push_back({region, id});
    }
  }
  // A line: XA - XB - XC - XD.
  draft.borders = {{"XA", "XB"}, {"XB", "XA"}, {"XB", "XC"},
                   {"XC", "XB"}, {"XC", "XD"}, {"XD", "XC"}};
  return std::make_shared<const Catalogue>(draft);
}

// An event rule: the level is the event's value.
std::string raise(const std::string& name, const std::string& driver, const std::string& indicator,
                  const std::string& by = "region@admin1", const std::string& hold = "10d") {
  return "  - {rule: " + name +
         ", kind: event, title: T, status: draft, stage: latent, driver: " + driver +
         ", select: 'e.indicator == \"" + indicator + "\" && has(e.value)', by: [" + by +
         "], levels: {info: {}, warning: {when: e.value >= 3.0}}, alert: {hold: " + hold + "}}\n";
}

const std::string kRaising = raise("fights", "violence", "violence.attack") +
                             raise("flights", "displacement", "displacement.new") +
                             raise("graft", "corruption", "corruption.case", "region@country");

std::string layers(const std::string& detect, const std::string& levels,
                   const std::string& by = "region@admin1") {
  return "rules:\n" + kRaising + "  - {rule: layers, kind: layers, " + kHead + ", by: [" + by +
         "], detect: {alerts: 'a.level >= level.info', window: 30d" + detect +
         "}, levels: " + levels + "}\n";
}

std::vector<std::string> of_rule(const EngineHarness& harness, const std::string& name) {
  std::vector<std::string> lines;
  for (const AlertTransition& t : harness.log) {
    if (harness.bundle->rules[t.rule].name == name && t.action != Action::kUpdate) {
      lines.push_back(brief(t));
    }
  }
  return lines;
}

TEST(Layers, CountDriversOverOnePlace) {
  EngineHarness harness(written(world(), layers("", "{warning: {distinct: 2}}")));
  harness.feed(day(1.2), 1, "XA-1");
  harness.feed(day(2.2), 1, "XA-2", "displacement.new");
  harness.feed(day(3.2), 1, "XA-1", "displacement.new");
  harness.feed(day(3.4), 1, "XB-1", "displacement.new");
  harness.finish(day(80));
  EXPECT_THAT(of_rule(harness, "layers"),
              ElementsAre("fire warning d4 XA-1", "resolve warning d42 XA-1"));
  const auto fire = std::find_if(harness.log.begin(), harness.log.end(), [&](const auto& t) {
    return harness.bundle->rules[t.rule].name == "layers";
  });
  EXPECT_THAT(fire->condition, HasSubstr("displacement, violence at once"));
  EXPECT_EQ(fire->evidence.size(), 2U);
}

TEST(Layers, CountTheCountryByHalfAndOnlyWhenRolledUp) {
  const auto fires = [](const std::string& detect, const std::string& distinct,
                        const std::string& by = "region@admin1") {
    EngineHarness harness(
        written(world(), layers(detect, "{warning: {distinct: " + distinct + "}}", by)));
    harness.feed(day(1.2), 1, "XA-1");
    harness.feed(day(1.3), 1, "XA-1", "corruption.case");  // an alert on XA
    harness.finish(day(3));
    return of_rule(harness, "layers");
  };
  EXPECT_THAT(fires("", "1.5"), ElementsAre("fire warning d2 XA-1"));
  EXPECT_THAT(fires("", "2"), IsEmpty());
  EXPECT_THAT(fires(", roll_up: false", "1.5"), IsEmpty());
  EXPECT_THAT(fires("", "2", "region@country"), ElementsAre("fire warning d2 XA"));
}

TEST(Layers, AskForTimeTogether) {
  const auto fires = [](const std::string& overlap) {
    EngineHarness harness(
        written(world(), layers(", min_overlap: " + overlap, "{warning: {distinct: 2}}")));
    harness.feed(day(1), 1, "XA-1");                      // until d11
    harness.feed(day(7), 1, "XA-1", "displacement.new");  // until d17: four days together
    harness.finish(day(30));
    return of_rule(harness, "layers");
  };
  EXPECT_THAT(fires("4d"), ElementsAre("fire warning d11 XA-1"));
  EXPECT_THAT(fires("5d"), IsEmpty());
}

// It was a warning from its first moment on, though it was told as an info first.
TEST(Layers, CountNothingThatLastedNoTime) {
  const std::string text = "rules:\n" + kRaising + "  - {rule: layers, kind: layers, " + kHead +
                           ", by: [region@admin1], detect: {alerts: 'a.level == level.info', "
                           "window: 30d}, levels: {info: {distinct: 1}}}\n";
  EngineHarness harness(written(world(), text));
  harness.feed(day(1.2), 1, "XA-1");
  harness.feed(day(1.2), 5, "XA-1");
  harness.finish(day(9));
  EXPECT_EQ(of_rule(harness, "fights").size(), 2U);
  EXPECT_THAT(of_rule(harness, "layers"), IsEmpty());
}

TEST(Layers, MayRequireOneOfThem) {
  EngineHarness harness(
      written(world(), layers("",
                              "{watch: {distinct: 1}, alert: {distinct: 1, require: "
                              "'drivers.exists(d, d == \"displacement\")'}}")));
  harness.feed(day(1.2), 1, "XA-1");
  harness.feed(day(1.2), 1, "XB-1", "displacement.new");
  harness.finish(day(3));
  EXPECT_THAT(of_rule(harness, "layers"),
              UnorderedElementsAre("fire watch d2 XA-1", "fire alert d2 XB-1"));
}

std::string spillover(const std::string& detect, const std::string& levels) {
  return "rules:\n" + kRaising + "  - {rule: near, kind: spillover, " + kHead +
         ", by: [region@country], detect: {from: {alerts: 'a.driver == \"violence\"'" + detect +
         "}, levels: " + levels + "}\n";
}

TEST(Spillover, AddsUpWhatPressesFromNextDoor) {
  EngineHarness harness(written(
      world(),
      spillover("}, hops: 2, pressure: {at_least: 1.5}",
                "{watch: {pressure: 1.5}, alert: {pressure: 3.0, exit: {pressure: 2.0}}}")));
  harness.feed(day(1.2), 5, "XB-1");  // warning: 3 for XA and XC, 1.5 for XD
  harness.feed(day(1.3), 5, "XB-2");  // the same country: counts once
  harness.finish(day(30));
  EXPECT_THAT(
      of_rule(harness, "near"),
      UnorderedElementsAre("fire alert d2 XA", "fire alert d2 XC", "fire watch d2 XD",
                           "resolve alert d12 XA", "resolve alert d12 XC", "resolve watch d12 XD"));
}

TEST(Spillover, AsksForOwnWeakness) {
  EngineHarness harness(
      written(world(),
              spillover("}, pressure: {at_least: 1}, and_own: 'signal(\"corruption.case\") >= 2.0'",
                        "{watch: {pressure: 1}}")));
  harness.feed(day(0.5), 4, "XA", "corruption.case");
  harness.feed(day(0.5), 1, "XC", "corruption.case");
  harness.feed(day(1.2), 1, "XB-1");
  harness.finish(day(3));
  EXPECT_THAT(of_rule(harness, "near"), ElementsAre("fire watch d2 XA"));
}

// Also after another country's alert has been worded.
TEST(Spillover, MayAskForThePlaceItself) {
  EngineHarness harness(written(
      world(),
      spillover("}, pressure: {at_least: 1}, and_own: 'region.id == \"XC\" || by.region == \"XA\"'",
                "{watch: {pressure: 1}}")));
  harness.feed(day(1.2), 1, "XB-1");
  harness.feed(day(3.2), 1, "XD-1");
  harness.feed(day(5.2), 1, "XA-1");
  harness.finish(day(40));
  EXPECT_THAT(of_rule(harness, "near"),
              UnorderedElementsAre("fire watch d2 XA", "fire watch d2 XC", "resolve watch d12 XA",
                                   "resolve watch d14 XC"));
}

// inv: rules over alerts read rules over events only, so there is no circle, and read what was
// decided before the tick.
TEST(OverAlerts, NeverReadEachOther) {
  const std::string text =
      "rules:\n" + raise("fights", "violence", "violence.attack") +
      "  - {rule: again, kind: layers, " + kHead +
      ", by: [region@admin1], detect: {alerts: 'a.level >= level.info', distinct: a.rule, window: "
      "30d}, levels: {warning: {distinct: 2}}}\n  - {rule: more, kind: layers, " +
      kHead +
      ", by: [region@admin1], detect: {alerts: 'true', distinct: a.rule, window: 30d}, levels: "
      "{info: {distinct: 1}}}\n";
  EngineHarness harness(written(world(), text));
  harness.feed(day(1.2), 1, "XA-1");
  harness.finish(day(3));
  EXPECT_THAT(of_rule(harness, "more"), ElementsAre("fire info d2 XA-1"));
  EXPECT_THAT(of_rule(harness, "again"), IsEmpty());
}

// Of sources that end one by one the last may have told more than what a rule waited for.
TEST(OverAlerts, AreNotAheadOfTheRulesTheyReadWhenAllSourcesHaveEnded) {
  const std::string text =
      "rules:\n" + raise("asks", "justice_gap", "justice.inquiry_opened", "region@admin1", "2d") +
      raise("fights", "violence", "violence.attack") + "  - {rule: layers, kind: layers, " + kHead +
      ", by: [region@admin1], detect: {alerts: 'true', distinct: a.rule, "
      "window: 1d}, levels: {info: {distinct: 1}}}\n";
  EngineHarness harness(written(small_world(), text));
  harness.feed(day(1.2), 1, "XA-1", "justice.inquiry_opened");
  harness.feed(day(6.5), 1, "XB-1", "violence.attack", "monitor");
  for (const char* source : {"monitor", "desk"}) {
    harness.engine->end_source(*harness.bundle->catalogue->find_source(source), harness.log);
  }
  harness.finish(day(7));
  EXPECT_THAT(of_rule(harness, "layers"),
              ElementsAre("fire info d2 XA-1", "resolve info d5 XA-1", "fire info d7 XB-1"));
}

TEST(OverAlerts, OfProductionLookAtProductionOnly) {
  auto bundle = std::make_shared<Bundle>(*written(world(), layers("", "{info: {distinct: 1}}")));
  for (Rule& rule : bundle->rules) {
    if (auto* detect = std::get_if<LayersDetect>(&rule.detect)) {
      detect->alerts.production_only = true;
    }
  }
  EngineHarness harness(bundle);
  harness.feed(day(1.2), 1, "XA-1");  // the rules that raise alerts are drafts
  harness.finish(day(3));
  EXPECT_THAT(of_rule(harness, "layers"), IsEmpty());
}

TEST(OverAlerts, AreAsRestrictedAsTheAlertsTheyCount) {
  EngineHarness harness(written(world(), layers("", "{info: {distinct: 1}}")));
  Event& secret = harness.events.make(day(1.2), 1, "XA-1");
  secret.tlp = Tlp::kRed;
  harness.send(secret);
  harness.finish(day(3));
  for (const AlertTransition& t : harness.log) EXPECT_EQ(t.tlp, Tlp::kRed);
  EXPECT_EQ(of_rule(harness, "layers").size(), 1U);
}

std::string counting(const std::string& name) {
  return "  - {rule: " + name + ", kind: layers, " + kHead +
         ", by: [region@admin1], detect: {alerts: 'a.level >= level.info', window: 30d}, levels: "
         "{info: {distinct: 2}}}\n";
}

// One that goes up and down for years is no longer than what a window may ask of it.
TEST(OverAlerts, ForgetOldChangesOfAnOpenAlert) {
  const auto saved_bytes = [](int days) {
    EngineHarness harness(written(world(), "rules:\n" + kRaising + counting("layers")));
    for (int i = 0; i < days; ++i) harness.feed(day(i + 0.2), i % 8 < 4 ? 1 : 5, "XA-1");
    size_t bytes = 0;
    harness.engine->save([&](std::string_view key, std::string_view value) {
      if (key.starts_with('b')) bytes += value.size();
    });
    EXPECT_GT(bytes, 0U);
    return bytes;
  };
  EXPECT_LT(saved_bytes(800), saved_bytes(200) * 3 / 2);
}

// What nobody saved leaves nothing to remove.
TEST(OverAlerts, ForgetUnsavedAlertsWithoutATrace) {
  EngineHarness harness(written(world(), layers("", "{info: {distinct: 1}}")));
  harness.feed(day(1.2), 1, "XA-1");
  harness.feed(day(90), 1, "XB-1");
  harness.finish(day(95));
  size_t removals = 0;
  size_t entries = 0;
  harness.engine->save([&](std::string_view key, std::string_view value) {
    if (key.starts_with('b')) ++(value.empty() ? removals : entries);
  });
  EXPECT_EQ(removals, 0U);
  EXPECT_EQ(entries, 1U);
}

void reload(EngineHarness& harness, const std::string& text) {
  Engine::Transitions ended;
  harness.bundle = written(world(), text);
  harness.engine->activate(harness.bundle, ended, harness.log);
}

const std::string kPressing =
    "  - {rule: near, kind: spillover, " + kHead +
    ", by: [region@country], detect: {from: {alerts: 'a.driver == \"violence\"'}, pressure: "
    "{at_least: 1}}, levels: {info: {pressure: 1}}}\n";

// The first of its sort or the second, after a restart or not.
TEST(OverAlerts, ThatComeWithAReloadSeeWhatIsOpen) {
  for (const bool is_first : {true, false}) {
    for (const bool restarts : {true, false}) {
      const std::string before = "rules:\n" + kRaising + (is_first ? "" : counting("layers"));
      EngineHarness harness(written(world(), before));
      harness.feed(day(1.2), 1, "XA-1");
      harness.feed(day(2.2), 1, "XA-1", "displacement.new");
      harness.feed(day(5.5), 0, "XD-1", "corruption.case");
      if (restarts) harness.restart();
      reload(harness, before + counting("more") + kPressing);
      harness.finish(day(50));
      SCOPED_TRACE(is_first ? "the first" : "the second");
      EXPECT_THAT(of_rule(harness, "more"),
                  ElementsAre("fire info d5 XA-1", "resolve info d42 XA-1"));
      EXPECT_THAT(of_rule(harness, "near"), ElementsAre("fire info d5 XB", "resolve info d12 XB"));
    }
  }
}

TEST(OverAlerts, SeeWhatTheRulesSayOfThemselvesAfterAReload) {
  const auto text = [](const std::string& driver) {
    return "rules:\n" + raise("fights", "violence", "violence.attack") +
           raise("flights", driver, "displacement.new") + counting("layers");
  };
  EngineHarness harness(written(world(), text("displacement")));
  harness.feed(day(1.2), 1, "XA-1");
  harness.feed(day(2.2), 1, "XA-1", "displacement.new");
  harness.feed(day(5.5), 0, "XD-1", "corruption.case");
  EXPECT_THAT(of_rule(harness, "layers"), ElementsAre("fire info d3 XA-1"));
  reload(harness, text("violence"));  // the same driver twice is one layer
  harness.feed(day(7.5), 0, "XD-1", "violence.attack");
  EXPECT_THAT(of_rule(harness, "layers"), ElementsAre("fire info d3 XA-1", "resolve info d5 XA-1"));
}

std::vector<Told> stream(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Told> events;
  const std::vector<std::string> regions = {"XA-1", "XA-2", "XB-1", "XC-1", "XD-2"};
  const std::vector<std::string> indicators = {"violence.attack", "displacement.new",
                                               "corruption.case"};
  for (int i = 0; i < 150; ++i) {
    const auto time = tocsin::testing::kEpoch2020 + Milliseconds(random() % (90ULL * 86'400'000));
    events.push_back({time, static_cast<double>(random() % 5), regions[random() % regions.size()],
                      indicators[random() % 3], random() % 2 == 0 ? "monitor" : "desk"});
  }
  std::sort(events.begin(), events.end(),
            [](const Told& a, const Told& b) { return a.time < b.time; });
  return events;
}

std::string both() {
  return layers(", min_overlap: 2d", "{watch: {distinct: 2}, alert: {distinct: 2.5}}") +
         "  - {rule: near, kind: spillover, " + kHead +
         ", by: [region@admin1], detect: {from: {alerts: 'a.driver == \"violence\" && a.level >= "
         "level.warning', score: 'double(a.level_rank)'}, hops: 2, pressure: {at_least: 3}, "
         "and_own: 'signal(\"corruption.case\") >= 1.0'}, levels: {watch: {pressure: 3}, alert: "
         "{pressure: 5, exit: {pressure: 4}}}, alert: {for: 2d, keep_firing_for: 1d}}\n";
}

class OverAlertsProperty : public ::testing::TestWithParam<uint32_t> {};

TEST_P(OverAlertsProperty, OrderOfArrivalAndRestartsChangeNothing) {
  const auto bundle = written(world(), both());
  const std::vector<Told> events = stream(GetParam());
  const auto sorted = said(bundle, events, day(140));
  EXPECT_FALSE(sorted.empty());
  EXPECT_TRUE(said(bundle, shuffled(events, kDay, GetParam()), day(140)) == sorted);
  EXPECT_TRUE(said(bundle, events, day(140), true) == sorted);
}

// Shards raise the alerts, one engine beside them looks at all of these.
TEST_P(OverAlertsProperty, ShardsWithAnEngineForAlertsSayTheSame) {
  const auto bundle = written(world(), both());
  const std::vector<Told> events = shuffled(stream(GetParam()), kDay, GetParam());
  const auto whole = said(bundle, events, day(140));
  std::vector<std::unique_ptr<EngineHarness>> shards;
  for (uint32_t i = 0; i < 3; ++i) {
    shards.push_back(std::make_unique<EngineHarness>(bundle));
    shards.back()->engine = std::make_unique<Engine>(
        bundle,
        EngineOptions{.emit = Emit::kFinal, .shard = {.index = i, .of = 3}, .work = Work::kEvents});
  }
  EngineHarness above(bundle);
  above.engine =
      std::make_unique<Engine>(bundle, EngineOptions{.emit = Emit::kFinal, .work = Work::kAlerts});
  const auto on_all = [&](auto&& call) {
    for (const auto& shard : shards) call(*shard);
    call(above);
  };
  on_all([&](EngineHarness& h) {
    for (const Source& source : bundle->catalogue->sources()) {
      h.engine->expect_source(*bundle->catalogue->find_source(source.name));
    }
  });
  std::vector<std::string> lines;
  const auto settle = [&](auto&& call) {
    for (const auto& shard : shards) {
      const size_t before = shard->log.size();
      call(*shard);
      above.engine->on_alerts(std::span(shard->log).subspan(before));
    }
    call(above);
  };
  // In batches, as a pipeline does: all of a batch's alerts are there before its times are.
  for (size_t from = 0; from < events.size(); from += 16) {
    settle([&](EngineHarness& h) {
      for (size_t i = from; i < std::min(from + 16, events.size()); ++i) {
        const Told& told = events[i];
        h.feed(
            told.time, told.value, told.region, told.indicator, told.source,
            fmt::format("{}-{}-{}-{}", told.source, told.indicator, told.region, to_ms(told.time)));
      }
    });
  }
  settle([&](EngineHarness& h) { h.finish(day(140)); });
  on_all([&](EngineHarness& h) {
    for (std::string& line : h.full_lines()) lines.push_back(std::move(line));
  });
  std::sort(lines.begin(), lines.end());
  EXPECT_TRUE(lines == whole);
}

INSTANTIATE_TEST_SUITE_P(Seeds, OverAlertsProperty, ::testing::Range(1U, 13U));

}  // namespace
}  // namespace tocsin::rules
