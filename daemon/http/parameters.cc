#include "daemon/http/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

namespace tocsin::daemon::http {

std::optional<std::string> Parameters::text(const std::string& name) {
  known_.insert(name);
  const auto it = query_.find(name);
  return it == query_.end() ? std::nullopt : std::optional(it->second);
}

std::optional<std::string> Parameters::word(const std::string& name,
                                            std::initializer_list<std::string_view> words) {
  auto value = text(name);
  if (!value || std::find(words.begin(), words.end(), *value) != words.end()) return value;
  std::string list;
  for (const std::string_view each : words)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", each);
  refuse(name, "one of " + list);
  return std::nullopt;
}

std::optional<uint64_t> Parameters::number(const std::string& name, uint64_t min, uint64_t max) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  uint64_t parsed = 0;
  const char* end = value->data() + value->size();
  const auto [stop, error] = std::from_chars(value->data(), end, parsed);
  if (error == std::errc{} && stop == end && parsed >= min && parsed <= max) return parsed;
  refuse(name, fmt::format("a number from {} to {}", min, max));
  return std::nullopt;
}

void Parameters::refuse(const std::string& name, std::string_view expected) {
  fmt::format_to(std::back_inserter(problems_), "{}`{}` must be {}", problems_.empty() ? "" : "; ",
                 name, expected);
}

void Parameters::refuse_unknown() {
  for (const auto& [name, value] : query_) {
    if (known_.contains(name)) continue;
    std::string list;
    for (const std::string& each : known_) list += (list.empty() ? "" : ", ") + each;
    fmt::format_to(std::back_inserter(problems_), "{}`{}` is unknown here; there are {}",
                   problems_.empty() ? "" : "; ", name, list);
  }
}

std::optional<Response> Parameters::refusal() const {
  if (problems_.empty()) return std::nullopt;
  return problem(400, problems_);
}

std::string percent_encode(std::string_view text) {
  std::string to;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      to += c;
    } else {
      fmt::format_to(std::back_inserter(to), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return to;
}

}  // namespace tocsin::daemon::http
