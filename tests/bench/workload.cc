#include "tests/bench/workload.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>

#include "rules/load/rule_loader.h"
#include "rules/model/time.h"

namespace tocsin::bench {
namespace {

constexpr std::array kForms{"threshold-count", "threshold-sum", "surge",
                            "event",           "sequence",      "absence"};

// splitmix64 (Steele, Lea, Flood 2014): a number that looks random from a counter.
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::string detect_of(size_t form, const std::string& select) {
  switch (form) {
    case 0:
      return "    kind: threshold\n    select: >\n      " + select +
             "\n    detect: {measures: {n: {agg: count, window: 7d, every: 1d}}, when: \"n >= "
             "100000\"}\n";
    case 1:
      return "    kind: threshold\n    select: >\n      " + select +
             " && has(e.value) && e.value >= 1.0\n    detect: {measures: {dead: {agg: sum, of: "
             "e.value, "
             "window: 28d, every: 1d}, n: {agg: count, window: 28d, every: 1d}}, when: \"dead >= "
             "1000000.0 && n >= 3\"}\n";
    case 2:
      return "    kind: surge\n    select: >\n      " + select +
             "\n    detect: {measure: {agg: count, window: 7d, every: 1d}, baseline: {history: 12, "
             "gap: "
             "7d, min_history: 8}, test: {method: negbin, surprise: 30.0}, floor: 50}\n";
    case 3:
      return "    kind: event\n    select: >\n      " + select +
             " && has(e.value) && e.value >= 999999.0\n    alert: {hold: 7d}\n";
    case 4:
      return "    kind: sequence\n    detect:\n      span: 90d\n      steps:\n        - abuse: "
             "{select: '" +
             select + " && has(e.value) && e.value >= 99.0'}\n        - silence: {not: '" + select +
             " && e.attrs.form == \"remedy\"', for: 30d}\n        - again: {select: '" + select +
             " && has(e.value) && e.value >= 999999.0', within: 30d}\n    alert: {hold: 7d}\n";
    default:
      return "    kind: absence\n    select: >\n      " + select +
             "\n    detect: {expect: {at_least: 1, every: 30d}, roster: {learn: 30d, forget: "
             "180d}, grace: 1d}\n";
  }
}

}  // namespace

std::string country_id(int country) {
  return {static_cast<char>('A' + country / 10), static_cast<char>('0' + country % 10)};
}

std::string catalogue_yaml() {
  std::string to = "tocsin: catalogue/1\nindicators:\n";
  for (int i = 0; i < kIndicators; ++i) {
    fmt::format_to(
        std::back_inserter(to),
        "  bench.i{:03}: {{driver: violence, unit: deaths, polarity: risk, meaning: load, attrs: "
        "{{form: {{type: string, cardinality: 8}}, low: {{type: int}}, high: {{type: int}}}}}}\n",
        i);
  }
  to +=
      "sources:\n  bench: {title: load, lateness: 1h, cadence: 1h, correction_horizon: 20d, "
      "reliability: 0.8, tlp: clear, indicators: [bench.*]}\n"
      "regions:\n  declare:\n";
  for (int c = 0; c < kCountries; ++c) {
    fmt::format_to(std::back_inserter(to), "    {}: {{names: {{en: Country {}}}}}\n", country_id(c),
                   c);
    for (int r = 0; r < kRegionsPerCountry; ++r) {
      fmt::format_to(std::back_inserter(to),
                     "    {0}-{1}: {{parent: {0}, names: {{en: Region {1} of {0}}}}}\n",
                     country_id(c), r);
    }
  }
  return to;
}

std::string rules_yaml(int count, int first, int last) {
  std::string to = "tocsin: rules/1\npackage: bench.load\nrules:\n";
  const int watched = count < kWatchedIndicators ? count : kWatchedIndicators;
  const int countries_each = count / watched;  // how many rules share an indicator
  for (int i = first; i < last; ++i) {
    // Fewer rules than watched indicators: each takes several, so that 10 % are selected all the
    // same.
    std::string select;
    if (count < kWatchedIndicators) {
      select = "e.indicator in [";
      for (int k = i; k < kWatchedIndicators; k += count) {
        select += fmt::format("{}\"bench.i{:03}\"", k == i ? "" : ", ", k * 10);
      }
      select += "]";
    } else {
      select = fmt::format("e.indicator == \"bench.i{:03}\"", i % watched * 10);
    }
    if (countries_each > 1) {
      const int bloc = kCountries / countries_each;
      std::string countries;
      for (int c = i / watched * bloc; c < (i / watched + 1) * bloc; ++c) {
        countries += fmt::format("{}region(e).within(\"{}\")", countries.empty() ? "" : " || ",
                                 country_id(c));
      }
      select += bloc == 1 ? " && " + countries : " && (" + countries + ")";
    }
    const size_t form = static_cast<size_t>(i / watched + i) % kForms.size();
    fmt::format_to(
        std::back_inserter(to),
        "  - rule: r{:05}-{}\n    title: Load\n    status: shadow\n    driver: violence\n    "
        "stage: latent\n    doc: {{rationale: load}}\n{}    by: [region@admin1]\n    severity: "
        "watch\n    limits: {{groups: 1000}}\n",
        i, kForms[form], detect_of(form, select));
  }
  return to;
}

std::shared_ptr<const rules::Bundle> load_workload(int rule_count) {
  Diagnostics diagnostics;
  rules::BundleText text;
  text.catalogue.push_back({"bench/catalogue.yaml", catalogue_yaml()});
  constexpr int kRulesPerFile = 1000;  // files are limited to 4 MiB
  for (int first = 0; first < rule_count; first += kRulesPerFile) {
    const int last = std::min(first + kRulesPerFile, rule_count);
    text.rules.push_back(
        {fmt::format("bench/rules-{:05}.yaml", first), rules_yaml(rule_count, first, last)});
  }
  auto bundle = rules::load_bundle(text, diagnostics);
  if (!bundle) {
    for (const Diagnostic& d : diagnostics.sorted()) {
      if (d.severity == Severity::kError) std::fprintf(stderr, "%s\n", to_text(d).c_str());
    }
    std::abort();
  }
  return bundle;
}

void append_events(std::string& to, uint64_t first, uint64_t count) {
  static constexpr std::array kForm{"peaceful", "riot",  "strike", "raid",
                                    "clash",    "march", "siege",  "sit-in"};
  const int64_t start = to_ms(parse_time("2020-01-01").value());
  for (uint64_t n = first; n < first + count; ++n) {
    const uint64_t random = mix(n);
    const auto country = static_cast<int>(random % kCountries);
    const auto region = static_cast<int>((random >> 8) % kRegionsPerCountry);
    const auto value = static_cast<double>((random >> 16) % 1000) / 10.0;
    // Every tenth indicator is watched; of the others each twentieth stands for the one before it.
    const uint64_t drawn = (random >> 32) % kIndicators;
    const uint64_t indicator = drawn % 20 == 1 ? drawn - 1 : drawn;
    const std::string time =
        format_time(from_ms(start + static_cast<int64_t>(n) * 86'400'000 / kEventsPerDay));
    fmt::format_to(
        std::back_inserter(to),
        R"({{"id":"bench-{:016x}","rev":0,"op":"assert","source":"bench","indicator":"bench.i{:03}","time":"{}",)"
        R"("time_precision":"day","region":"{}-{}","geo_precision":2,"value":{},"unit":"deaths",)"
        R"("confidence":0.8,"actors":["Government of Country {}","Movement {} of the region"],)"
        R"("tags":["protest","capital"],"attrs":{{"form":"{}","low":{},"high":{}}},"tlp":"clear",)"
        R"("lat":{}.62,"lon":{}.10}})"
        "\n",
        n, indicator, time, country_id(country), region, value, country, (random >> 24) % 40,
        kForm[(random >> 40) % kForm.size()], (random >> 44) % 10, 10 + (random >> 48) % 50,
        country % 60, country % 90);
  }
}

double memory_mib() {
  std::ifstream statm("/proc/self/statm");
  uint64_t size = 0;
  uint64_t resident = 0;
  statm >> size >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1048576.0;
}

double peak_memory_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace tocsin::bench
