#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/rules/engine_harness.h"

// What the tests of kind `new_term` share.
namespace tocsin::rules {

inline constexpr const char* kSide = "e.attrs.side";

inline NewTermDetect detect_of(Milliseconds history = 100 * kDay) {
  NewTermDetect detect;
  detect.history = span_of(history);
  return detect;
}

inline RuleBuilder builder_of(const std::shared_ptr<const Catalogue>& world, NewTermDetect detect,
                              const std::vector<std::string>& term = {kSide}) {
  RuleBuilder builder(world, "new");
  builder.select("e.indicator == \"violence.attack\"").new_term(std::move(detect), term);
  builder.alert().hold = span_of(3 * kDay);
  return builder;
}

inline Rule rule_of(const std::shared_ptr<const Catalogue>& world, NewTermDetect detect,
                    const std::vector<std::string>& term = {kSide}) {
  return builder_of(world, std::move(detect), term).level(Level::kWatch).build();
}

// Watch when new to the group, warning when new to the country too.
inline Rule rule_with_parent(const std::shared_ptr<const Catalogue>& world, NewTermDetect detect) {
  detect.also_new_to_country = true;
  return builder_of(world, std::move(detect))
      .level(Level::kWatch)
      .level(Level::kWarning, "new_to == \"parent\"")
      .build();
}

struct Sighting {
  double at;
  std::string side;
  std::string region = "XA-1";
  std::string source = "desk";
};

inline void feed(EngineHarness& h, const Sighting& s, std::string id = {}) {
  Event& event =
      h.events.make(day(s.at), 1.0, s.region, "violence.attack", s.source, std::move(id));
  h.send(s.side.empty() ? event : h.events.with_attr(event, "side", s.side));
}

inline std::vector<std::string> fires(const EngineHarness& h) {
  std::vector<std::string> lines;
  for (const AlertTransition& t : h.log) {
    if (t.action == Action::kFire) lines.push_back(brief(t));
  }
  return lines;
}

inline std::string measured(const AlertTransition& t, std::string_view name) {
  for (const Measured& value : t.values) {
    if (value.name != name) continue;
    return std::visit([](const auto& v) { return fmt::format("{}", v); }, value.value);
  }
  return "?";
}

}  // namespace tocsin::rules
