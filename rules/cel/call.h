#pragma once

#include <re2/re2.h>

#include <memory>
#include <optional>
#include <span>

#include "rules/cel/builtins.h"
#include "rules/cel/clock.h"
#include "rules/cel/frame.h"

namespace tocsin::cel {

// What is worked out once at load for a call with constant arguments.
struct Prepared {
  std::unique_ptr<const RE2> regex;  // of matches()
  std::optional<Zone> zone;          // of a calendar getter
};

// Applies a builtin to evaluated arguments. False: the error is in `frame`. `prepared` may be
// nullptr.
bool call(Builtin builtin, Frame& frame, std::span<const Value> args, const Prepared* prepared,
          Value& out);

// A regex as matches() runs it, compiled with bounded memory; nullptr with `error` set when the
// pattern is malformed.
std::unique_ptr<const RE2> compile_regex(std::string_view pattern, std::string& error);

// The parts of call(), a file each. All fail with kNoMatchingOverload for kinds they do not know.
bool call_arithmetic(Builtin builtin, Frame& frame, std::span<const Value> args, Value& out);
bool call_conversion(Builtin builtin, Frame& frame, const Value& arg, Value& out);
bool call_text(Builtin builtin, Frame& frame, std::span<const Value> args, const Prepared* prepared,
               Value& out);
bool call_calendar(Builtin builtin, Frame& frame, std::span<const Value> args,
                   const Prepared* prepared, Value& out);
bool call_region(Builtin builtin, Frame& frame, std::span<const Value> args, Value& out);

// Fails with "no overload of NAME for KIND and KIND".
bool no_overload(std::string_view name, Frame& frame, std::span<const Value> args);
// Joins texts in the frame's arena.
std::string_view join_texts(Frame& frame, std::initializer_list<std::string_view> parts);

}  // namespace tocsin::cel
