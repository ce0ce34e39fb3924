#pragma once

#include <cstdlib>
#include <string_view>

#include "rules/cel/parser.h"
#include "rules/cel/printer.h"
#include "rules/cel/program.h"
#include "rules/model/check.h"
#include "tests/cel/small_world.h"

namespace tocsin::cel {

// The same result, NaN equal to itself.
inline bool agree(const Outcome& a, const Outcome& b) {
  if (a.error != b.error) return false;
  return !a.ok() || to_json(a.value) == to_json(b.value);
}

// What must hold for any bytes as an expression: no crash, print∘parse is the identity on what it
// prints, and the compiled program agrees with the tree walker. Aborts when it does not.
inline void check_any_expression(std::string_view text, SmallWorld& world) {
  const SourceText source{std::string(text), {"fuzz", 1, 1}};
  Diagnostics diagnostics;
  const ExprPtr tree = parse(source, diagnostics);
  TOCSIN_CHECK((tree == nullptr) == diagnostics.has_errors());
  if (tree == nullptr) return;
  const SourceText printed{print(*tree), {"fuzz", 1, 1}};
  // The print may nest parentheses where the source chained; only the limit may refuse it.
  if (const ExprPtr again = parse(printed, diagnostics))
    TOCSIN_CHECK(print(*again) == printed.text);

  for (const bool checked : {true, false}) {
    for (const bool conformance : {true, false}) {
      Environment environment = world.environment();
      environment.check_types = checked;
      environment.conformance = conformance;
      Diagnostics found;
      const auto program = Program::compile(text, {"fuzz", 1, 1}, environment, found);
      TOCSIN_CHECK(program.has_value() != found.has_errors());
      if (!program) continue;
      Arena arena;
      const Outcome fast = program->run(&world.event(), world.values(), arena);
      const Outcome slow = program->run_reference(&world.event(), world.values(), arena);
      // The two count steps differently, so only one of them may be out of budget.
      if (fast.error == EvalError::kCost || slow.error == EvalError::kCost) continue;
      TOCSIN_CHECK(agree(fast, slow));
      explain(*program, &world.event(), world.values(), arena);
    }
  }
}

}  // namespace tocsin::cel
