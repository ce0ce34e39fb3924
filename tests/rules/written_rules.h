#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "rules/load/rule_loader.h"
#include "tests/rules/engine_harness.h"

// Engines over rules as they are written in files.
namespace tocsin::rules {

inline std::shared_ptr<const Bundle> written(std::shared_ptr<const Catalogue> world,
                                             const std::string& text) {
  BundleText bundle_text;
  bundle_text.rules = {{"r.yaml", "tocsin: rules/1\npackage: p\n" + text}};
  Diagnostics diagnostics;
  auto bundle = load_rules(bundle_text, std::move(world), diagnostics);
  for (const Diagnostic& d : diagnostics.all()) {
    if (d.severity == Severity::kError) ADD_FAILURE() << to_text(d);
  }
  return bundle;
}

// What every rule of the tests has beside what it is about.
inline const std::string kHead = "title: T, status: draft, driver: violence, stage: latent";

struct Told {
  EventTime time;
  double value;
  std::string region;
  std::string indicator;
  std::string source;
};

// The events in an order in which none comes later than `lateness` behind one of its source.
inline std::vector<Told> shuffled(std::vector<Told> events, Milliseconds lateness, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int64_t> delay(0, lateness.count() - 1);
  std::vector<std::pair<EventTime, Told>> arrivals;
  for (Told& told : events) arrivals.emplace_back(told.time + Milliseconds(delay(random)), told);
  std::stable_sort(arrivals.begin(), arrivals.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Told> order;
  for (auto& [arrival, told] : arrivals) order.push_back(std::move(told));
  return order;
}

// Everything that the engine says of these events, evidence by id.
inline std::vector<std::string> said(const std::shared_ptr<const Bundle>& bundle,
                                     const std::vector<Told>& events, EventTime end,
                                     bool restarts = false) {
  EngineHarness harness(bundle);
  for (const Source& source : bundle->catalogue->sources()) {
    harness.engine->expect_source(*bundle->catalogue->find_source(source.name));
  }
  for (const Told& told : events) {
    harness.feed(
        told.time, told.value, told.region, told.indicator, told.source,
        fmt::format("{}-{}-{}-{}", told.source, told.indicator, told.region, to_ms(told.time)));
    if (restarts) harness.restart();
  }
  harness.finish(end);
  EXPECT_TRUE(harness.refused.empty());
  auto lines = harness.full_lines();
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace tocsin::rules
