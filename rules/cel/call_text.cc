#include "rules/cel/call.h"
#include "rules/cel/utf8.h"

namespace tocsin::cel {
namespace {

std::string_view name_of(Builtin builtin) {
  switch (builtin) {
    case Builtin::kContains:
      return "contains";
    case Builtin::kStartsWith:
      return "startsWith";
    case Builtin::kEndsWith:
      return "endsWith";
    case Builtin::kMatches:
      return "matches";
    case Builtin::kLower:
      return "lower";
    default:
      return "fold";  // the only other one that comes here
  }
}

bool matches(Frame& frame, std::string_view text, std::string_view pattern,
             const Prepared* prepared, Value& out) {
  const re2::StringPiece piece(text.data(), text.size());
  if (prepared != nullptr && prepared->regex) {
    out = Value::of_bool(RE2::PartialMatch(piece, *prepared->regex));
    return true;
  }
  // Patterns that are not constant exist in conformance runs only.
  std::string error;
  const std::unique_ptr<const RE2> regex = compile_regex(pattern, error);
  if (!regex)
    return frame.fail(EvalError::kBadConversion, frame.arena->copy("bad regex: " + error));
  out = Value::of_bool(RE2::PartialMatch(piece, *regex));
  return true;
}

// Lower case or folded; the result is at most twice as long (a code point gives two at most, and
// none grows by more than a byte).
std::string_view respell(Frame& frame, std::string_view text, bool fold) {
  if (text.empty()) return {};
  char* to = static_cast<char*>(frame.arena->allocate(text.size() * 2 + 4, 1));
  size_t written = 0;
  size_t position = 0;
  while (position < text.size()) {
    const char32_t c = next_code_point(text, position);
    if (!fold) {
      written += put_code_point(to_lower(c), to + written);
      continue;
    }
    const char32_t folded = to_folded(c);
    if (folded != 0) written += put_code_point(folded, to + written);
    if (const char32_t second = fold_second(c)) written += put_code_point(second, to + written);
  }
  return {to, written};
}

}  // namespace

std::unique_ptr<const RE2> compile_regex(std::string_view pattern, std::string& error) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  auto regex =
      std::make_unique<const RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (regex->ok()) return regex;
  error = regex->error();
  return nullptr;
}

bool call_text(Builtin builtin, Frame& frame, std::span<const Value> args, const Prepared* prepared,
               Value& out) {
  for (const Value& arg : args) {
    if (arg.kind() != Kind::kString) return no_overload(name_of(builtin), frame, args);
  }
  const std::string_view text = args[0].text();
  if (!frame.spend(text.size() / kBytesPerStep)) return false;
  switch (builtin) {
    case Builtin::kContains:
      out = Value::of_bool(text.find(args[1].text()) != std::string_view::npos);
      return true;
    case Builtin::kStartsWith:
      out = Value::of_bool(text.starts_with(args[1].text()));
      return true;
    case Builtin::kEndsWith:
      out = Value::of_bool(text.ends_with(args[1].text()));
      return true;
    case Builtin::kMatches:
      return matches(frame, text, args[1].text(), prepared, out);
    case Builtin::kLower:
      out = Value::of_string(respell(frame, text, false));
      return true;
    default:
      out = Value::of_string(respell(frame, text, true));
      return true;  // kFold
  }
}

}  // namespace tocsin::cel
