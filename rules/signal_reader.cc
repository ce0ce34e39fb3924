#include "rules/signal_reader.h"

#include <algorithm>

#include "rules/detector.h"
#include "rules/model/check.h"
#include "rules/signal_store.h"

namespace tocsin::rules {

SignalReader::SignalReader(Surroundings& around, const Rule& rule) : around_(&around) {
  for (const SignalUse& about : rule.signals) {
    Use& use = uses_.emplace_back();
    use.about = &about;
    for (const std::string& key : about.signals) use.sources.push_back(source_of(key, rule));
  }
}

SignalReader::Source SignalReader::source_of(const std::string& key, const Rule& rule) const {
  const auto found = around_->signals.find(key);
  TOCSIN_CHECK(found != around_->signals.end());
  return {.store = found->second, .key = KeyMap(rule.by, found->second->rule().by)};
}

bool SignalReader::key_of(const Source& source, const Group& group) {
  return source.key.apply(*around_->catalogue, group, key_);
}

void SignalReader::read(const Group& group, EventTime at, std::span<cel::Value> values) {
  for (size_t i = 0; i < uses_.size(); ++i) {
    const auto found = value(i, group, at);
    values[i] = found ? cel::Value::of_double(found->value) : cel::Value();
  }
}

std::optional<SignalValue> SignalReader::value(size_t use, const Group& group, EventTime at) {
  for (const Source& source : uses_[use].sources) {
    if (!key_of(source, group)) continue;
    if (const auto value = source.store->value(key_, at, uses_[use].about->hold)) return value;
  }
  return std::nullopt;
}

std::optional<SignalValue> SignalReader::value_over(size_t use, const Group& group, EventTime from,
                                                    EventTime to) {
  for (const Source& source : uses_[use].sources) {
    if (!key_of(source, group)) continue;
    const auto value = source.store->signal().is_of_indicator
                           ? source.store->value_over(key_, from, to)
                           : source.store->value(key_, to, uses_[use].about->hold);
    if (value) return value;
  }
  return std::nullopt;
}

bool SignalReader::counts(size_t use, const Event& event) {
  const auto& sources = uses_[use].sources;
  return std::any_of(sources.begin(), sources.end(),
                     [&](const Source& source) { return source.store->counts(event); });
}

void SignalReader::collect(size_t use, const Group& group, const SignalValue& value, size_t most,
                           std::vector<EvidenceItem>& best) {
  for (const Source& source : uses_[use].sources) {
    const size_t before = best.size();
    if (key_of(source, group)) source.store->collect(key_, value.from, value.to, most, best);
    if (best.size() > before) return;
  }
}

Tlp SignalReader::marking(const Group& group, EventTime at) {
  Tlp highest = Tlp::kClear;
  for (const Use& use : uses_) {
    for (const Source& source : use.sources) {
      if (!key_of(source, group)) continue;
      const EventTime tick = source.store->tick_at(at);
      const EventTime from = tick - source.store->signal().reach;
      highest = std::max(highest, source.store->marking(key_, from, tick));
    }
  }
  return highest;
}

}  // namespace tocsin::rules
