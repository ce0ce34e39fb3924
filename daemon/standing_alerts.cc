#include "daemon/standing_alerts.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <sstream>

namespace tocsin::daemon {
namespace {

bool add_word(std::string_view word, StandingAlerts& to) {
  const size_t mark = std::min(word.find_first_of("@:="), word.size());
  const std::string_view rest = word.substr(std::min(mark + 1, word.size()));
  Hash128 id;
  if (!from_hex(word.substr(0, mark), id)) return false;
  if (mark == word.size()) return to.unheld.insert(id).second;
  if (word[mark] == ':') return from_hex(rest, to.names[id]);
  if (word[mark] == '=') {
    const std::optional<Level> level = parse_enum<Level>(rest);
    if (level) to.levels[id] = *level;
    return level.has_value();
  }
  const char* end = rest.data() + rest.size();
  return std::from_chars(rest.data(), end, to.untold[id]) == std::from_chars_result{end, {}};
}

}  // namespace

void StandingAlerts::revised(Hash128 alert) {
  unheld.erase(alert);
  levels.erase(alert);
  std::erase_if(names, [&](const auto& name) { return name.second == alert; });
}

std::string StandingAlerts::text() const {
  if (is_whole()) return {};
  std::string text = fmt::format("{}", to_ms(told_from));
  const auto add = std::back_inserter(text);
  for (const Hash128& alert : unheld) fmt::format_to(add, " {}", to_hex(alert));
  for (const auto& [alert, seq] : untold) fmt::format_to(add, " {}@{}", to_hex(alert), seq);
  for (const auto& [alert, level] : levels) {
    fmt::format_to(add, " {}={}", to_hex(alert), to_string(level));
  }
  for (const auto& [engine, alert] : names) {
    fmt::format_to(add, " {}:{}", to_hex(engine), to_hex(alert));
  }
  return text;
}

std::optional<StandingAlerts> StandingAlerts::parse(std::string_view text) {
  StandingAlerts standing;
  if (text.empty()) return standing;
  std::istringstream words{std::string(text)};
  int64_t told_from = 0;
  if (!(words >> told_from)) return std::nullopt;
  standing.told_from = from_ms(told_from);
  for (std::string word; words >> word;) {
    if (!add_word(word, standing)) return std::nullopt;
  }
  return standing;
}

}  // namespace tocsin::daemon
