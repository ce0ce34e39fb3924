#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rules/authoring/bundle_diff.h"
#include "rules/authoring/rule_tests.h"
#include "rules/rule.h"

// The documentation of a set of rules, for people who do not read rule files.
namespace tocsin::rules {

struct IndicatorNote {
  std::string name;
  std::string meaning;
  std::string unit;
  std::vector<std::string> sources;  // titles of those that may send it
};

// Under which name a person finds it, and what it says there.
using Named = std::pair<std::string, std::string>;

struct RulePage {
  std::string id;
  std::string kind;
  RuleStatus status = RuleStatus::kProduction;
  Driver driver = Driver::kViolence;
  Stage stage = Stage::kLatent;
  std::vector<Named> titles;  // by language, English first
  Documentation doc;
  std::string owner;          // "" when nobody is named
  std::string condition;      // select, by, detect and the like in one canonical spelling
  std::vector<Named> shared;  // "list.NAME" and "macro.NAME(…)" that it uses
  std::vector<Named> levels;  // by rank, with what they ask for
  std::vector<IndicatorNote> indicators;
  bool is_of_all_indicators = false;
  std::vector<std::string> exceptions;
  std::vector<Named> tests;  // file name, name
};

struct RuleBook {
  std::string hash;             // of the rules and their catalogue
  std::vector<RulePage> pages;  // by driver, then by id
  size_t count(Driver driver, Stage stage) const;
  size_t count(Driver driver) const;
};

RuleBook make_rule_book(const LoadedBundle& loaded, const std::vector<RuleTestNote>& tests);

// One self-contained HTML5 file: no script, nothing loaded from elsewhere, for the screen and for
// paper.
std::string to_html(const RuleBook& book);
std::string to_markdown(const RuleBook& book);

// A word of a closed list as people read it: "justice gap".
template <typename Enum>
std::string readable(Enum word) {
  std::string text(to_string(word));
  for (char& c : text) {
    if (c == '_') c = ' ';
  }
  return text;
}

}  // namespace tocsin::rules
