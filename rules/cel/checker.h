#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rules/cel/ast.h"
#include "rules/cel/call.h"
#include "rules/cel/program.h"

namespace tocsin::cel {

// Gives every node its type and every name its target, and reports what does not fit.
//
// Walks the tree once, carrying what is known at each place: which indicators the event can have
// and which optional fields are proven present.
class Checker {
 public:
  // Constants and messages that last are put into `constants`, prepared calls into `prepared`.
  Checker(const Environment& environment, Arena& constants, std::vector<Prepared>& prepared,
          Analysis& analysis, Diagnostics& diagnostics);

  // False when there were errors.
  bool run(Expr& root);
  // How deep comprehension variables nest.
  uint32_t locals() const { return max_locals_; }

 private:
  struct Facts {
    std::optional<std::vector<IndicatorId>> indicators;
    std::set<std::string> proven;
  };
  struct Local {
    std::string name;
    Type type;
  };

  // checker.cc: the walk
  Type check(Expr& expr);
  Type visit(Expr& expr);
  Type check_junction(Expr& expr);
  Type check_ternary(Expr& expr);
  Type check_list(Expr& expr);
  Type check_map(Expr& expr);
  Type check_comprehension(Expr& expr);
  void check_condition(Expr& expr, std::string_view what);
  Facts facts_beside(const Expr& junction, size_t index) const;

  // check_names.cc: what names stand for
  Type check_ident(Expr& expr);
  Type check_select(Expr& expr);
  std::optional<Type> find_named(Expr& expr);
  bool needs_value(const Variable& variable) const;
  std::optional<Type> check_event_path(Expr& expr);
  Type check_event_field(Expr& expr);
  Type check_event_attr(Expr& expr);
  Type check_field_of(Expr& expr, const Type& type);
  Type unknown_name(Expr& expr, const std::string& name);
  bool is_event(const Expr& expr) const;
  void require_proven(const Expr& expr, const std::string& path);
  void check_spelling(const Expr& field, const Expr& literal);
  void check_region_of_calendar(const Expr& region);
  void check_time_before(const Expr& before);
  void check_spellings(const Expr& field, const Expr& literals);
  // The alert's level, where its rank is known as well: a text that compares by rank.
  bool is_level(const Expr& expr) const;
  void take_rank(Expr& level);

  // check_calls.cc: operators and functions
  Type check_unary(Expr& expr);
  Type check_binary(Expr& expr);
  Type check_arithmetic(Expr& expr);
  Type check_comparison(Expr& expr);
  Type check_in(Expr& expr);
  Type check_index(Expr& expr);
  Type check_function(Expr& expr, size_t first_argument);
  Type check_signal(Expr& expr);
  Type type_of_call(Expr& expr, const FunctionName& function);
  Type check_matches(Expr& expr);
  Type check_getter(Expr& expr, const FunctionName& function);
  Type check_days_since(Expr& expr);
  // check_conversion.cc: conversions of constants
  void check_conversion(const Expr& expr);
  Type check_in_calendar(Expr& expr);
  bool widen(Expr& literal, const Type& other);
  void widen_pair(Expr& a, Expr& b);
  bool wants(const Expr& argument, std::initializer_list<Type::Tag> allowed,
             std::string_view function);

  // Whether values of the two types can be equal: same type, or dyn somewhere.
  bool comparable(const Type& a, const Type& b) const;
  Type join(const Type& a, const Type& b) const;

  Type error(const Expr& at, std::string_view code, std::string message, std::string hint = {});
  // An error of types: none when types are not checked.
  Type mismatch(const Expr& at, std::string_view code, std::string message, std::string hint = {});
  Type unsupported(const Expr& at, std::string_view what, std::string hint = {});
  std::string_view keep(std::string_view text) { return constants_.copy(text); }
  bool checked() const { return environment_.check_types; }

  const Environment& environment_;
  Arena& constants_;
  std::vector<Prepared>& prepared_;
  Analysis& analysis_;
  Diagnostics& diagnostics_;
  Facts facts_;
  std::vector<Local> locals_;
  uint32_t max_locals_ = 0;
  bool failed_ = false;
};

// The tree's static cost in steps at the largest event; see kMaxSteps.
uint64_t worst_cost(const Expr& expr);

}  // namespace tocsin::cel
