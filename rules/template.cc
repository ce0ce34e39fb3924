#include "rules/template.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "fmt/format.h"
#include "rules/cel/utf8.h"
#include "rules/model/utf8.h"

namespace tocsin::rules {
namespace {

using cel::Kind;
using cel::Value;

constexpr size_t kMaxTextBytes = size_t{8} * 1024;
constexpr std::string_view kMissing = "n/a";

enum class Argument : uint8_t { kNone, kNumber, kText };
struct KnownFilter {
  std::string_view name;
  Argument argument;
};
constexpr std::array kFilters{
    KnownFilter{"fixed", Argument::kNumber}, KnownFilter{"pct", Argument::kNone},
    KnownFilter{"signed", Argument::kNone},  KnownFilter{"date", Argument::kNone},
    KnownFilter{"ago", Argument::kNone},     KnownFilter{"join", Argument::kText},
    KnownFilter{"names", Argument::kNone},   KnownFilter{"upper", Argument::kNone},
    KnownFilter{"trunc", Argument::kNumber},
};

// A text in their place was put there by the author, for want of a number or a time.
bool is_of_measures(std::string_view filter) {
  return filter == "fixed" || filter == "pct" || filter == "signed" || filter == "date" ||
         filter == "ago";
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// Walks over `text` from `from` on and calls `found(i)` at each byte outside quotes; where it says
// yes, or npos.
template <typename Found>
size_t find_outside_quotes(std::string_view text, size_t from, const Found& found) {
  char quote = '\0';
  for (size_t i = from; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == '\0') {
      if (c == '"' || c == '\'') quote = c;
      if (found(i)) return i;
    } else if (c == '\\') {
      ++i;
    } else if (c == quote) {
      quote = '\0';
    }
  }
  return text.npos;
}

// Where the hole that was opened just before `from` closes; braces of maps inside are passed.
size_t find_close(std::string_view text, size_t from) {
  int open_maps = 0;
  return find_outside_quotes(text, from, [&](size_t i) {
    if (text[i] == '{') ++open_maps;
    if (text[i] != '}') return false;
    if (open_maps > 0) {
      --open_maps;
      return false;
    }
    return text.substr(i).starts_with("}}");
  });
}

// The next | that is not half of ||, or the end of `hole`.
size_t find_pipe(std::string_view hole, size_t from) {
  const size_t at = find_outside_quotes(hole, from, [&](size_t i) {
    return hole[i] == '|' && hole[i - 1] != '|' && !hole.substr(i).starts_with("||");
  });
  return std::min(at, hole.size());
}

std::optional<double> number_of(const Value& value) {
  switch (value.kind()) {
    case Kind::kInt:
      return static_cast<double>(value.integer());
    case Kind::kUint:
      return static_cast<double>(value.unsigned_integer());
    case Kind::kDouble:
      return value.real();
    default:
      return std::nullopt;  // other kinds are no numbers
  }
}

// A value as people read it.
std::string plain(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return std::string(kMissing);
    case Kind::kString:
      return std::string(value.text());
    case Kind::kDouble: {
      if (!std::isfinite(value.real())) return std::string(kMissing);
      return fmt::format("{}", value.real());
    }
    case Kind::kTimestamp:
      return format_time(from_ms(value.seconds() * 1000 + value.nanos() / 1'000'000));
    case Kind::kDuration:
      return format_duration(Milliseconds(value.seconds() * 1000 + value.nanos() / 1'000'000));
    case Kind::kList: {
      std::string out;
      for (const Value& item : value.items()) {
        if (!out.empty()) out += ", ";
        out += plain(item);
      }
      return out;
    }
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kBytes:
    case Kind::kMap:
    case Kind::kType:
      return cel::to_json(value);
  }
  return {};
}

std::string filter_fixed(const Value& value, int digits) {
  const std::optional<double> number = number_of(value);
  if (!number || !std::isfinite(*number)) return std::string(kMissing);
  std::string text = fmt::format("{:.{}f}", *number, digits);
  // -0.0 is a rounded nothing.
  if (text.front() == '-' && text.find_first_not_of("-0.") == text.npos) text.erase(0, 1);
  return text;
}

std::string filter_signed(const Value& value) {
  const std::optional<double> number = number_of(value);
  if (!number || !std::isfinite(*number)) return std::string(kMissing);
  if (value.kind() == Kind::kInt) return fmt::format("{:+d}", value.integer());
  const std::string text = filter_fixed(value, 1);
  return text.front() == '-' ? text : "+" + text;
}

// In the largest unit of which there are two at least.
Milliseconds rounded(Milliseconds span) {
  using std::chrono::floor;
  if (span >= std::chrono::days(2)) return floor<std::chrono::days>(span);
  if (span >= std::chrono::hours(2)) return floor<std::chrono::hours>(span);
  if (span >= std::chrono::minutes(2)) return floor<std::chrono::minutes>(span);
  return floor<std::chrono::seconds>(span);
}

std::string filter_ago(const Value& value, EventTime at) {
  if (value.kind() != Kind::kTimestamp) return std::string(kMissing);
  const EventTime then = from_ms(value.seconds() * 1000 + value.nanos() / 1'000'000);
  if (then > at) return "in " + format_duration(rounded(then - at));
  return format_duration(rounded(at - then)) + " ago";
}

std::string filter_join(const Value& value, std::string_view separator) {
  if (value.kind() != Kind::kList) return plain(value);
  std::string out;
  bool first = true;
  for (const Value& item : value.items()) {
    if (!std::exchange(first, false)) out += separator;
    out += plain(item);
  }
  return out;
}

std::string upper(std::string_view text) {
  std::string out;
  size_t position = 0;
  while (position < text.size()) {
    char32_t c = cel::next_code_point(text, position);
    if (c >= 'a' && c <= 'z') c -= 32;
    if (c >= 0xE0 && c <= 0xFE && c != 0xF7) c -= 32;
    if (c >= 0x3B1 && c <= 0x3C9 && c != 0x3C2) c -= 32;
    if (c >= 0x430 && c <= 0x44F) c -= 32;
    cel::append_code_point(c, out);
  }
  return out;
}

// At most so many code points, the last of them "…" when something was left out.
std::string filter_trunc(std::string_view text, int limit) {
  if (cel::count_code_points(text) <= static_cast<size_t>(limit)) return std::string(text);
  std::string out;
  size_t position = 0;
  for (int i = 0; i + 1 < limit; ++i)
    cel::append_code_point(cel::next_code_point(text, position), out);
  return out + "…";
}

// The names of things that have one: {name: …} of a map, else the value itself.
Value names_of(const Value& value, Arena& arena) {
  const auto name_of = [](const Value& item) {
    if (item.kind() != Kind::kMap) return item;
    for (const cel::Entry& entry : item.entries()) {
      if (entry.key.kind() == Kind::kString && entry.key.text() == "name") return entry.value;
    }
    return item;
  };
  if (value.kind() != Kind::kList) return name_of(value);
  const std::span<Value> items = arena.array<Value>(value.items().size());
  for (size_t i = 0; i < items.size(); ++i) items[i] = name_of(value.items()[i]);
  return Value::of_list(items);
}

int to_number(const std::string& digits) {
  int number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

// Reads "name", "name(3)" or "name('x')"; nullopt after an error.
struct ParsedFilter {
  std::string name;
  std::string argument;
};
std::optional<ParsedFilter> parse_filter(std::string_view text, const Place& place,
                                         Diagnostics& diagnostics) {
  ParsedFilter filter;
  const size_t open = text.find('(');
  filter.name = std::string(trimmed(text.substr(0, open)));
  const KnownFilter* known = nullptr;
  std::vector<std::string> names;
  for (const KnownFilter& candidate : kFilters) {
    names.emplace_back(candidate.name);
    if (candidate.name == filter.name) known = &candidate;
  }
  if (known == nullptr) {
    const std::string near = nearest_name(filter.name, names);
    diagnostics.error("T0161", place, fmt::format("there is no filter `{}`", filter.name),
                      near.empty() ? fmt::format("one of: {}", fmt::join(names, ", "))
                                   : fmt::format("did you mean {}?", near));
    return std::nullopt;
  }
  std::string_view argument;
  if (open != text.npos) {
    if (text.back() != ')') {
      diagnostics.error("T0160", place,
                        fmt::format("the filter {} has no closing `)`", filter.name));
      return std::nullopt;
    }
    argument = trimmed(text.substr(open + 1, text.size() - open - 2));
  }
  const auto refuse = [&](std::string_view wanted) {
    diagnostics.error("T0162", place, fmt::format("the filter {} takes {}", filter.name, wanted));
    return std::nullopt;
  };
  switch (known->argument) {
    case Argument::kNone:
      if (!argument.empty()) return refuse("no argument");
      break;
    case Argument::kNumber: {
      const bool digits = argument.find_first_not_of("0123456789") == argument.npos;
      const size_t limit = filter.name == "fixed" ? 1 : 4;
      if (argument.empty() || !digits || argument.size() > limit) {
        return refuse(filter.name == "fixed" ? "a number of digits from 0 to 9"
                                             : "a number of characters, up to 9999");
      }
      if (filter.name == "trunc" && argument.find_first_not_of('0') == argument.npos) {
        return refuse("a number of characters from 1 on");
      }
      break;
    }
    case Argument::kText: {
      const bool quoted = argument.size() >= 2 &&
                          (argument.front() == '"' || argument.front() == '\'') &&
                          argument.back() == argument.front();
      if (!quoted) return refuse("a quoted text: join(', ')");
      argument = argument.substr(1, argument.size() - 2);
      break;
    }
  }
  filter.argument = std::string(argument);
  return filter;
}

// A missing value prints as n/a, so reading an optional field is nothing to complain of here.
std::optional<cel::Program> compile_hole(std::string_view expression, const TextPlaces& places,
                                         cel::Environment environment, Diagnostics& diagnostics) {
  environment.optional_read_is_error = false;
  Diagnostics found;
  auto program = cel::Program::compile(expression, places, environment, found);
  for (const Diagnostic& d : found.all()) {
    if (d.severity == Severity::kError) {
      diagnostics.error(d.code, d.place, d.message, d.hint);
    } else if (d.code != "T0130") {
      diagnostics.warning(d.code, d.place, d.message, d.hint);
    }
  }
  return program;
}

}  // namespace

std::optional<Template> Template::compile(std::string_view text, const TextPlaces& places,
                                          const cel::Environment& environment,
                                          Diagnostics& diagnostics) {
  Template result;
  result.source_ = text;
  bool failed = false;
  size_t at = 0;
  while (at < text.size()) {
    const size_t open = text.find("{{", at);
    if (open != at) {
      Part literal;
      literal.text = std::string(text.substr(at, open == text.npos ? text.npos : open - at));
      result.parts_.push_back(std::move(literal));
    }
    if (open == text.npos) break;
    const size_t close = find_close(text, open + 2);
    if (close == text.npos) {
      diagnostics.error("T0160", places.at(text, open), "`{{` has no closing `}}`",
                        "write {{ expression }}");
      return std::nullopt;
    }
    const std::string_view hole = text.substr(0, close);
    size_t begin = open + 2;
    size_t end = find_pipe(hole, begin);
    while (begin < end && (text[begin] == ' ' || text[begin] == '\n' || text[begin] == '\t'))
      ++begin;
    Part part;
    part.program = compile_hole(trimmed(text.substr(begin, end - begin)), places.from(text, begin),
                                environment, diagnostics);
    failed = failed || !part.program;
    while (end < close) {
      const size_t start = end + 1;
      end = find_pipe(hole, start);
      std::optional<ParsedFilter> filter = parse_filter(trimmed(text.substr(start, end - start)),
                                                        places.at(text, start), diagnostics);
      failed = failed || !filter;
      if (filter) part.filters.push_back({std::move(filter->name), std::move(filter->argument)});
    }
    result.parts_.push_back(std::move(part));
    at = close + 2;
  }
  if (failed) return std::nullopt;
  return result;
}

std::set<std::string> Template::variables() const {
  std::set<std::string> names;
  for (const Part& part : parts_) {
    if (!part.program) continue;
    const auto& read = part.program->analysis().variables;
    names.insert(read.begin(), read.end());
  }
  return names;
}

std::vector<const cel::Program*> Template::programs() const {
  std::vector<const cel::Program*> programs;
  for (const Part& part : parts_) {
    if (part.program) programs.push_back(&*part.program);
  }
  return programs;
}

std::string Template::render(const Event* event, std::span<const Value> variables, EventTime at,
                             Arena& arena) const {
  std::string out;
  for (const Part& part : parts_) {
    if (!part.program) {
      out += part.text;
      continue;
    }
    const cel::Outcome outcome = part.program->run(event, variables, arena);
    if (!outcome.ok() || outcome.value.kind() == Kind::kNull) {
      out += kMissing;
      continue;
    }
    Value value = outcome.value;
    for (const Filter& filter : part.filters) {
      std::string text;
      if (filter.name == "names") {
        value = names_of(value, arena);
        continue;
      }
      if (value.kind() == Kind::kString && is_of_measures(filter.name)) continue;
      if (filter.name == "fixed") {
        text = filter_fixed(value, to_number(filter.argument));
      } else if (filter.name == "pct") {
        const std::optional<double> share = number_of(value);
        text = share ? filter_fixed(Value::of_double(*share * 100), 0) : std::string(kMissing);
        if (text != kMissing) text += " %";
      } else if (filter.name == "signed") {
        text = filter_signed(value);
      } else if (filter.name == "date") {
        text = value.kind() == Kind::kTimestamp ? format_date(from_ms(value.seconds() * 1000))
                                                : std::string(kMissing);
      } else if (filter.name == "ago") {
        text = filter_ago(value, at);
      } else if (filter.name == "join") {
        text = filter_join(value, filter.argument);
      } else if (filter.name == "upper") {
        text = upper(plain(value));
      } else if (filter.name == "trunc") {
        text = filter_trunc(plain(value), to_number(filter.argument));
      }
      value = Value::of_string(arena.copy(text));
    }
    out += plain(value);
    if (out.size() > kMaxTextBytes) break;
  }
  if (out.size() > kMaxTextBytes) {
    out.resize(utf8_prefix(out, kMaxTextBytes).size());
  }
  return out;
}

}  // namespace tocsin::rules
