#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "rules/authoring/why_never.h"
#include "rules/cel/ast.h"

namespace tocsin::rules {

// What a line of conditions asks of expressions so far, without a contradiction.
//
// Each function asks for one thing more, in the condition's own words, and tells why it cannot be
// had beside the rest; "" when it can. Expressions with the same cel::print() are the same.
// A value: a search copies it where it branches. `known` outlives it.
class Demands {
 public:
  explicit Demands(const KnownRanges& known) : known_(&known) {}

  // `term OP value`.
  std::string ask_number(const cel::Expr& term, cel::Operator op, double value,
                         const std::string& said);
  // One of these; none of these.
  std::string ask_texts(const cel::Expr& term, std::set<std::string> allowed,
                        const std::string& said);
  std::string refuse_texts(const cel::Expr& term, const std::set<std::string>& refused,
                           const std::string& said);
  std::string ask_truth(const cel::Expr& term, bool truth, const std::string& said);

 private:
  // One side of a range, and which condition set it.
  struct Side {
    double value = 0;
    bool is_strict = false;
    std::string said;
  };
  // Of one expression; what is refused stands beside the words that refuse it.
  struct Demand {
    std::optional<Side> low;
    std::optional<Side> high;
    std::map<double, std::string> not_numbers;
    std::optional<std::set<std::string>> texts;  // one of these
    std::string texts_said;
    std::map<std::string, std::string> not_texts;
    std::optional<bool> truth;
  };

  Demand& of(const cel::Expr& term);
  static void raise(std::optional<Side>& low, Side side, bool is_int);
  static void lower(std::optional<Side>& high, Side side, bool is_int);
  static std::string complaint_of_numbers(const Demand& demand);

  const KnownRanges* known_;
  std::map<std::string, Demand> demands_;
};

}  // namespace tocsin::rules
