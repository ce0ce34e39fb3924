#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rules/rule.h"

// The load that the promises of speed are measured with: the same in every benchmark.
//
// 1,000 indicators x 500 regions of 100 countries; events of about 400 bytes, 13 fields, 100,000
// events a day of event time. Rules watch 100 of the indicators, which 15 % of the events carry; a
// third of these fail the rule's further conditions, so that 10 % of the events are selected, each
// by exactly one rule whatever the number of rules: with 100 rules each watches one indicator
// everywhere, with 10,000 one indicator in one country.
namespace tocsin::bench {

inline constexpr int kIndicators = 1000;
inline constexpr int kWatchedIndicators = 100;
inline constexpr int kCountries = 100;
inline constexpr int kRegionsPerCountry = 5;
inline constexpr int kEventsPerDay = 100'000;

// Catalogue of indicators, regions and one source with an hour of lateness.
std::string catalogue_yaml();

// `count` rules in equal parts of the kinds threshold (two forms), surge, event, sequence, absence.
// 10 or 100 or 1,000 or 10,000; those from `first` to before `last`, as one file.
std::string rules_yaml(int count, int first, int last);

// Loads both. Aborts with the diagnostics when they do not load.
std::shared_ptr<const rules::Bundle> load_workload(int rule_count);

// Writes NDJSON, a function of `first` alone: events `first` to `first + count`.
void append_events(std::string& to, uint64_t first, uint64_t count);

// User-assigned alpha-2 code style ids that are no ISO codes: "A0".."J9".
std::string country_id(int country);

// Resident memory of this process, now and at its peak, in MiB.
double memory_mib();
double peak_memory_mib();

// Seconds of processor time this thread has used.
double thread_seconds();

}  // namespace tocsin::bench
