#pragma once

#include <map>
#include <string>
#include <vector>

#include "rules/load/rule_file.h"
#include "rules/rule.h"

namespace tocsin::rules {

// The signals that the rules of a bundle may read: those that its files declare, under one name
// each over all files, and every indicator of the catalogue, whose figures are a signal too.
//
// Thread-safety: one thread at a time.
class SignalRegistry {
 public:
  SignalRegistry(const Catalogue& catalogue, Diagnostics& diagnostics)
      : catalogue_(catalogue), diagnostics_(diagnostics) {}

  // Compiles the signals of a file.
  void declare(RuleFile& file);
  // Whether signal("NAME") means something; it then counts as named by a rule.
  bool knows(const std::string& name);
  // For hints.
  const std::vector<std::string>& names();

  // Finds what the uses of a rule read by its keys, or tells why it cannot. `place`: of the rule.
  void resolve(std::vector<SignalUse>& uses, const std::vector<GroupKey>& by, const Place& place);
  // The rule reads what its uses say: the signals wait for its feeds as well, and look as far back.
  void add_reader(const Rule& rule);
  // What the signals of the uses look at; nullopt: at any indicator.
  std::optional<std::vector<IndicatorId>> indicators_of(const std::vector<SignalUse>& uses) const;
  // Changes when one of them does.
  std::string print_of(const std::vector<SignalUse>& uses) const;

  // Tells signals that nobody reads, and gives those that are read, sorted by key.
  std::vector<Signal> finish();

 private:
  struct Declared {
    Signal signal;
    Place place;
    bool is_named = false;  // by a rule, even by one that cannot be used
    bool is_read = false;
    bool is_refused = false;
  };

  void resolve_declared(SignalUse& use, const std::vector<GroupKey>& by, const Place& place);
  void resolve_indicator(SignalUse& use, const std::vector<GroupKey>& by, const Place& place);
  // `is_exact`: what is told of places of that level; else of their parts, averaged.
  std::string of_indicator(IndicatorId id, RegionLevel level, bool is_exact);

  const Catalogue& catalogue_;
  Diagnostics& diagnostics_;
  std::map<std::string, Declared> declared_;  // by key
  std::vector<std::string> names_;
};

// Names in signal("…") that the texts under the node contain, also through macros, sorted.
std::vector<std::string> signal_names(RuleFile& file, const yaml::Node& node);

// Joins two sets of indicators, sorted; nullopt is all of them.
std::optional<std::vector<IndicatorId>> joined(const std::optional<std::vector<IndicatorId>>& a,
                                               const std::optional<std::vector<IndicatorId>>& b);

// "hold(30d)" as the span; nullopt when it is not that.
std::optional<Span> parse_hold(std::string_view text);

}  // namespace tocsin::rules
