#include "rules/cel/program.h"

#include "fmt/format.h"
#include "rules/cel/checker.h"
#include "rules/cel/compiled.h"
#include "rules/cel/expand.h"
#include "rules/cel/parser.h"
#include "rules/cel/printer.h"
#include "rules/cel/reference.h"

namespace tocsin::cel {
namespace {

constexpr size_t kMaxSourceBytes = size_t{4} * 1024;
constexpr size_t kMaxExpandedBytes = size_t{64} * 1024;

// Limits that rules have and plain CEL has not.
bool check_size(std::string_view source, const Place& place, Diagnostics& diagnostics) {
  if (source.size() <= kMaxSourceBytes) return true;
  diagnostics.error("T0142", place,
                    fmt::format("the expression is {} bytes long, the limit is {}", source.size(),
                                kMaxSourceBytes),
                    "use lists and macros");
  return false;
}

bool check_cost(const Expr& tree, Diagnostics& diagnostics) {
  const uint64_t steps = worst_cost(tree);
  if (steps > kMaxSteps) {
    diagnostics.error(
        "T0140", place_of(tree),
        fmt::format("the expression may need {} steps an event, the limit is {}", steps, kMaxSteps),
        "loop over one list, or split the rule");
  }
  if (print(tree).size() > kMaxExpandedBytes) {
    diagnostics.error("T0142", place_of(tree),
                      "the expression with its macros is longer than 64 KiB", "use fewer macros");
  }
  return !diagnostics.has_errors();
}

}  // namespace

std::string_view to_string(EvalError error) {
  switch (error) {
    case EvalError::kNone:
      return "none";
    case EvalError::kNoSuchField:
      return "no_such_field";
    case EvalError::kNoMatchingOverload:
      return "no_matching_overload";
    case EvalError::kDivisionByZero:
      return "division_by_zero";
    case EvalError::kOverflow:
      return "overflow";
    case EvalError::kBadConversion:
      return "bad_conversion";
    case EvalError::kBadKey:
      return "bad_key";
    case EvalError::kIndexOutOfRange:
      return "index_out_of_range";
    case EvalError::kCost:
      return "cost";
    case EvalError::kUnknownName:
      return "unknown_name";
    case EvalError::kNotFinite:
      return "not_finite";
  }
  return "none";
}

Frame Program::Compiled::frame(const Event* event, std::span<const Value> variables,
                               Arena& arena) const {
  Frame frame;
  frame.event = event;
  frame.variables = variables;
  frame.arena = &arena;
  frame.catalogue = catalogue;
  frame.budget = budget;
  if (locals > 0) frame.locals = arena.array<Value>(locals);
  return frame;
}

std::optional<Program> Program::compile(std::string_view source, const TextPlaces& places,
                                        const Environment& environment, Diagnostics& diagnostics) {
  Diagnostics found;
  const auto build = [&]() -> std::shared_ptr<Compiled> {
    if (!environment.conformance && !check_size(source, places.start(), found)) return nullptr;
    auto compiled = std::make_shared<Compiled>();
    compiled->source = source;
    compiled->catalogue = environment.catalogue;
    compiled->sources.push_back({compiled->source, places});
    compiled->tree = parse(compiled->sources.front(), found);
    if (!compiled->tree) return nullptr;
    if (!environment.conformance && !expand_macros(compiled->tree, environment, compiled->sources,
                                                   compiled->analysis.macros, found)) {
      return nullptr;
    }
    Checker checker(environment, compiled->constants, compiled->prepared, compiled->analysis,
                    found);
    if (!checker.run(*compiled->tree)) return nullptr;
    compiled->type = compiled->tree->type;
    compiled->locals = checker.locals();
    if (environment.conformance) {
      compiled->budget = kMaxConformanceSteps;
    } else if (!check_cost(*compiled->tree, found)) {
      return nullptr;
    }
    compiled->machine.compile(*compiled->tree, compiled->prepared, environment.catalogue,
                              compiled->locals, compiled->constants);
    return compiled;
  };
  std::shared_ptr<const Compiled> compiled = build();
  diagnostics.append(std::move(found));
  if (!compiled) return std::nullopt;
  return Program(std::move(compiled));
}

const std::string& Program::source() const { return compiled_->source; }
const Type& Program::type() const { return compiled_->type; }
const Analysis& Program::analysis() const { return compiled_->analysis; }
const Expr& Program::tree() const { return *compiled_->tree; }

Outcome Program::run(const Event* event, std::span<const Value> variables, Arena& arena) const {
  Frame frame = compiled_->frame(event, variables, arena);
  Outcome outcome;
  compiled_->machine.run(frame, outcome.value);
  outcome.error = frame.error;
  outcome.detail = frame.detail;
  return outcome;
}

Outcome Program::run_reference(const Event* event, std::span<const Value> variables,
                               Arena& arena) const {
  return run_part(*compiled_->tree, event, variables, arena);
}

Outcome Program::run_part(const Expr& part, const Event* event, std::span<const Value> variables,
                          Arena& arena) const {
  Frame frame = compiled_->frame(event, variables, arena);
  Outcome outcome;
  evaluate(part, compiled_->prepared, frame, outcome.value);
  outcome.error = frame.error;
  outcome.detail = frame.detail;
  return outcome;
}

}  // namespace tocsin::cel
