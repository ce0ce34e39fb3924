#include "daemon/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "daemon/alert_json.h"
#include "rules/model/check.h"

namespace tocsin::daemon {
namespace {

void count_age(PipelineCounts::ByAge& counts, Milliseconds age) {
  const auto& bounds = PipelineCounts::kAgeBounds;
  // The first bound that is not below it.
  const auto bound = std::lower_bound(bounds.begin(), bounds.end(), age);
  ++counts[static_cast<size_t>(bound - bounds.begin())];
}

}  // namespace

Pipeline::Pipeline(storage::Store& store, std::shared_ptr<const rules::Bundle> bundle,
                   std::string bundle_text, PipelineOptions options)
    : store_(store),
      options_(std::move(options)),
      stored_state_(store),
      bundle_text_(std::move(bundle_text)),
      emit_(options_.emit) {
  set_bundle(std::move(bundle));
}

namespace {

void retract_at(EventTime time, Event& event) {
  event.op = Operation::kRetract;
  event.time = event.time_end = time;
  event.has_time_end = false;
  event.placed_after = {};
}

}  // namespace

void Pipeline::set_bundle(std::shared_ptr<const rules::Bundle> bundle) {
  bundle_ = std::move(bundle);
  store_.set_catalogue(bundle_->catalogue);
  engine_ = std::make_unique<ShardedEngine>(
      bundle_,
      rules::EngineOptions{.emit = emit_,
                           .told_from = told_from_,
                           .saved = options_.state_memory ? &stored_state_ : nullptr},
      options_.shards, options_.state_memory.value_or(SIZE_MAX));
  find_kept_told();
  arrivals_.assign(bundle_->catalogue->sources().size(), {});
  source_seeds_.clear();
  for (const Source& source : bundle_->catalogue->sources()) {
    source_seeds_.push_back(hash128(source.name).low);
  }
}

storage::Batch& Pipeline::batch() {
  if (batch_ == nullptr) batch_ = &store_.begin();
  return *batch_;
}

bool Pipeline::has_uncommitted() const {
  return !receipts_.empty() || (batch_ != nullptr && !batch_->empty()) || has_built_rules();
}

size_t Pipeline::uncommitted_events() const { return batch_ == nullptr ? 0 : batch_->events(); }

size_t Pipeline::uncommitted_bytes() const { return batch_ == nullptr ? 0 : batch_->bytes(); }

void Pipeline::feed(ingest::RawBatch raw, WallTime now) {
  ingest::Receipt receipt;
  receipt_ = &receipt;
  stream_ = &raw.stream;
  keep_refused_ = raw.keep_refused;
  partition_ = raw.partition;
  now_ = latest_ = now;
  if (raw.parts.empty()) {
    raw.decoder->decode(std::string_view(raw.bytes).substr(0, raw.size), raw.first_position, arena_,
                        *this);
  }
  for (const ingest::RawBatch::Part& part : raw.parts) {
    ingest::RecordDecoder& decoder = part.decoder ? *part.decoder : *raw.decoder;
    decoder.decode(std::string_view(raw.bytes).substr(part.begin, part.size), part.position, arena_,
                   *this);
  }
  take_decoded();
  flush();
  arena_.reset();
  receipt_ = nullptr;
  keep_refused_ = true;
  if (!raw.next_position.empty()) batch().put_position(raw.stream, raw.next_position);
  if (raw.on_committed) receipts_.emplace_back(std::move(raw.on_committed), std::move(receipt));
}

void Pipeline::on_record(const ingest::Decoded& record) {
  decoded_.push_back(record);
  decoded_.back().event.partition = partition_;
  if (decoded_.size() == kLookAhead) take_decoded();
}

void Pipeline::take_decoded() {
  std::array<Hash128, kLookAhead> keys;
  for (size_t i = 0; i < decoded_.size(); ++i) {
    if (decoded_[i].verdict != ingest::Verdict::kEvent) continue;
    keys[i] = key_of(decoded_[i].event);
    seen_.prefetch(keys[i]);
  }
  for (size_t i = 0; i < decoded_.size(); ++i) take(decoded_[i], keys[i]);
  decoded_.clear();
}

void Pipeline::take(const ingest::Decoded& record, Hash128 key) {
  ++counts_.records;
  ++receipt_->records;
  switch (record.verdict) {
    case ingest::Verdict::kEvent:
      switch (admit(record.event, key, *stream_, record.position, record.raw, now_)) {
        case Admission::kAccepted:
          ++receipt_->events;
          return;
        case Admission::kDuplicate:
          ++receipt_->duplicates;
          return;
        case Admission::kTooLate:
        case Admission::kFuture:
          ++receipt_->rejected;
          return;
      }
      return;
    case ingest::Verdict::kSkip:
      ++receipt_->skipped;
      ++counts_.skipped[std::string(record.reason)];
      return;
    case ingest::Verdict::kReject:
      ++receipt_->rejected;
      dead_letter(record.reason, record.message, *stream_, record.position, record.raw, now_);
      return;
  }
}

Hash128 Pipeline::key_of(const Event& event) const {
  return event_key(source_seeds_[static_cast<size_t>(event.source)], event.id);
}

Admission Pipeline::admit(const Event& event, std::string_view stream, int64_t position,
                          std::string_view raw, WallTime now) {
  return admit(event, key_of(event), stream, position, raw, now);
}

Admission Pipeline::admit(const Event& event, Hash128 key, std::string_view stream,
                          int64_t position, std::string_view raw, WallTime now) {
  PipelineCounts::PerSource& counts = counts_of(event.source);
  note_arrival(event, now);
  Event taken = event;
  if (options_.future_tolerance) {
    if (event.told_time() > now + *options_.future_tolerance) {
      ++counts.future;
      return refuse(Admission::kFuture, event, stream, position, raw, now);
    }
    place_before(std::max(taken.told_time(), now), taken);
  }
  const std::optional<EventTime> watermark = engine_->watermark(event.source);
  // So that the engine knows how far it got without this partition.
  if (!engine_->has_heard_of(event.source, event.partition)) flush();
  const EventTime horizon = horizon_of(event.source);
  bool is_too_old = watermark && taken.time < horizon;
  if (is_too_old && !seen_.knows_earlier(key, event.rev)) {
    if (seen_.contains(key, event.rev)) {
      ++counts.duplicates;
      return Admission::kDuplicate;
    }
    ++counts.too_late;
    count_age(counts.too_late_by_age, *watermark - event.time);
    return refuse(Admission::kTooLate, event, stream, position, raw, now);
  }
  taken.op = operation_of(event, key);
  if (is_too_old) {
    // What it replaces may be inside the horizon, and must not count any more.
    is_too_old = taken.op != Operation::kRetract;
    retract_at(horizon, taken);
  }
  if (!seen_.insert(key, event.rev, event.source, taken.time)) {
    ++counts.duplicates;
    return Admission::kDuplicate;
  }
  const bool is_behind = rules::is_late(taken, *engine_);
  if (is_behind) {
    const EventTime up_to =
        std::max(watermark.value_or(kMinEventTime),
                 engine_->decided_without(event.source, rules::partition_of(event)));
    count_age(counts.late_by_age, up_to - taken.time);
  }
  if (!is_too_old) ++counts.accepted;
  const bool is_correction = taken.op != Operation::kAssert;
  if (is_correction) ++counts.corrections;
  const JournalSeq seq = batch().append(taken);
  if (is_correction || is_behind) unrevised_.push_back(seq);
  engine_->on_event(taken, seq, transitions_);
  if (!transitions_.empty()) log_transitions();
  if (seq % kRecordsBetweenForgetting == 0) {
    flush();
    settle_standing();
    forget_told();
  }
  if (!is_too_old) return Admission::kAccepted;
  ++counts.too_late;
  count_age(counts.too_late_by_age, *watermark - event.time);
  return refuse(Admission::kTooLate, event, stream, position, raw, now);
}

void Pipeline::flush() {
  engine_->flush(transitions_);
  log_transitions();
}

Admission Pipeline::refuse(Admission admission, const Event& event, std::string_view stream,
                           int64_t position, std::string_view raw, WallTime now) {
  const Source& source = bundle_->catalogue->source(event.source);
  if (admission == Admission::kFuture) {
    dead_letter(
        "future",
        fmt::format("event `{}` of `{}` is stamped {}, after the clock here ({}); check the "
                    "sender's clock, or raise future_tolerance",
                    event.id, source.name, format_time(event.time), format_time(now)),
        stream, position, raw, now);
  } else {
    dead_letter("too_late",
                fmt::format("event `{}` of `{}` happened {}, before the correction horizon ({}); "
                            "`tocsin replay` can still judge it",
                            event.id, source.name, format_time(event.time),
                            format_time(horizon_of(event.source))),
                stream, position, raw, now);
  }
  return admission;
}

void Pipeline::dead_letter(std::string_view reason, std::string_view message,
                           std::string_view stream, int64_t position, std::string_view raw,
                           WallTime now) {
  if (receipt_ != nullptr && receipt_->problems.size() < ingest::kMaxProblems) {
    receipt_->problems.push_back({position, std::string(reason), std::string(message)});
  }
  if (!keep_refused_) {
    ++counts_.skipped["refused_again"];
    return;
  }
  ++counts_.dead_letters[std::string(reason)];
  batch().put_dead_letter({.reason = std::string(reason),
                           .message = std::string(message),
                           .stream = std::string(stream),
                           .position = position,
                           .at = now,
                           .raw = std::string(raw.substr(0, kMaxEventBytes))});
}

void Pipeline::log_transitions() {
  if (!standing_.is_whole()) go_on_with_standing();
  const std::set<Hash128> too_old = this->too_old(transitions_);
  for (AlertTransition& transition : transitions_) {
    // An alert that was withdrawn may come to hold after all, under the id that it had.
    const rules::Rule& rule = bundle_->raised_by(transition.rule);
    const rules::ToldAlert* told = told_.find(transition, rule);
    // As the log counts: the engine may know of fewer, or of others that were told to nobody.
    if (const uint32_t next = told_.next_seq(transition, rule)) transition.seq = next;
    if (!standing_.is_whole() && !fit_to_told(transition, told, rule)) continue;
    // Who was told of an alert is told of its end, and who was not, of nothing that follows.
    const bool is_recorded_alone =
        transition.action == Action::kFire
            ? transition.retroactive && too_old.contains(transition.alert)
            : told != nullptr && told->is_recorded_alone;
    // Also where its rule has left production since.
    const bool ends =
        transition.action == Action::kResolve || transition.action == Action::kWithdraw;
    const bool is_sent =
        ends && told != nullptr ? told->was_sent : rule.status == RuleStatus::kProduction;
    log(transition, is_sent && !is_recorded_alone);
    told_.note(transition, rule, is_recorded_alone);
  }
  transitions_.clear();
}

void Pipeline::log(const AlertTransition& transition, bool notify) {
  if (is_replaying_ && told_again_ == nullptr) return;
  const bool ended =
      transition.action == Action::kResolve || transition.action == Action::kWithdraw;
  log({.alert = transition.alert,
       .seq = transition.seq,
       .open = !ended,
       .notify = notify,
       .json = write_alert(transition, *bundle_, *this)},
      transition.action, transition.level);
}

void Pipeline::log(storage::AlertRecord record, Action action, Level level) {
  if (is_replaying_) {
    if (told_again_ != nullptr) (*told_again_)(record.alert, record.seq, record.json);
    return;
  }
  batch().put_alert(std::move(record));
  ++counts_.transitions[{action, level}];
  ++transitions_total_;
}

const Event* Pipeline::find(JournalSeq seq) {
  lookup_arena_.reset();
  Result<Event> event = store_.read_event(seq, lookup_arena_);
  if (!event) return nullptr;
  found_ = *event;
  return &found_;
}

void Pipeline::expect_source(SourceId source) {
  const std::string& name = bundle_->catalogue->source(source).name;
  batch().append(
      {.kind = storage::Control::Kind::kExpectSource, .source = name, .time = {}, .bundle = {}});
  engine_->expect_source(source, transitions_);
  log_transitions();
}

void Pipeline::leave_silent_partitions(SourceId source, Milliseconds idle) {
  const Arrival& arrival = arrivals_[static_cast<size_t>(source)];
  const rules::PartitionTimes partitions = engine_->partitions(source);
  if (partitions.all().size() < 2) return;
  for (const auto& [partition, newest] : partitions.all()) {
    const auto heard = arrival.partitions.find(partition);
    const Milliseconds since = heard == arrival.partitions.end() ? Milliseconds{0} : heard->second;
    if (listened_ - std::max(since, resumed_at_) < idle) continue;
    batch().append({.kind = storage::Control::Kind::kLeavePartition,
                    .source = bundle_->catalogue->source(source).name,
                    .time = {},
                    .bundle = {},
                    .partition = partition});
    engine_->leave_partition(source, partition, transitions_);
    log_transitions();
  }
}

void Pipeline::advance_source(SourceId source, EventTime to) {
  const std::string& name = bundle_->catalogue->source(source).name;
  batch().append(
      {.kind = storage::Control::Kind::kAdvance, .source = name, .time = to, .bundle = {}});
  engine_->advance(source, to, transitions_);
  log_transitions();
  settle_standing();
}

void Pipeline::end_source(SourceId source) {
  const std::string& name = bundle_->catalogue->source(source).name;
  batch().append(
      {.kind = storage::Control::Kind::kEndSource, .source = name, .time = {}, .bundle = {}});
  engine_->end_source(source, transitions_);
  log_transitions();
}

void Pipeline::finish(EventTime to) {
  engine_->finish(to, transitions_);
  log_transitions();
}

Error Pipeline::other_catalogue() {
  return invalid("load rules: the catalogue has changed as well; restart tocsin to take both");
}

std::string Pipeline::bundle_key(std::string_view hash) { return fmt::format("bundle.{}", hash); }

Status Pipeline::commit(WallTime now, bool checkpoint) {
  latest_ = now;
  flush();
  if (checkpoint) {
    save([this](std::string_view key, std::string_view value) { batch().put_state(key, value); });
    if (std::exchange(is_rebuilding_, false)) batch().put_state(kFaultStateKey, {});
    batch().mark_checkpoint();
  }
  if ((batch_ != nullptr && !batch_->empty()) || owes_arrivals()) {
    batch().put_state(kArrivalsStateKey, arrivals_text());
    arrivals_saved_ = listened_;
  }
  Status status = write_batch(now);
  if (status) forget_old_ids();
  for (auto& [answer, receipt] : receipts_) {
    receipt.status = status;
    answer(receipt);
  }
  receipts_.clear();
  if (status && has_built_rules()) status = complete_activation(now);
  if (!status || !may_revise()) return status;
  status = revise(store_.last_seq());
  if (is_cut_off(status)) return Status::ok();  // what was committed is; the next start revises
  if (!status) return status;
  batch().append({.kind = storage::Control::Kind::kRevise, .source = {}, .time = {}, .bundle = {}});
  log_transitions();
  forget_told();
  return write_batch(now);
}

void Pipeline::save(const std::function<void(std::string_view key, std::string_view value)>& put) {
  engine_->save(put);
  put(kBundleStateKey, in_force().text());
  put(kStandingStateKey, standing_.text());
  save_revisions(put);
}

Status Pipeline::write_batch(WallTime now) {
  if (const std::optional<Error> fault = engine_->fault()) return give_up(*fault, now);
  if (batch_ == nullptr) return Status::ok();
  const Status status = store_.commit(*batch_, now);
  batch_ = nullptr;
  const bool contradicts_log = !status && status.error().code == ErrorCode::kInvalid;
  return contradicts_log ? give_up(status.error(), now) : status;
}

Status Pipeline::give_up(const Error& fault, WallTime now) {
  batch_ = nullptr;
  if (fault.code == ErrorCode::kUnavailable) return fault;
  storage::Batch& note = store_.begin();
  note.put_state(kFaultStateKey, fault.message);
  if (Status status = store_.commit(note, now); !status) return status;
  return unavailable(fmt::format(
      "{}; nothing since the last commit was taken, and state is rebuilt from the whole journal "
      "with the next start",
      fault.message));
}

void Pipeline::forget_old_ids() {
  for (size_t i = 0; i < bundle_->catalogue->sources().size(); ++i) {
    const auto source = static_cast<SourceId>(i);
    if (engine_->watermark(source)) seen_.forget(source, horizon_of(source));
  }
  seen_.forget_restored(dedupe_horizon());
}

EventTime Pipeline::dedupe_horizon() const {
  EventTime slowest = kMaxEventTime;
  for (size_t i = 0; i < bundle_->catalogue->sources().size(); ++i) {
    const auto source = static_cast<SourceId>(i);
    if (engine_->watermark(source)) slowest = std::min(slowest, horizon_of(source));
  }
  return slowest == kMaxEventTime ? kMinEventTime : slowest;
}

EventTime Pipeline::horizon_of(SourceId source) const {
  return engine_->watermark(source).value_or(kMinEventTime) -
         bundle_->catalogue->source(source).correction_horizon;
}

bool Pipeline::owes_arrivals() const {
  return listened_ - arrivals_saved_ >= kArrivalsInterval &&
         std::any_of(arrivals_.begin(), arrivals_.end(),
                     [](const Arrival& arrival) { return arrival.last.has_value(); });
}

void Pipeline::note_arrival(const Event& event, WallTime now) {
  Arrival& arrival = arrivals_[static_cast<size_t>(event.source)];
  arrival.last = now;
  arrival.silence_before = Milliseconds{0};
  arrival.heard_at = listened_;
  if (event.partition != 0) arrival.partitions[event.partition] = listened_;
}

std::optional<WallTime> Pipeline::last_arrival(SourceId source) const {
  return arrivals_[static_cast<size_t>(source)].last;
}

Milliseconds Pipeline::silence_of(const Arrival& arrival) const {
  return listened_ - arrival.heard_at.value_or(Milliseconds(0)) + arrival.silence_before;
}

Milliseconds Pipeline::silence_of(SourceId source) const {
  const Arrival& arrival = arrivals_[static_cast<size_t>(source)];
  const Milliseconds since_resumed = listened_ - resumed_at_;
  const bool was_heard_since = arrival.heard_at && *arrival.heard_at >= resumed_at_;
  const bool is_soon = !was_heard_since && since_resumed < options_.backlog_grace;
  return is_soon ? since_resumed : silence_of(arrival);
}

std::string Pipeline::arrivals_text() const {
  std::string text;
  for (size_t i = 0; i < arrivals_.size(); ++i) {
    if (!arrivals_[i].last) continue;
    fmt::format_to(std::back_inserter(text), "{} {} {}\n", to_ms(*arrivals_[i].last),
                   silence_of(arrivals_[i]).count(),
                   bundle_->catalogue->source(static_cast<SourceId>(i)).name);
  }
  return text;
}

PipelineCounts::PerSource& Pipeline::counts_of(SourceId source) {
  const auto index = static_cast<size_t>(source);
  if (index >= counts_.by_source.size()) {
    counts_.by_source.resize(bundle_->catalogue->sources().size());
  }
  return counts_.by_source[index];
}

PipelineCounts Pipeline::take_counts() { return std::exchange(counts_, {}); }

}  // namespace tocsin::daemon
