#include <algorithm>

#include "rules/load/formats.h"

namespace tocsin::rules {

namespace {

// Spellings of the enumerators from `first` to `last`.
template <typename Enum>
std::vector<std::string> spelled(Enum first, Enum last) {
  std::vector<std::string> words;
  for (int i = static_cast<int>(first); i <= static_cast<int>(last); ++i) {
    words.emplace_back(to_string(static_cast<Enum>(i)));
  }
  return words;
}

}  // namespace

std::vector<std::string> driver_words() { return spelled(Driver::kExclusion, Driver::kComposite); }
std::vector<std::string> stage_words() { return spelled(Stage::kLatent, Stage::kRecurrence); }
std::vector<std::string> status_words() {
  return spelled(RuleStatus::kDraft, RuleStatus::kDeprecated);
}
std::vector<std::string> level_words() { return spelled(Level::kInfo, Level::kEmergency); }
std::vector<std::string> tlp_words() { return spelled(Tlp::kClear, Tlp::kRed); }

const std::vector<std::string>& rule_kind_words() {
  static const std::vector<std::string> words = {"event",   "threshold", "surge",   "sequence",
                                                 "absence", "trend",     "index",   "divergence",
                                                 "layers",  "spillover", "new_term"};
  return words;
}

std::optional<RuleKind> parse_rule_kind(std::string_view word) {
  const auto& words = rule_kind_words();
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) return std::nullopt;
  return static_cast<RuleKind>(found - words.begin());
}

}  // namespace tocsin::rules
