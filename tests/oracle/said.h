#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/oracle/group.h"

namespace tocsin::rules::oracle {

// One transition of an alert, as the engine told it or as it must be. Updates are none: when they
// come is a matter of news, not of what holds.
struct Said {
  RuleIndex rule = 0;
  Key group;
  Action action = Action::kFire;
  Level level = Level::kNone;
  EventTime at{};
  EventTime starts_at{};
  std::map<std::string, double> numbers;
  std::map<std::string, std::string> texts;
  std::optional<uint64_t> counted;  // nullopt: not recomputed
  // What it rests on. The engine may list fewer; nullopt: not recomputed.
  std::optional<std::set<std::string>> events;
  std::set<std::string> unchecked;  // names of numbers and texts that are not recomputed
};

std::string to_text(const Said& said, const Bundle& bundle);

// By rule and group, in the order in which it was said of each.
void sort_by_group(std::vector<Said>& all);

// What was compared, so that a test can tell that it was not nothing.
struct Compared {
  size_t transitions = 0;
  size_t values = 0;
  size_t event_sets = 0;
};

// The first difference in words; "" when there is none.
std::string first_difference(const std::vector<Said>& told, const std::vector<Said>& expected,
                             const Bundle& bundle, Compared& compared);

}  // namespace tocsin::rules::oracle
