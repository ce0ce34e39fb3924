#include "daemon/chronicle.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace tocsin::daemon {

namespace {

std::span<const std::string_view> copy_of(std::span<const std::string_view> texts, Arena& arena) {
  const auto copies = arena.array<std::string_view>(texts.size());
  std::transform(texts.begin(), texts.end(), copies.begin(),
                 [&](std::string_view text) { return arena.copy(text); });
  return copies;
}

Event copy_of(const Event& event, Arena& arena) {
  Event copy = event;
  copy.id = arena.copy(event.id);
  copy.actors = copy_of(event.actors, arena);
  copy.tags = copy_of(event.tags, arena);
  const auto attrs = arena.array<Attr>(event.attrs.size());
  for (size_t i = 0; i < attrs.size(); ++i) {
    attrs[i] = event.attrs[i];
    attrs[i].key = arena.copy(attrs[i].key);
    if (auto* text = std::get_if<std::string_view>(&attrs[i].value)) *text = arena.copy(*text);
  }
  copy.attrs = attrs;
  return copy;
}

bool is_revision(const Event& event) { return event.op != Operation::kAssert; }

// So finely it is kept when a source spoke of what is not of the scope: finer than any `idle`.
constexpr Milliseconds kHeard = std::chrono::minutes(10);

}  // namespace

Status Chronicle::find_revisions(const std::vector<JournalSeq>& places, const EachRevision& each) {
  absl::flat_hash_map<Hash128, JournalSeq> wanted;
  for (const JournalSeq place : places) {
    arena_.reset();
    const Result<Event> event = store_.read_event(place, arena_);
    if (!event && event.error().code == ErrorCode::kNotFound) continue;  // its name has gone
    if (!event) return event.error();
    wanted[key_of_(*event)] = place;
  }
  arena_.reset();
  return read([&](const storage::Store::JournalRecord& record) {
    // What an erased correction or retraction replaced stays replaced.
    if (record.erased != nullptr && record.erased->op != Operation::kAssert) {
      current_[record.erased->key] = record.seq;
    }
    if (record.event == nullptr) return;
    const bool revises = is_revision(*record.event);
    if (!revises && wanted.empty()) return;
    const Hash128 key = key_of_(*record.event);
    if (revises) current_[key] = record.seq;
    if (const auto found = wanted.find(key); found != wanted.end()) {
      each(*record.event, found->second);
    }
  });
}

Status Chronicle::read(
    const std::function<void(const storage::Store::JournalRecord&)>& each) const {
  constexpr JournalSeq kBetweenQuestions = 4096;
  bool ended = false;
  Status status = store_.read_journal(1, [&](const storage::Store::JournalRecord& record) {
    if (record.seq > up_to_) return false;
    ended = record.seq % kBetweenQuestions == 0 && !goes_on_();
    if (!ended) each(record);
    return !ended;
  });
  if (status && ended) return unavailable("told to stop");
  return status;
}

bool Chronicle::is_current(const Event& event, JournalSeq seq) const {
  if (current_.empty()) return true;
  const auto found = current_.find(key_of_(event));
  return found == current_.end() || found->second == seq;
}

bool Chronicle::comes_before(const Item& a, const Item& b) {
  const bool a_counts = a.event != nullptr;
  const bool b_counts = b.event != nullptr;
  const std::string_view a_id = a_counts ? a.event->id : std::string_view();
  const std::string_view b_id = b_counts ? b.event->id : std::string_view();
  return std::tie(a.time, a_counts, a.source, a_id, a.seq, a.partition) <
         std::tie(b.time, b_counts, b.source, b_id, b.seq, b.partition);
}

Status Chronicle::collect(const rules::Scope& scope, rules::Engine& engine) {
  using Partition = std::pair<SourceId, uint16_t>;
  std::map<Partition, EventTime> first_heard;
  absl::flat_hash_map<std::pair<Partition, int64_t>, EventTime> heard;
  Status status = read([&](const storage::Store::JournalRecord& record) {
    if (record.event != nullptr) {
      const Event& event = *record.event;
      const uint16_t partition = rules::partition_of(event);
      if (partition != 0) left_.erase({event.source, partition});
      const bool counts = scope.regions[static_cast<size_t>(event.region)] &&
                          event.op != Operation::kRetract && engine.looks_at(event) &&
                          is_current(event, record.seq);
      if (counts) {
        Event& copy = arena_.array<Event>(1).front();
        copy = copy_of(event, arena_);
        copy.op = Operation::kAssert;
        copy.partition = partition;
        items_.push_back({event.time, record.seq, &copy, event.source, partition});
        return;
      }
      const Partition by(event.source, partition);
      EventTime& first = first_heard.try_emplace(by, event.time).first->second;
      first = std::min(first, event.time);
      const std::pair slot(by, event.time.time_since_epoch() / kHeard);
      EventTime& last = heard.try_emplace(slot, event.time).first->second;
      last = std::max(last, event.time);
      return;
    }
    if (record.control == nullptr) return;
    const auto source = catalogue_.find_source(record.control->source);
    if (!source) return;
    switch (record.control->kind) {
      case storage::Control::Kind::kExpectSource:
        engine.expect_source(*source);
        break;
      case storage::Control::Kind::kAdvance:
        advances_[*source].add(record.control->time);
        break;
      case storage::Control::Kind::kEndSource:
        ended_.push_back(*source);
        break;
      case storage::Control::Kind::kLeavePartition:
        left_.insert({*source, record.control->partition});
        break;
      default:
        break;
    }
  });
  const auto note_time = [this](Partition by, EventTime time) {
    items_.push_back({time, 0, nullptr, by.first, by.second});
  };
  for (const auto& [slot, time] : heard) note_time(slot.first, time);
  // Who is on a roster is waited for since a source was first heard of.
  for (const auto& [by, time] : first_heard) note_time(by, time);
  return status;
}

bool Chronicle::goes_on() {
  constexpr size_t kBetweenQuestions = 4096;
  return fed_++ % kBetweenQuestions != 0 || goes_on_();
}

bool Chronicle::advance(EventTime t, rules::Engine& engine, rules::Engine::Transitions& out) {
  while (!next_advances_.empty() && next_advances_.begin()->first < t) {
    if (!goes_on()) return false;
    const auto [time, source] = *next_advances_.begin();
    next_advances_.erase(next_advances_.begin());
    engine.advance(source, time, out);
    AdvanceTimes& times = advances_[source];
    times.take();
    if (times.next() != kMaxEventTime) next_advances_.insert({times.next(), source});
  }
  return true;
}

Status Chronicle::feed(const rules::Scope& scope, rules::Engine& engine,
                       rules::Engine::Transitions& out) {
  arena_.reset();
  items_.clear();
  advances_.clear();
  next_advances_.clear();
  ended_.clear();
  left_.clear();
  if (Status status = collect(scope, engine); !status) return status;
  std::sort(items_.begin(), items_.end(), comes_before);
  for (const auto& [source, times] : advances_) next_advances_.insert({times.next(), source});
  for (const Item& item : items_) {
    if (!advance(item.time, engine, out) || !goes_on()) return unavailable("told to stop");
    if (item.event != nullptr) {
      engine.on_event(*item.event, item.seq, out);
    } else {
      engine.on_time(item.source, item.time, item.partition, out);
    }
  }
  if (!advance(kMaxEventTime, engine, out)) return unavailable("told to stop");
  for (const auto& [source, partition] : left_) engine.leave_partition(source, partition, out);
  for (const SourceId source : ended_) engine.end_source(source, out);
  items_.clear();
  advances_.clear();
  arena_.reset();
  return Status::ok();
}

void feed_control(const storage::Control& control, const Catalogue& catalogue,
                  rules::Engine& engine, rules::Engine::Transitions& out) {
  const auto source = catalogue.find_source(control.source);
  if (!source) return;  // gone from the catalogue: nothing waits for it
  switch (control.kind) {
    case storage::Control::Kind::kAdvance:
      engine.advance(*source, control.time, out);
      break;
    case storage::Control::Kind::kEndSource:
      engine.end_source(*source, out);
      break;
    case storage::Control::Kind::kExpectSource:
      engine.expect_source(*source);
      break;
    case storage::Control::Kind::kLeavePartition:
      engine.leave_partition(*source, control.partition, out);
      break;
    case storage::Control::Kind::kActivate:
    case storage::Control::Kind::kRevise:
      break;
  }
}

}  // namespace tocsin::daemon
