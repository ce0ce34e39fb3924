#include "rules/kinds/term.h"

#include <fmt/format.h>

#include "rules/aggregate.h"
#include "rules/group_key.h"
#include "rules/state_codec.h"

namespace tocsin::rules {

namespace {

bool is_absent(const cel::Outcome& outcome) {
  return outcome.ok() ? outcome.value.kind() == cel::Kind::kNull
                      : outcome.error == cel::EvalError::kNoSuchField;
}

std::string_view text_of(const cel::Value& value, Arena& arena) {
  switch (value.kind()) {
    case cel::Kind::kString:
      return value.text();
    case cel::Kind::kDouble:
      return arena.copy(fmt::format("{}", value.real()));
    case cel::Kind::kTimestamp:
      return arena.copy(format_time(from_ms(value.seconds() * 1000 + value.nanos() / 1'000'000)));
    default:
      return arena.copy(cel::to_json(value));
  }
}

}  // namespace

Term term_of(const NewTermDetect& detect, const Event& event, Arena& arena) {
  std::string bytes;
  ByteWriter to(bytes);
  for (const cel::Program& part : detect.term) {
    const cel::Outcome outcome = part.run(&event, {}, arena);
    if (is_absent(outcome)) {
      if (!detect.missing_is_term) return {.status = Term::Status::kAbsent};
      to.u64(hash_of(cel::Value::of_string(kMissingValue)));
    } else if (outcome.ok()) {
      to.u64(hash_of(outcome.value));
    } else {
      return {.status = Term::Status::kError};
    }
  }
  return {.hash = hash128(bytes).low};
}

std::span<const cel::Value> term_texts(const NewTermDetect& detect, const Event& event,
                                       Arena& arena) {
  const auto texts = arena.array<cel::Value>(detect.term.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const cel::Outcome outcome = detect.term[i].run(&event, {}, arena);
    texts[i] =
        cel::Value::of_string(is_absent(outcome) ? kMissingValue : text_of(outcome.value, arena));
  }
  return texts;
}

}  // namespace tocsin::rules
