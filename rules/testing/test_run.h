#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "rules/engine.h"
#include "rules/testing/rule_test.h"

namespace tocsin::rules {

// One field in which an alert differs from what the test says.
struct Difference {
  Place place;
  std::string field;  // "alerts[0].level"
  std::string expected;
  std::string got;
};

// What a rule did in a test, for the coverage table.
struct RuleActivity {
  bool fired = false;
  bool resolved = false;
  std::set<Level> levels;
};

struct TestOutcome {
  std::vector<Difference> differences;
  std::map<std::string, RuleActivity> activity;  // by rule id; only rules that did anything
  bool ok() const { return differences.empty(); }
};

// How a test is run beside the plain way; the result must be the same.
struct RunOptions {
  bool duplicate = false;              // every event arrives twice
  bool restart_at_every_step = false;  // save and restore after every event and step
  bool cool_at_every_step = false;     // save, and put idle groups out of memory, after each
};

// Finds the bundle of a `reload` step; nullptr when it does not load.
using BundleOf = std::function<std::shared_ptr<const Bundle>(const std::string& rule_file)>;

// Runs one test in virtual time and compares.
TestOutcome run_rule_test(const RuleTest& test, std::shared_ptr<const Bundle> bundle,
                          const BundleOf& reload, const RunOptions& options);

// Not when it says itself when events arrive, or takes some back: then it is about order.
bool can_be_shuffled(const RuleTest& test);

// Runs the test's events `times` more, each time with arrivals moved at random (from `seed`) by
// less than the lateness of their source, and tells where the transitions differ from those of the
// order in the file. Decisions are taken on the watermark only, since what fires on arrival
// depends on the arrival. Nothing for a test that cannot be shuffled.
std::vector<Difference> run_shuffled(const RuleTest& test,
                                     const std::shared_ptr<const Bundle>& bundle, int times,
                                     uint64_t seed);

}  // namespace tocsin::rules
