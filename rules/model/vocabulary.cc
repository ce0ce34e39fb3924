#include "rules/model/vocabulary.h"

#include <utility>

namespace tocsin {
namespace {

template <typename Enum, size_t N>
using Words = std::array<std::pair<Enum, std::string_view>, N>;

constexpr Words<Level, 6> kLevels{{{Level::kNone, "none"},
                                   {Level::kInfo, "info"},
                                   {Level::kWatch, "watch"},
                                   {Level::kWarning, "warning"},
                                   {Level::kAlert, "alert"},
                                   {Level::kEmergency, "emergency"}}};
constexpr Words<Driver, 15> kDrivers{{{Driver::kExclusion, "exclusion"},
                                      {Driver::kCorruption, "corruption"},
                                      {Driver::kJusticeGap, "justice_gap"},
                                      {Driver::kHumanRights, "human_rights"},
                                      {Driver::kInstitutions, "institutions"},
                                      {Driver::kViolence, "violence"},
                                      {Driver::kDisplacement, "displacement"},
                                      {Driver::kRegionalRivalry, "regional_rivalry"},
                                      {Driver::kSocioeconomic, "socioeconomic"},
                                      {Driver::kSocialCohesion, "social_cohesion"},
                                      {Driver::kEmergingThreat, "emerging_threat"},
                                      {Driver::kPeaceProcess, "peace_process"},
                                      {Driver::kResilience, "resilience"},
                                      {Driver::kComposite, "composite"},
                                      {Driver::kMonitoring, "monitoring"}}};
constexpr Words<Stage, 8> kStages{{{Stage::kLatent, "latent"},
                                   {Stage::kEmerging, "emerging"},
                                   {Stage::kOutbreak, "outbreak"},
                                   {Stage::kEscalation, "escalation"},
                                   {Stage::kContinuation, "continuation"},
                                   {Stage::kDeescalation, "deescalation"},
                                   {Stage::kPostAgreement, "post_agreement"},
                                   {Stage::kRecurrence, "recurrence"}}};
constexpr Words<Tlp, 5> kTlps{{{Tlp::kClear, "clear"},
                               {Tlp::kGreen, "green"},
                               {Tlp::kAmber, "amber"},
                               {Tlp::kAmberStrict, "amber+strict"},
                               {Tlp::kRed, "red"}}};
constexpr Words<Operation, 3> kOperations{{{Operation::kAssert, "assert"},
                                           {Operation::kCorrect, "correct"},
                                           {Operation::kRetract, "retract"}}};
constexpr Words<TimePrecision, 5> kPrecisions{{{TimePrecision::kExact, "exact"},
                                               {TimePrecision::kDay, "day"},
                                               {TimePrecision::kWeek, "week"},
                                               {TimePrecision::kMonth, "month"},
                                               {TimePrecision::kYear, "year"}}};
constexpr Words<Polarity, 2> kPolarities{
    {{Polarity::kRisk, "risk"}, {Polarity::kProtective, "protective"}}};
constexpr Words<RuleStatus, 4> kStatuses{{{RuleStatus::kDraft, "draft"},
                                          {RuleStatus::kShadow, "shadow"},
                                          {RuleStatus::kProduction, "production"},
                                          {RuleStatus::kDeprecated, "deprecated"}}};

template <typename Enum, size_t N>
std::string_view word_of(const Words<Enum, N>& words, Enum value) {
  for (const auto& [v, word] : words) {
    if (v == value) return word;
  }
  return "?";
}

template <typename Enum, size_t N>
std::optional<Enum> value_of(const Words<Enum, N>& words, std::string_view word) {
  for (const auto& [v, w] : words) {
    if (w == word) return v;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Level value) { return word_of(kLevels, value); }
std::string_view to_string(Driver value) { return word_of(kDrivers, value); }
std::string_view to_string(Stage value) { return word_of(kStages, value); }
std::string_view to_string(Tlp value) { return word_of(kTlps, value); }
std::string_view to_string(Operation value) { return word_of(kOperations, value); }
std::string_view to_string(TimePrecision value) { return word_of(kPrecisions, value); }
std::string_view to_string(Polarity value) { return word_of(kPolarities, value); }
std::string_view to_string(RuleStatus value) { return word_of(kStatuses, value); }

template <>
std::optional<Level> parse_enum(std::string_view word) {
  const auto level = value_of(kLevels, word);
  return level == Level::kNone ? std::nullopt : level;
}
template <>
std::optional<Driver> parse_enum(std::string_view word) {
  return value_of(kDrivers, word);
}
template <>
std::optional<Stage> parse_enum(std::string_view word) {
  return value_of(kStages, word);
}
template <>
std::optional<Tlp> parse_enum(std::string_view word) {
  return value_of(kTlps, word);
}
template <>
std::optional<Operation> parse_enum(std::string_view word) {
  return value_of(kOperations, word);
}
template <>
std::optional<TimePrecision> parse_enum(std::string_view word) {
  return value_of(kPrecisions, word);
}
template <>
std::optional<Polarity> parse_enum(std::string_view word) {
  return value_of(kPolarities, word);
}
template <>
std::optional<RuleStatus> parse_enum(std::string_view word) {
  return value_of(kStatuses, word);
}

}  // namespace tocsin
