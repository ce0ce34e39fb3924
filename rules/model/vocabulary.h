#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

// The closed lists of the domain, spelled as in rule files, events and metrics. The numbers are
// part of the persistent format: do not renumber.
namespace tocsin {

// Levels of an alert, in rank order. kNone is "no level", never written.
enum class Level : uint8_t {
  kNone = 0,
  kInfo = 1,
  kWatch = 2,
  kWarning = 3,
  kAlert = 4,
  kEmergency = 5
};

// What drives a conflict: the drivers of the Doha regional dialogue (January 2018), conclusions
// ¶2-¶30 and panels 1-6, and `composite` for rules over several of them. `monitoring` is none: what
// tocsin tells of itself, never written in rules or the catalogue.
enum class Driver : uint8_t {
  kExclusion,
  kCorruption,
  kJusticeGap,
  kHumanRights,
  kInstitutions,
  kViolence,
  kDisplacement,
  kRegionalRivalry,
  kSocioeconomic,
  kSocialCohesion,
  kEmergingThreat,
  kPeaceProcess,
  kResilience,
  kComposite,
  kMonitoring,
};

// Stages of the conflict continuum (¶1: outbreak, escalation, continuation, recurrence).
enum class Stage : uint8_t {
  kLatent,
  kEmerging,
  kOutbreak,
  kEscalation,
  kContinuation,
  kDeescalation,
  kPostAgreement,
  kRecurrence,
};

// Traffic Light Protocol 2.0 (FIRST, August 2022), in order of restriction.
enum class Tlp : uint8_t { kClear = 0, kGreen = 1, kAmber = 2, kAmberStrict = 3, kRed = 4 };

// What an event says about an earlier one with the same (source, id).
enum class Operation : uint8_t { kAssert = 0, kCorrect = 1, kRetract = 2 };

enum class TimePrecision : uint8_t { kExact = 0, kDay = 1, kWeek = 2, kMonth = 3, kYear = 4 };

// Whether more of an indicator means more risk or less.
enum class Polarity : uint8_t { kRisk, kProtective };

// Life of a rule file's rule; a shadow rule evaluates and records but never notifies.
enum class RuleStatus : uint8_t { kDraft, kShadow, kProduction, kDeprecated };

std::string_view to_string(Level value);
std::string_view to_string(Driver value);
std::string_view to_string(Stage value);
std::string_view to_string(Tlp value);
std::string_view to_string(Operation value);
std::string_view to_string(TimePrecision value);
std::string_view to_string(Polarity value);
std::string_view to_string(RuleStatus value);

// nullopt when the word is not in the list; spelling is exact (lower case).
template <typename Enum>
std::optional<Enum> parse_enum(std::string_view word);
template <>
std::optional<Level> parse_enum(std::string_view word);
template <>
std::optional<Driver> parse_enum(std::string_view word);
template <>
std::optional<Stage> parse_enum(std::string_view word);
template <>
std::optional<Tlp> parse_enum(std::string_view word);
template <>
std::optional<Operation> parse_enum(std::string_view word);
template <>
std::optional<TimePrecision> parse_enum(std::string_view word);
template <>
std::optional<Polarity> parse_enum(std::string_view word);
template <>
std::optional<RuleStatus> parse_enum(std::string_view word);

inline constexpr std::array kAllLevels{Level::kInfo, Level::kWatch, Level::kWarning, Level::kAlert,
                                       Level::kEmergency};

}  // namespace tocsin
