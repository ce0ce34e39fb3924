#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "rules/cel/program.h"
#include "rules/cel/value.h"
#include "rules/model/arena.h"

namespace tocsin::cel {

// One evaluation: what it reads, its budget, and its error. Lives on the stack of run().
struct Frame {
  const Event* event = nullptr;
  std::span<const Value> variables;
  Arena* arena = nullptr;
  const Catalogue* catalogue = nullptr;
  std::span<Value> locals;  // comprehension variables by depth
  uint32_t budget = 0;      // steps left
  EvalError error = EvalError::kNone;
  std::string_view detail;

  // Always false, so that callers can return it.
  bool fail(EvalError reason, std::string_view text) {
    error = reason;
    detail = text;
    return false;
  }
  // Pays for work that grows with data; false when the budget is used up.
  bool spend(size_t steps) {
    if (steps > budget) [[unlikely]] {
      budget = 0;
      return fail(EvalError::kCost, "the expression needs too many steps");
    }
    budget -= static_cast<uint32_t>(steps);
    return true;
  }
};

inline constexpr uint32_t kMaxSteps = 20'000;
// Conformance runs are about values, not about the budget of a rule.
inline constexpr uint32_t kMaxConformanceSteps = 2'000'000;

// Texts cost a step for each so many bytes read or written.
inline constexpr size_t kBytesPerStep = 64;

}  // namespace tocsin::cel
