#include "rules/engine_state.h"
#include "rules/state_codec.h"

// What of an engine outlives the process, and what of it need not lie in memory.
namespace tocsin::rules {
namespace {

constexpr char kSourceEntry = 's';
constexpr char kFinishEntry = 'f';
constexpr char kBoardEntry = 'b';

}  // namespace

void Engine::save(const std::function<void(std::string_view, std::string_view)>& put_sealed) {
  State& s = *state_;
  std::string whole;
  const auto put = [&](std::string_view key, std::string_view value) {
    whole = value;
    put_sealed(key, value.empty() ? value : sealed(key, whole));
  };
  std::string bytes;
  for (const std::string& key : s.removed) put(key, {});
  s.removed.clear();
  for (size_t i = 0; i < s.bundle->catalogue->sources().size(); ++i) {
    SourceTime& source = s.timeline.source(static_cast<SourceId>(i));
    if (!std::exchange(source.is_dirty, false)) continue;
    bytes.clear();
    ByteWriter to(bytes);
    to.u8(kStateVersion);
    for (const EventTime t : {source.newest, source.first, source.advanced, source.missed})
      to.time(t);
    to.u8(source.is_live ? 1 : 0);
    to.u8(source.has_ended ? 1 : 0);
    for (const auto& [partition, newest] : source.partitions.all()) {
      to.u16(partition);
      to.time(newest);
    }
    put(kSourceEntry + s.bundle->catalogue->source(static_cast<SourceId>(i)).name, bytes);
  }
  if (s.timeline.finished() != std::exchange(s.saved_finish, s.timeline.finished())) {
    bytes.clear();
    ByteWriter to(bytes);
    to.u8(kStateVersion);
    to.time(s.timeline.finished());
    put(std::string(1, kFinishEntry), bytes);
  }
  s.forget_alerts();
  s.around.board.save(
      [&](const std::string& alert, const std::string& value) { put(kBoardEntry + alert, value); });
  for (const auto& detector : s.detectors) {
    const std::string& id = detector->rule().identity;
    const RuleTimes times{.watermark = s.timeline.watermark(detector->time_class()),
                          .knows_from = detector->knows_from,
                          .refused_at = detector->refused_at};
    if (times != std::exchange(detector->saved, times)) {
      bytes.clear();
      ByteWriter to(bytes);
      to.u8(kStateVersion);
      for (const EventTime t : {times.watermark, times.knows_from, times.refused_at}) to.time(t);
      put(kRuleEntry + id, bytes);
    }
    detector->save(group_prefix(id), put);
  }
}

void Engine::cool(size_t resident_bytes) {
  State& s = *state_;
  const size_t now = this->resident_bytes();
  if (s.around.options.saved == nullptr || s.around.fault || now <= resident_bytes) return;
  size_t over = now - resident_bytes;
  for (size_t left = s.detectors.size(); left > 0; --left, ++s.cooled) {
    const size_t freed = s.detectors[s.cooled % s.detectors.size()]->cool(over);
    if (freed >= over) return;  // there may be more in this one
    over -= freed;
  }
}

const std::optional<Error>& Engine::fault() const { return state_->around.fault; }

bool Engine::is_whole(std::string_view key, std::string_view value) {
  return !value.empty() && static_cast<uint8_t>(value.front()) == kStateVersion &&
         unseal(key, value);
}

bool Engine::restore(std::string_view key, std::string_view value) {
  State& s = *state_;
  if (key.empty() || !unseal(key, value)) return false;
  const std::string_view name = key.substr(1);
  if (key.front() == kGroupEntry) {
    Detector* detector = s.find(name.substr(0, name.find('\0')));
    return detector != nullptr && detector->restore(value);
  }
  if (key.front() == kBoardEntry) return s.around.board.restore(value);
  ByteReader from(value);
  if (from.u8() != kStateVersion) return false;
  if (key.front() == kRuleEntry) {
    Detector* detector = s.find(name);
    if (detector == nullptr) return false;
    RuleTimes& saved = detector->saved;
    for (EventTime* t : {&saved.watermark, &saved.knows_from, &saved.refused_at}) *t = from.time();
    detector->knows_from = saved.knows_from;
    detector->refused_at = saved.refused_at;
    s.timeline.raise_watermark(detector->time_class(), saved.watermark);
    return from.at_end();
  }
  if (key.front() == kFinishEntry) {
    s.saved_finish = from.time();
    s.timeline.finish(s.saved_finish);
    return from.at_end();
  }
  const auto id = s.bundle->catalogue->find_source(name);
  if (key.front() != kSourceEntry || !id) return false;
  SourceTime& source = s.timeline.source(*id);
  for (EventTime* t : {&source.newest, &source.first, &source.advanced, &source.missed})
    *t = from.time();
  source.is_live = from.u8() != 0;
  source.has_ended = from.u8() != 0;
  while (!from.at_end() && from.ok()) {
    const auto number = from.u16();
    source.partitions.observe(number, from.time());
  }
  source.told = source.partitions.told();
  s.timeline.relink();
  return from.at_end();
}

}  // namespace tocsin::rules
