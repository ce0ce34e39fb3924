#include "daemon/activation_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tocsin::daemon {
namespace {

constexpr std::string_view kWhole = "whole ";

uint64_t number_in(std::string_view text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

std::string_view word_of(rules::Emit emit) {
  return emit == rules::Emit::kEarly ? "early" : "final";
}

rules::Emit emit_of(std::string_view word, rules::Emit otherwise) {
  if (word.empty()) return otherwise;
  return word == word_of(rules::Emit::kFinal) ? rules::Emit::kFinal : rules::Emit::kEarly;
}

ActivationRecord ActivationRecord::parse(std::string_view source, rules::Emit otherwise) {
  const size_t space = std::min(source.find(' '), source.size());
  ActivationRecord record{.emit = emit_of(source.substr(0, space), otherwise)};
  const std::string_view rest = source.substr(std::min(space + 1, source.size()));
  if (rest.starts_with(kWhole)) {
    record.log_before = number_in(rest.substr(kWhole.size()));
  } else {
    record.judged_aside = number_in(rest);
  }
  return record;
}

std::string ActivationRecord::text() const {
  if (log_before) return fmt::format("{} {}{}", word_of(emit), kWhole, *log_before);
  if (judged_aside == 0) return std::string(word_of(emit));
  return fmt::format("{} {}", word_of(emit), judged_aside);
}

bool is_whole_judgement(const storage::Control& control) {
  return control.kind == storage::Control::Kind::kActivate &&
         ActivationRecord::parse(control.source, rules::Emit::kEarly).log_before.has_value();
}

}  // namespace tocsin::daemon
