#pragma once

#include <array>
#include <string_view>

// Why a record was refused or skipped: the closed list that dead letters, receipts and metrics use.
// The words are part of the format; ingest/README.md says what to do about each.
namespace tocsin::ingest::reasons {

inline constexpr std::string_view kSyntax = "syntax";
inline constexpr std::string_view kTooLarge = "too_large";
inline constexpr std::string_view kBadUtf8 = "bad_utf8";
inline constexpr std::string_view kMissingField = "missing_field";
inline constexpr std::string_view kUnknownField = "unknown_field";
inline constexpr std::string_view kDuplicateField = "duplicate_field";
inline constexpr std::string_view kWrongType = "wrong_type";
inline constexpr std::string_view kBadValue = "bad_value";
inline constexpr std::string_view kBadTime = "bad_time";
inline constexpr std::string_view kUnknownIndicator = "unknown_indicator";
inline constexpr std::string_view kUnknownSource = "unknown_source";
inline constexpr std::string_view kSourceNotAllowed = "source_not_allowed";
inline constexpr std::string_view kUnknownRegion = "unknown_region";
inline constexpr std::string_view kNoRegion = "no_region";
inline constexpr std::string_view kUnitMismatch = "unit_mismatch";
inline constexpr std::string_view kTooMany = "too_many";
inline constexpr std::string_view kAttrMissing = "attr_missing";
inline constexpr std::string_view kAttrType = "attr_type";
inline constexpr std::string_view kBadEnvelope = "bad_envelope";
inline constexpr std::string_view kBadRow = "bad_row";
inline constexpr std::string_view kBadHeader = "bad_header";
inline constexpr std::string_view kBadExpression = "bad_expression";

inline constexpr std::array kRejections{
    kSyntax,        kTooLarge, kBadUtf8,      kMissingField,     kUnknownField,  kDuplicateField,
    kWrongType,     kBadValue, kBadTime,      kUnknownIndicator, kUnknownSource, kSourceNotAllowed,
    kUnknownRegion, kNoRegion, kUnitMismatch, kTooMany,          kAttrMissing,   kAttrType,
    kBadEnvelope,   kBadRow,   kBadHeader,    kBadExpression};

// Skips that decoders make by themselves; a mapping adds its own words.
inline constexpr std::string_view kEmpty = "empty";             // a message without a payload
inline constexpr std::string_view kNoValue = "no_value";        // the cell of `value` is empty
inline constexpr std::string_view kMarkedRow = "marked_row";    // `skip_rows_starting_with`
inline constexpr std::string_view kNoTemplate = "no_template";  // no event of the mapping applied

}  // namespace tocsin::ingest::reasons
