#pragma once

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <string>

#include "rules/load/rule_loader.h"
#include "rules/model/time.h"

// A made-up source with one rule over three countries, and events for it.
namespace tocsin::daemon {

inline constexpr const char* kCatalogue = R"(tocsin: catalogue/1
indicators:
  violence.clash: {driver: violence, unit: deaths, meaning: made up}
sources:
  desk: {title: Desk, lateness: 1d, correction_horizon: 10d, tlp: clear, indicators: [violence.clash]}
  wire: {title: Wire, lateness: 1d, correction_horizon: 10d, tlp: clear, indicators: [violence.clash]}
  mute: {title: Never heard, indicators: [violence.clash]}
regions:
  declare: {XA: {names: {en: Alpha}}, XB: {names: {en: Beta}}, XC: {names: {en: Gamma}}}
)";

inline constexpr const char* kRules = R"(tocsin: rules/1
package: test
rules:
  - rule: many-dead
    kind: threshold
    title: Many dead in {{ region.name }}
    status: production
    driver: violence
    stage: escalation
    doc: {rationale: r, response: r, false_positives: [f], source: {document: d, paragraph: "¶1"}}
    select: e.indicator == "violence.clash" && has(e.value)
    by: [region@country]
    detect: {measures: {dead: {agg: sum, of: e.value, window: 5d, every: 1d}}, when: "dead >= 30.0"}
    levels: {warning: {when: "dead >= 30.0"}, alert: {when: "dead >= 60.0"}}
)";

inline rules::BundleText bundle_text() {
  rules::BundleText text;
  text.catalogue.push_back({"catalogue.yaml", kCatalogue});
  text.rules.push_back({"rules.yaml", kRules});
  return text;
}

inline std::shared_ptr<const rules::Bundle> compile(const std::string& serialized) {
  Diagnostics diagnostics;
  const auto text = rules::parse_bundle_text(serialized);
  return text ? rules::load_bundle(*text, diagnostics) : nullptr;
}

inline std::string event_line(int number, int day, const char* region, int value,
                              const char* source = "desk") {
  const EventTime time = parse_time("2020-01-01").value() + std::chrono::hours(24 * day) +
                         std::chrono::minutes(number);
  return fmt::format(
      R"({{"id":"e{}","source":"{}","indicator":"violence.clash","time":"{}","region":"{}","value":{}}})"
      "\n",
      number, source, format_time(time), region, value);
}

inline WallTime at_hour(int hour) { return WallTime{} + std::chrono::hours(hour); }

}  // namespace tocsin::daemon
