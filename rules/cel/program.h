#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/cel/type.h"
#include "rules/cel/value.h"
#include "rules/model/arena.h"
#include "rules/model/catalogue.h"
#include "rules/model/diagnostic.h"
#include "rules/model/event.h"
#include "rules/model/text_places.h"

namespace tocsin::cel {

struct Expr;

struct Variable {
  std::string name;  // may be dotted (conformance bindings); longest match wins
  Type type;
};

// A typed text macro of a rule file: `by_state(min_conf): {expr: …}`.
struct Macro {
  std::vector<std::string> parameters;
  std::string expression;
  TextPlaces places;
};

// What an expression may name. Lists and maps behind the pointers outlive every compile call; a
// Program keeps what it needs.
struct Environment {
  const Catalogue* catalogue = nullptr;  // needed when has_event
  bool has_event = false;                // `e` is in scope
  // What e.indicator can be, which types e.attrs.*; empty: taken from the expression's own
  // conjuncts.
  std::vector<IndicatorId> indicators;
  std::vector<Variable> variables;  // slot of a variable = its index here
  const std::map<std::string, std::vector<std::string>>* lists = nullptr;
  const std::map<std::string, Macro>* macros = nullptr;
  // What signal("NAME") may name, for hints; each that is used is a variable `signal("NAME")`.
  // nullptr: no signal can be read here.
  const std::vector<std::string>* signals = nullptr;
  // Optional fields known to be present ("e.value", "e.attrs.days"): proven by a `has` before.
  std::set<std::string> proven;
  std::optional<WallTime> today;        // for warnings alone: nothing depends on it
  bool conformance = false;             // plain CEL: no extension, no literal widening
  bool check_types = true;              // false: everything dyn, unknown names are run-time errors
  bool optional_read_is_error = false;  // reading an optional field unproven: error, else warning
};

// Why an evaluation gave no value; names are label values of tocsin_rule_eval_errors_total.
enum class EvalError : uint8_t {
  kNone,
  kNoSuchField,
  kNoMatchingOverload,
  kDivisionByZero,
  kOverflow,
  kBadConversion,
  kBadKey,
  kIndexOutOfRange,
  kCost,
  kUnknownName,
  kNotFinite,
};
std::string_view to_string(EvalError error);

struct Outcome {
  Value value;
  EvalError error = EvalError::kNone;
  std::string_view detail;  // for people; in the arena
  bool ok() const { return error == EvalError::kNone; }
};

// What is known of a predicate before it runs; for the rule index and for later expressions.
struct Analysis {
  // From conjuncts `e.indicator == …`, `in […]`, `.startsWith(…)`; nullopt: any indicator.
  std::optional<std::vector<IndicatorId>> indicators;
  // Countries from conjuncts `e.region == …`, `in […]`, `region(e).within("XX")`; nullopt: any.
  std::optional<std::vector<RegionId>> countries;
  std::set<std::string> proven;  // optional fields that are present whenever it is true
  std::set<std::string> lists;   // named lists and macros it uses
  std::set<std::string> macros;
  std::set<std::string> variables;
};

// A checked, compiled expression. Copies share it.
//
// run() allocates only in the arena, bounds its own steps (EvalError::kCost), and never throws.
// Thread-safety: immutable after construction; one arena a thread.
class Program {
 public:
  // nullopt when there were errors; they are in `diagnostics`, with file, line and column as
  // `places` has them.
  static std::optional<Program> compile(std::string_view source, const TextPlaces& places,
                                        const Environment& environment, Diagnostics& diagnostics);

  const std::string& source() const;
  const Type& type() const;
  const Analysis& analysis() const;

  // `event` may be nullptr when the environment had none. `variables` in slot order.
  Outcome run(const Event* event, std::span<const Value> variables, Arena& arena) const;
  // The same by walking the tree: the oracle that tests hold run() against.
  Outcome run_reference(const Event* event, std::span<const Value> variables, Arena& arena) const;

  // The checked tree (rules/cel/ast.h), and the value of one of its nodes that is not inside a
  // comprehension; for explain().
  const Expr& tree() const;
  Outcome run_part(const Expr& part, const Event* event, std::span<const Value> variables,
                   Arena& arena) const;

 private:
  struct Compiled;
  explicit Program(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const Compiled> compiled_;
};

// The step-by-step truth of a boolean expression, for `explain`: "people >= 50.0 (62 >= 50)".
std::string explain(const Program& program, const Event* event, std::span<const Value> variables,
                    Arena& arena);

// The same of what it lacks alone: of conditions joined by && those that do not hold.
std::string explain_missing(const Program& program, const Event* event,
                            std::span<const Value> variables, Arena& arena);

// JSON of a value, for people and for `eval`: lists and maps nested, timestamps RFC 3339,
// durations "1.5s".
std::string to_json(const Value& value);
// As JSON has bytes.
std::string to_base64(std::string_view bytes);

}  // namespace tocsin::cel
