// What an event costs in the engine alone, with few and with many rules.
//
// One event in ten matches one rule (a sliding count, judged on arrival), one in ten is looked at
// by a rule and refused by its condition, the others are of indicators that no rule names. Rules
// differ in indicator and country, as rules of many countries' desks do.
//
//   engine_bench [events in millions, default 4; as many before to warm up]

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <vector>

#include "rules/engine.h"
#include "tests/support/catalogue_builder.h"
#include "tests/support/event_builder.h"
#include "tests/support/rule_builder.h"

namespace tocsin {
namespace {

using rules::AggregateKind;
using testing::RuleBuilder;

constexpr int kCountries = 200;
constexpr int kNamed = 50;  // indicators that rules name
constexpr Milliseconds kDay = std::chrono::hours(24);

std::shared_ptr<const Catalogue> wide_world() {
  testing::CatalogueBuilder builder;
  std::vector<std::string> names;
  for (int i = 0; i < 2 * kNamed; ++i) {
    names.push_back(fmt::format("violence.kind{}", i));
    builder.indicator(names.back());
  }
  builder.source("desk", std::chrono::hours(1), names);
  for (int i = 0; i < kCountries; ++i) builder.country(fmt::format("C{}", i));
  return builder.build();
}

std::vector<rules::Rule> many_rules(const std::shared_ptr<const Catalogue>& world, int count) {
  std::vector<rules::Rule> rules;
  for (int i = 0; i < count; ++i) {
    RuleBuilder builder(world, fmt::format("rule{:05}", i));
    builder
        .select(fmt::format("e.indicator == \"violence.kind{}\" && e.region == \"C{}\" && "
                            "e.value >= 1.0",
                            i % kNamed, i / kNamed % kCountries))
        .by({{.kind = rules::GroupKey::Kind::kRegion,
              .level = RegionLevel::kCountry,
              .attr = "",
              .name = "region"}})
        .measure("n", AggregateKind::kCount, "", 7 * kDay, kDay)
        .threshold("n >= 1000000000")
        .level(Level::kWatch);
    rules.push_back(builder.build());
  }
  return rules;
}

// A stretch of stream that is played again and again, at ever later times.
constexpr size_t kStretch = 500'000;
constexpr Milliseconds kStep{20};

std::vector<Event> stretch(const std::shared_ptr<const Catalogue>& world, int rules,
                           std::vector<std::string>& ids) {
  std::mt19937 random(7);
  ids.resize(kStretch);
  std::vector<Event> events(kStretch);
  for (size_t i = 0; i < events.size(); ++i) {
    Event& event = events[i];
    ids[i] = fmt::format("event-{}", i);
    event.id = ids[i];
    event.source = *world->find_source("desk");
    const auto kind = static_cast<int>(random() % 10);
    const auto rule = static_cast<int>(random() % static_cast<size_t>(rules));
    const bool is_named = kind < 2;
    event.value = kind == 0 ? 2.0 : 0.0;
    event.indicator = *world->find_indicator(
        fmt::format("violence.kind{}", is_named ? rule % kNamed : kNamed + rule % kNamed));
    event.region = *world->find_region(fmt::format("C{}", rule / kNamed % kCountries));
  }
  return events;
}

void measure(int rules, uint64_t count) {
  const auto world = wide_world();
  rules::Engine engine(testing::bundle_of(world, many_rules(world, rules)), {});
  std::vector<std::string> ids;
  std::vector<Event> events = stretch(world, rules, ids);
  rules::Engine::Transitions out;
  JournalSeq seq = 0;
  const auto play = [&](uint64_t many) {
    for (const uint64_t end = seq + many; seq < end; ++seq) {
      Event& event = events[seq % kStretch];
      event.time = event.time_end = testing::day(0) + kStep * static_cast<int64_t>(seq);
      engine.on_event(event, seq + 1, out);
    }
  };
  play(count);  // until every group is there and has its evidence
  const auto begin = std::chrono::steady_clock::now();
  play(count);
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
  uint64_t selected = 0;
  for (const rules::RuleCounters& counters : engine.counters()) selected += counters.selected;
  fmt::print("{:>6} rules: {:6.1f} ns/event, {:.1f} % selected, state {} KiB, {} transitions\n",
             rules, took.count() / static_cast<double>(count),
             100.0 * static_cast<double>(selected) / static_cast<double>(seq),
             engine.state_bytes() / 1024, out.size());
}

}  // namespace
}  // namespace tocsin

int main(int argc, char** argv) {
  const int millions = argc > 1 ? std::atoi(argv[1]) : 4;
  for (const int rules : {10, 100, 1'000, 10'000}) {
    tocsin::measure(rules, static_cast<uint64_t>(millions) * 1'000'000);
  }
}
