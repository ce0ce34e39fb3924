#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rules/load/members.h"
#include "rules/load/rule_file.h"
#include "rules/rule.h"
#include "rules/template.h"
#include "rules/yaml/document.h"

namespace tocsin::rules {

class SignalRegistry;

// What the parts of one rule's compilation share. Lives as long as that compilation.
//
// Thread-safety: one thread at a time.
class RuleScope {
 public:
  // Without `registry` no signal can be read.
  RuleScope(const Catalogue& catalogue, RuleFile& file, const yaml::Node& node, RuleKind kind,
            Diagnostics& diagnostics, SignalRegistry* registry = nullptr);

  const Catalogue& catalogue() const { return catalogue_; }
  RuleFile& file() { return file_; }
  // The rule with the file's defaults in it.
  const yaml::Node& node() const { return node_; }
  RuleKind kind() const { return kind_; }
  bool is_production() const { return is_production_; }
  Diagnostics& diagnostics() { return diagnostics_; }
  void error(const std::string& code, const Place& place, std::string message,
             std::string hint = {});
  void warning(const std::string& code, const Place& place, std::string message,
               std::string hint = {});

  // A key that rules of other kinds have: accepted here, it would promise what is not done.
  void without_effect(const std::string& key, const yaml::Node& value, const std::string& reason);

  // Where expressions over the rule's events alone are compiled.
  cel::Environment event_environment();
  // Where levels, `when` and templates are: over the kind's variables, and over `e`, restricted to
  // what select lets through, in a rule of a kind that sees it.
  cel::Environment variable_environment(const Detect& detect);
  // What select proves and which indicators it lets through, for what is compiled after it.
  void set_select(const cel::Program& select) { select_ = select; }
  const std::optional<cel::Program>& select() const { return select_; }

  // The signals that the rule reads, in the order of their variables.
  std::vector<SignalUse>& signals() { return signals_; }
  SignalRegistry* registry() { return registry_; }
  // Adds a use and gives its place among signals(); nullopt when there is no such signal, which is
  // told.
  std::optional<size_t> use_signal(SignalUse use, const Place& place);
  // What an armed rule's conditions and texts see beside the rest.
  void set_armed(std::vector<cel::Variable> variables) { armed_ = std::move(variables); }

  // Warns of what looks at every event, and of what no source can feed.
  void check_sources(const std::optional<std::vector<IndicatorId>>& indicators, const Place& place);

  // A condition; `what` names it in messages. nullopt when it was refused.
  std::optional<cel::Program> predicate(const yaml::Node& node, const std::string& what,
                                        const cel::Environment& environment);
  // A number.
  std::optional<cel::Program> number(const yaml::Node& node, const std::string& what,
                                     const cel::Environment& environment);
  // A number, text, truth value, time or region.
  std::optional<cel::Program> scalar(const yaml::Node& node, const std::string& what,
                                     const cel::Environment& environment);
  // A list of texts.
  std::optional<cel::Program> texts(const yaml::Node& node, const std::string& what,
                                    const cel::Environment& environment);
  // A condition that the loader itself writes for a number of the file.
  std::optional<cel::Program> written(const std::string& source, const Place& place,
                                      const cel::Environment& environment);
  std::optional<Template> text_template(const yaml::Node& node,
                                        const cel::Environment& environment);

  // Canonical spelling of an expression with the macros and lists it uses, for hashes.
  std::string canonical(const std::string& source);

 private:
  std::optional<cel::Program> compile(const yaml::Node& node, const cel::Environment& environment);

  const Catalogue& catalogue_;
  RuleFile& file_;
  const yaml::Node& node_;
  RuleKind kind_;
  bool is_production_;
  Diagnostics& diagnostics_;
  SignalRegistry* registry_;
  std::vector<SignalUse> signals_;
  std::vector<cel::Variable> armed_;
  Members members_;  // of the variables of the last variable_environment()
  std::optional<cel::Program> select_;
};

// `limits` into the rule.
void read_limits(const yaml::Node& limits, Rule& rule);
// `timezone` of the scope's node into the rule.
void read_timezone(RuleScope& scope, Rule& rule);

// A rule without a status is in production; one with a status that was refused is held to nothing.
RuleStatus status_of(const yaml::Node& rule);

// Names that expressions use already: no measure or step may take them.
bool is_reserved_name(const std::string& name);

// A program that is always true, for members that are filled in later.
cel::Program always_true();

}  // namespace tocsin::rules
