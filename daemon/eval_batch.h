#pragma once

#include <string>
#include <string_view>

namespace tocsin::daemon {

// Answers lines of `tocsin eval --batch`: one JSON object in, one out, never failing.
//
//   {"id": …, "expr": "x + 1", "bindings": {"x": {"int": "3"}}, "types": {"x": "int"}, "check":
//   true}
//   {"id": …, "value": {"int": "4"}} | {"id": …, "error": "…"} | {"id": …, "unsupported": "…"}
//
// An error before evaluation carries "phase": "parse" or "check". `by_reference`: evaluated by the
// tree walker instead of the compiled program, which must make no difference.
// Thread-safety: any thread.
std::string answer_eval_line(std::string_view line, bool conformance, bool by_reference = false);

}  // namespace tocsin::daemon
