#include "daemon/sharded_engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "rules/load/rule_loader.h"
#include "tests/support/catalogue_builder.h"
#include "tests/support/event_builder.h"

namespace tocsin::daemon {
namespace {

using testing::day;
using testing::EventBuilder;

constexpr int kCountries = 7;

std::shared_ptr<const Catalogue> world() {
  testing::CatalogueBuilder builder;
  builder.indicator("violence.attack", {{"side", AttrType::kString, false, {}, 100}})
      .source("desk", std::chrono::hours(6), {"violence.attack"});
  for (int i = 0; i < kCountries; ++i) builder.country(fmt::format("X{}", i));
  return builder.build();
}

// Rules that come to their limit of groups: with a region and an open key, with one alone, with one
// for each actor, where a signal does, and one whose regions alone are more than it may keep.
constexpr const char* kRules = R"(tocsin: rules/1
package: p
defaults: {status: draft, driver: violence, stage: latent}
signals:
  hits:
    select: e.indicator == "violence.attack"
    by: [region@country, e.attrs.side]
    measure: {agg: count, window: 2d, every: 1d}
    limits: {groups: 20}
rules:
  - rule: sides
    kind: threshold
    title: T
    select: e.indicator == "violence.attack"
    by: [region@country, e.attrs.side]
    detect: {measures: {n: {agg: count, window: 2d, every: 1d}}, when: n >= 3}
    severity: watch
    limits: {groups: 12}
  - rule: anywhere
    kind: event
    title: T
    select: e.indicator == "violence.attack" && e.value >= 5.0
    by: [e.attrs.side]
    severity: watch
    alert: {hold: 2d}
    limits: {groups: 5}
  - rule: actors
    kind: event
    title: T
    select: e.indicator == "violence.attack"
    each: e.actors
    by: [region@country, each]
    severity: watch
    alert: {hold: 1d}
    limits: {groups: 9}
  - rule: reads
    kind: threshold
    title: T
    select: e.indicator == "violence.attack"
    by: [region@country, e.attrs.side]
    detect: {measures: {n: {agg: count, window: 1d, every: 1d}}, when: 'n >= 1 && signal("hits") == 1.0'}
    severity: watch
  - rule: reads-too
    kind: threshold
    title: T
    select: e.indicator == "violence.attack"
    by: [region@country, e.attrs.side]
    detect: {measures: {n: {agg: count, window: 1d, every: 1d}}, when: 'n >= 2 && signal("hits") >= 2.0'}
    severity: watch
  - rule: few-countries
    kind: threshold
    title: T
    select: e.indicator == "violence.attack"
    by: [region@country]
    detect: {measures: {n: {agg: count, window: 2d, every: 1d}}, when: n >= 6}
    severity: watch
    limits: {groups: 3}
  - rule: countries
    kind: threshold
    title: T
    select: e.indicator == "violence.attack"
    by: [region@country]
    detect: {measures: {n: {agg: count, window: 2d, every: 1d}}, when: n >= 6}
    severity: watch
)";

std::shared_ptr<const rules::Bundle> bundle(const std::shared_ptr<const Catalogue>& catalogue) {
  rules::BundleText text;
  text.rules.push_back({"rules.yaml", kRules});
  Diagnostics diagnostics;
  auto loaded = rules::load_rules(text, catalogue, diagnostics);
  for (const Diagnostic& d : diagnostics.all()) {
    if (d.severity == Severity::kError) ADD_FAILURE() << to_text(d);
  }
  return loaded;
}

std::string line(const AlertTransition& t, const rules::Bundle& of) {
  std::string text =
      fmt::format("{} {} {} {} {} n={} {}", format_time(t.at), of.raised_by(t.rule).id,
                  to_string(t.action), to_hex(t.alert), t.seq, t.events_counted, t.condition);
  for (const auto& [name, value] : t.group) text += " " + value;
  for (const EvidenceRef& ref : t.evidence) text += fmt::format(" {}", ref.seq);
  return text;
}

// What `shards` engines say of a stream, in rounds of any length, with a restart now and then.
std::vector<std::string> said(size_t shards, uint32_t seed, bool restarts) {
  const auto catalogue = world();
  const auto rules = bundle(catalogue);
  EventBuilder events(catalogue);
  std::mt19937 random(seed);
  std::mt19937 rounds(seed + 100 * static_cast<uint32_t>(shards));
  auto engine = std::make_unique<ShardedEngine>(
      rules, rules::EngineOptions{.emit = rules::Emit::kEarly}, shards);
  ShardedEngine::Transitions out;
  std::map<std::string, std::string> saved;
  double at = 1;
  for (int i = 0; i < 1'500; ++i) {
    at += static_cast<double>(random() % 100) / 5'000;
    if (random() % 200 == 0) at += 3;
    Event& event = events.make(day(at), static_cast<double>(random() % 7),
                               fmt::format("X{}", random() % kCountries));
    events.with_attr(event, "side", fmt::format("s{}", random() % 15));
    std::vector<std::string> actors;
    for (size_t n = random() % 4; n > 0; --n) actors.push_back(fmt::format("a{}", random() % 9));
    events.with_actors(event, actors);
    engine->on_event(event, events.last_seq(), out);
    if (rounds() % 30 == 0) engine->flush(out);
    if (!restarts || rounds() % 100 != 0) continue;
    engine->flush(out);
    engine->save([&](std::string_view key, std::string_view value) {
      value.empty() ? void(saved.erase(std::string(key))) : void(saved[std::string(key)] = value);
    });
    engine = std::make_unique<ShardedEngine>(
        rules, rules::EngineOptions{.emit = rules::Emit::kEarly}, shards);
    for (const auto& [key, value] : saved) engine->restore(key, value);
    engine->finish_restore();
  }
  engine->finish(day(at + 30), out);
  std::vector<std::string> lines;
  for (const AlertTransition& t : out) lines.push_back(line(t, *rules));
  std::sort(lines.begin(), lines.end());  // rounds end where they like
  return lines;
}

TEST(ShardedEngine, SaysTheSameAtTheLimitsWithAnyNumberOfShards) {
  for (uint32_t seed = 1; seed <= 4; ++seed) {
    const std::vector<std::string> alone = said(1, seed, false);
    for (const char* refuses :
         {"p/sides", "p/anywhere", "p/actors", "signal hits", "p/few-countries"}) {
      const auto tells_of = [&](const std::string& text) {
        return text.find("RuleOverflow fire") != std::string::npos &&
               text.find(refuses) != std::string::npos;
      };
      EXPECT_TRUE(std::any_of(alone.begin(), alone.end(), tells_of)) << refuses;
    }
    for (const size_t shards : {1U, 2U, 3U, 5U}) {
      for (const bool restarts : {false, true}) {
        ASSERT_EQ(said(shards, seed, restarts), alone)
            << shards << " shards, seed " << seed << (restarts ? ", with restarts" : "");
      }
    }
  }
}

}  // namespace
}  // namespace tocsin::daemon
