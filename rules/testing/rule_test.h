#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rules/engine.h"
#include "rules/model/alert.h"
#include "rules/model/arena.h"
#include "rules/model/catalogue.h"
#include "rules/model/diagnostic.h"
#include "rules/model/event.h"
#include "rules/model/time.h"
#include "rules/model/vocabulary.h"

// Rule tests as their files say them (format tests/1), checked against a catalogue.
namespace tocsin::rules {

// An event of a test and when it reaches the engine.
struct ScheduledEvent {
  Event event;  // texts live in RuleTest::arena
  EventTime arrives{};
  bool has_own_arrival = false;  // the file said `arrives`: it is late on purpose
};

// What a number or a text of an alert should be.
struct ExpectedValue {
  Place place;
  std::optional<double> equals;
  std::optional<double> min;
  std::optional<double> max;
  std::optional<std::string> text;
};

// Only what the file names is compared.
struct ExpectedAlert {
  Place place;
  std::string rule;  // "name" or "package/name"
  std::map<std::string, std::string> group;
  std::optional<Level> level;
  std::optional<bool> provisional;
  std::optional<bool> flapping;
  std::optional<bool> error;
  std::vector<std::string> evidence_includes;  // event ids
  std::vector<std::string> evidence_excludes;
  std::map<std::string, ExpectedValue> values;
  std::map<std::string, std::string> title;  // by language
  std::map<std::string, std::string> summary;
  std::optional<int64_t> events_counted;
};

struct ExpectedTransition {
  Place place;
  std::string rule;
  std::map<std::string, std::string> group;
  Action action = Action::kFire;
  std::optional<Level> level;
};

struct ExpectedState {
  Place place;
  std::string rule;
  std::map<std::string, std::string> group;
  GroupState state = GroupState::kInactive;
};

struct TestStep {
  enum class Kind : uint8_t { kExpect, kRestart, kReload, kFinish };
  Kind kind = Kind::kExpect;
  Place place;
  EventTime at{};  // of kExpect and kFinish
  // `alerts`: all that are active, no more and no fewer.
  std::optional<std::vector<ExpectedAlert>> alerts;
  // `log`: all transitions since the step before, in order; updates count only when one is listed.
  std::optional<std::vector<ExpectedTransition>> log;
  std::vector<ExpectedState> states;
  std::string reload_file;  // of kReload, relative to the test file
};

struct RuleTest {
  std::string name;
  Place place;
  EventTime start{};
  std::vector<ScheduledEvent> events;  // by arrival, then in file order
  std::vector<TestStep> steps;
  std::shared_ptr<Arena> arena;  // holds the texts of the events
};

struct RuleTestFile {
  std::string path;
  std::vector<std::string> rules;  // paths as the file gives them, made relative to its folder
  std::vector<std::string> catalogue;
  std::vector<RuleTest> tests;
};

// What a test file points at, before its events can be checked.
struct RuleTestReferences {
  std::vector<std::string> rules;
  std::vector<std::string> catalogue;
  struct Named {
    std::string what;     // "the catalogue"
    std::string written;  // as in the file
    std::string path;     // made relative to its folder
    Place place;
  };
  std::vector<Named> named;  // all of them
};

// Reads only the paths. nullopt (and diagnostics) when the file is no tests/1 file.
std::optional<RuleTestReferences> read_rule_test_references(const std::string& path,
                                                            Diagnostics& diagnostics);

// Reads the whole file; events are checked as ingest would check them. nullopt when anything was
// wrong; every problem is in `diagnostics` with its place.
std::optional<RuleTestFile> read_rule_tests(const std::string& path, const Catalogue& catalogue,
                                            Diagnostics& diagnostics);

}  // namespace tocsin::rules
