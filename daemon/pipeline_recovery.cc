#include <fmt/format.h>

#include <sstream>

#include "daemon/pipeline.h"
#include "daemon/shadow.h"
#include "daemon/told_in_force.h"

// The half of Pipeline that runs once, at start: back to where the last commit left off.
namespace tocsin::daemon {

Status Pipeline::recover(const CompileBundle& compile, const Progress& progress,
                         std::string& warning, WallTime now) {
  latest_ = now;
  const std::shared_ptr<const rules::Bundle> present = bundle_;
  const std::string present_text = bundle_text_;
  if (store_.last_seq() == 0) {
    if (Status status = store_.put_meta(kFirstBundle, in_force().text()); !status) return status;
  }

  // Under the rules that were in force at the checkpoint, so that the journal after it is met by
  // the same decisions and ends in the same state.
  const Result<OwnState> own = read_own_state();
  if (!own) return own.error();
  const bool has_checkpoint = !own->rules.hash.empty();
  std::shared_ptr<const rules::Bundle> old = present;
  if (has_checkpoint) {
    const auto stored = stored_bundle(own->rules.hash, compile);
    if (!stored) return stored.error();
    old = *stored;
  }
  enum class From : uint8_t { kCheckpoint, kStart, kStartByPresent };
  From from = has_checkpoint ? From::kCheckpoint : From::kStart;
  if (old == nullptr) {
    warning =
        "the rules in force before the restart no longer compile: state is rebuilt from the whole "
        "journal by the present ones";
    from = From::kStartByPresent;
  } else if (!(*old->catalogue == *present->catalogue)) {
    // Saved groups are numbered by the old catalogue.
    warning = "the catalogue has changed: state is rebuilt from the whole journal";
    from = From::kStartByPresent;
  } else if (has_checkpoint) {
    emit_ = own->rules.emit;
    if (Status status = go_back_to(old); !status) return status;
    bool complete = own->fault.empty();
    if (!complete) {
      warning = fmt::format("{}: state is rebuilt from the whole journal", own->fault);
    } else {
      if (Status status = restore_state(complete); !status) return status;
      if (!complete) {
        warning =
            "the number of shards or the format of saved state has changed, or it is damaged: "
            "state is rebuilt from the whole journal";
      }
    }
    if (!complete) from = From::kStart;
  }
  JournalSeq first = store_.checkpoint_seq() + 1;
  if (from != From::kCheckpoint) {
    if (Status status = read_told(); !status) return status;
    if (Status status = drop_saved_state(); !status) return status;
    standing_ = {};
  }
  const std::set<Hash128> told_before = ids_of(told_);
  if (from == From::kStart) {
    const Result<std::optional<JournalSeq>> begun = begin_as_then(compile);
    if (!begun) return begun.error();
    if (*begun) {
      first = **begun;
      told_ = {};
    } else {
      if (warning.empty()) warning = "nothing is saved: state is rebuilt from the whole journal";
      warning += " by the present rules, since those of then are not to be had";
      from = From::kStartByPresent;
    }
  }
  if (from == From::kStartByPresent) {
    emit_ = options_.emit;
    bundle_text_ = present_text;
    const auto begin = old == nullptr ? std::set<std::string>() : beginning_with(*old, *present);
    bundle_ = present;
    if (Status status = judge_whole_now(begin, compile, progress); !status) return status;
  } else {
    std::istringstream places(from == From::kCheckpoint ? own->unrevised : std::string());
    for (JournalSeq place = 0; places >> place;) unrevised_.push_back(place);
    Status status =
        replay_journal(first, store_.last_seq(), Judges::kAsThen, compile, progress, warning);
    if (!status) return status;
  }
  if (from == From::kStart) {
    Result<LoggedAlerts> logged = read_logged_alerts(store_);
    if (!logged) return logged.error();
    if (Status status = bring_log_to_rules(*logged, {}); !status) return status;
    if (!standing_.is_whole()) forget_unlogged(*logged, told_before, told_);
  }
  if (Status status = restore_seen_ids(); !status) return status;
  restore_arrivals(own->arrivals);
  if (bundle_->hash != present->hash || emit_ != options_.emit) {
    return activate(present, present_text, options_.emit);
  }
  return store_.put_meta(bundle_key(to_hex(bundle_->hash)), bundle_text_);
}

Status Pipeline::recompute(JournalSeq to, const CompileBundle& compile, const Progress& progress,
                           const Told& told, std::string& warning) {
  JournalSeq from = recomputed_ + 1;
  if (recomputed_ == 0) {
    const Result<JournalSeq> first = begin_at_first(compile);
    if (!first) return first.error();
    from = *first;
  }
  recomputed_ = to;
  told_again_ = &told;
  const Status status = replay_journal(from, to, Judges::kAsThen, compile, progress, warning);
  told_again_ = nullptr;
  return status;
}

Result<std::string> Pipeline::rules_at_checkpoint(const storage::Store& store) {
  InForce rules;
  Status status = store.read_state([&](std::string_view key, std::string_view value) {
    if (key == kBundleStateKey) rules = InForce::parse(value, rules::Emit::kEarly);
  });
  if (!status) return status.error();
  const auto text = store.meta(bundle_key(rules.hash));
  if (!text) return text.error();
  return text->value_or("");
}

Pipeline::InForce Pipeline::InForce::parse(std::string_view text, rules::Emit otherwise) {
  const size_t space = std::min(text.find(' '), text.size());
  const std::string_view emit = text.substr(std::min(space + 1, text.size()));
  return {std::string(text.substr(0, space)), emit_of(emit, otherwise)};
}

std::string Pipeline::InForce::text() const { return fmt::format("{} {}", hash, word_of(emit)); }

Result<Pipeline::OwnState> Pipeline::read_own_state() const {
  OwnState own;
  Status status = store_.read_state([&](std::string_view key, std::string_view value) {
    if (key == kBundleStateKey) own.rules = InForce::parse(value, emit_);
    if (key == kArrivalsStateKey) own.arrivals = value;
    if (key == kUnrevisedStateKey) own.unrevised = value;
    if (key == kFaultStateKey) own.fault = value;
  });
  if (!status) return status.error();
  return own;
}

Result<std::shared_ptr<const rules::Bundle>> Pipeline::stored_bundle(const std::string& hash,
                                                                     const CompileBundle& compile) {
  if (hash == to_hex(bundle_->hash)) return bundle_;
  const auto text = store_.meta(bundle_key(hash));
  if (!text) return text.error();
  return text->has_value() ? compile(**text) : nullptr;
}

Status Pipeline::go_back_to(std::shared_ptr<const rules::Bundle> bundle) {
  if (bundle->hash == bundle_->hash) {
    set_bundle(std::move(bundle));  // with an engine that emits so
    return Status::ok();
  }
  const auto text = store_.meta(bundle_key(to_hex(bundle->hash)));
  if (!text) return text.error();
  bundle_text_ = text->value_or("");
  set_bundle(std::move(bundle));
  return Status::ok();
}

Status Pipeline::begin_anew(std::shared_ptr<const rules::Bundle> bundle) {
  told_from_ = kMinEventTime;
  if (Status status = go_back_to(std::move(bundle)); !status) return status;
  const Result<EventTime> reaches_back = journal_reaches_back();
  if (!reaches_back) return reaches_back.error();
  standing_ = {};
  standing_.told_from = *reaches_back;
  if (standing_.is_whole()) return Status::ok();
  // With no event left nobody knows from when on; the engine then begins as in an empty folder.
  if (*reaches_back != kMaxEventTime) told_from_ = *reaches_back;
  set_bundle(bundle_);
  return Status::ok();
}

// Where rules judged the whole, it does not matter what others said before.
Result<std::optional<JournalSeq>> Pipeline::begin_as_then(const CompileBundle& compile) {
  using Begun = std::optional<JournalSeq>;
  const auto judgements = whole_judgements();
  if (!judgements) return judgements.error();
  std::shared_ptr<const rules::Bundle> first = bundle_;
  JournalSeq from = 1;
  if (!judgements->empty()) {
    const WholeJudgement& last = judgements->back();
    const auto stored = stored_bundle(last.control.bundle, compile);
    if (!stored) return stored.error();
    first = *stored;
    from = last.seq;
  } else if (store_.first_seq() == 1) {
    const auto stored = first_bundle(compile, emit_);
    if (!stored) return stored.error();
    first = *stored;
  }  // with its beginning the journal has lost which rules were loaded then
  if (first == nullptr || !(*first->catalogue == *bundle_->catalogue)) return Begun();
  if (Status status = begin_anew(first); !status) return status.error();
  return Begun(from);
}

Result<JournalSeq> Pipeline::begin_at_first(const CompileBundle& compile) {
  const auto judgements = whole_judgements();
  if (!judgements) return judgements.error();
  rules::Emit emit = emit_;
  const auto first = first_bundle(compile, emit);
  if (!first) return first.error();
  // Without such a judgement the catalogue was changed by a tocsin that did not journal it.
  const bool is_known =
      *first != nullptr && (!judgements->empty() || *(*first)->catalogue == *bundle_->catalogue);
  if (is_known) {
    emit_ = emit;
    if (Status status = go_back_to(*first); !status) return status.error();
    return JournalSeq{1};
  }
  for (const WholeJudgement& judgement : *judgements) {
    const auto stored = stored_bundle(judgement.control.bundle, compile);
    if (!stored) return stored.error();
    if (*stored == nullptr) continue;
    undecided_to_ = ActivationRecord::parse(judgement.control.source, emit_).log_before.value_or(0);
    return judgement.seq;
  }
  return JournalSeq{1};
}

// Those in force where the folder is from before it was kept.
Result<std::shared_ptr<const rules::Bundle>> Pipeline::first_bundle(const CompileBundle& compile,
                                                                    rules::Emit& emit) {
  const auto first = store_.meta(kFirstBundle);
  if (!first) return first.error();
  if (!first->has_value()) return bundle_;
  const InForce rules = InForce::parse(**first, emit);
  emit = rules.emit;
  return stored_bundle(rules.hash, compile);
}

Result<std::vector<Pipeline::WholeJudgement>> Pipeline::whole_judgements() const {
  std::vector<WholeJudgement> found;
  const Status status = store_.read_journal(1, [&](const storage::Store::JournalRecord& record) {
    if (record.control != nullptr && is_whole_judgement(*record.control)) {
      found.push_back({record.seq, *record.control});
    }
    return true;
  });
  if (!status) return status.error();
  return found;
}

Status Pipeline::restore_state(bool& complete) {
  complete = true;
  Status status = store_.read_state([&](std::string_view key, std::string_view value) {
    if (key == kBundleStateKey || key == kArrivalsStateKey || key == kUnrevisedStateKey) return;
    if (key == kStandingStateKey) {
      const auto standing = StandingAlerts::parse(value);
      complete = complete && standing.has_value();
      standing_ = standing.value_or(StandingAlerts{});
      return;
    }
    if (key.starts_with(kToldPrefix)) {
      if (!told_.restore(key.substr(kToldPrefix.size()), value)) complete = false;
      return;
    }
    if (!engine_->restore(key, value)) complete = false;
  });
  engine_->finish_restore();
  return status;
}

// Of state that is not to be restored as a whole; what is damaged is left out.
Status Pipeline::read_told() {
  told_ = {};
  return store_.read_state([&](std::string_view key, std::string_view value) {
    if (!key.starts_with(kToldPrefix)) return;
    static_cast<void>(told_.restore(key.substr(kToldPrefix.size()), value));
  });
}

// With the next commit, before what that saves anew. What tells how to begin stays for a start that
// does it again, until the checkpoint.
Status Pipeline::drop_saved_state() {
  std::vector<std::string> keys;
  Status status = store_.read_state([&keys](std::string_view key, std::string_view) {
    if (key != kBundleStateKey && key != kArrivalsStateKey) keys.emplace_back(key);
  });
  for (const std::string& key : keys) batch().put_state(key, {});
  batch().put_state(kFaultStateKey, "a rebuild of the state has not come to its end");
  is_rebuilding_ = true;
  return status;
}

Status Pipeline::make_room() {
  if (!options_.state_memory || engine_->resident_bytes() <= *options_.state_memory) {
    return Status::ok();
  }
  save([this](std::string_view key, std::string_view value) {
    if (key != kBundleStateKey) batch().put_state(key, value);
  });
  return write_batch(latest_);
}

Status Pipeline::replay_journal(JournalSeq from, JournalSeq to, Judges judges,
                                const CompileBundle& compile, const Progress& progress,
                                std::string& warning) {
  const bool was_replaying = std::exchange(is_replaying_, true);
  const JournalSeq begin = from;
  uint64_t done = 0;
  Status status;
  for (bool has_more = true; status && has_more;) {
    has_more = false;
    std::optional<WholeJudgement> judgement;
    Status ended;
    status = store_.read_journal(from, [&](const storage::Store::JournalRecord& record) {
      if (record.seq > to) return false;
      if (progress && done++ % 65536 == 0 && !progress(done - 1, to - begin + 1)) {
        ended = unavailable("told to stop");
        return false;
      }
      from = record.seq + 1;
      const bool is_activation =
          record.control != nullptr && record.control->kind == storage::Control::Kind::kActivate;
      if (is_activation && judges == Judges::kAlone) return true;
      // By another catalogue, it may be: what follows is to be read by that one.
      if (is_activation && is_whole_judgement(*record.control)) {
        judgement = {record.seq, *record.control};
        return false;
      }
      ended = replay(record, compile, warning);
      has_more = is_rebuilding_ && record.seq % kRecordsBetweenRooms == 0;
      return ended.has_value() && !has_more;
    });
    if (status) status = ended;
    if (!status) break;
    if (judgement) {
      status = judge_whole_again(*judgement, compile, progress, warning);
      has_more = true;
    } else if (has_more) {
      status = make_room();
    }
  }
  is_replaying_ = was_replaying;
  return status;
}

Status Pipeline::replay(const storage::Store::JournalRecord& record, const CompileBundle& compile,
                        std::string& warning) {
  Status status;
  if (record.event != nullptr) {
    const bool is_correction = record.event->op != Operation::kAssert;
    if (is_correction || rules::is_late(*record.event, *engine_)) unrevised_.push_back(record.seq);
    engine_->on_event(*record.event, record.seq, transitions_);
    engine_->flush(transitions_);
  } else if (record.control != nullptr) {
    status = apply(*record.control, record.seq, compile, warning);
  }
  log_transitions();
  if (record.event != nullptr && record.seq % kRecordsBetweenForgetting == 0) {
    settle_standing();
    forget_told();
  } else if (record.control != nullptr) {
    if (record.control->kind == storage::Control::Kind::kAdvance) settle_standing();
    if (record.control->kind == storage::Control::Kind::kRevise) forget_told();
  }
  return status;
}

Status Pipeline::apply(const storage::Control& control, JournalSeq seq,
                       const CompileBundle& compile, std::string& warning) {
  if (control.kind == storage::Control::Kind::kRevise) return revise(seq - 1);
  if (control.kind == storage::Control::Kind::kActivate) {
    return activate_again(control, seq, compile, warning);
  }
  const auto source = bundle_->catalogue->find_source(control.source);
  if (!source) return Status::ok();  // gone from the catalogue: nothing waits for it
  switch (control.kind) {
    case storage::Control::Kind::kAdvance:
      engine_->advance(*source, control.time, transitions_);
      return Status::ok();
    case storage::Control::Kind::kEndSource:
      engine_->end_source(*source, transitions_);
      return Status::ok();
    case storage::Control::Kind::kExpectSource:
      engine_->expect_source(*source, transitions_);
      return Status::ok();
    case storage::Control::Kind::kLeavePartition:
      engine_->leave_partition(*source, control.partition, transitions_);
      return Status::ok();
    case storage::Control::Kind::kActivate:
    case storage::Control::Kind::kRevise:
      return Status::ok();
  }
  return Status::ok();
}

Status Pipeline::restore_seen_ids() {
  return store_.read_seen_ids(dedupe_horizon(), [this](const storage::Store::SeenId& id) {
    seen_.restore(id.key, id.rev, id.time);
  });
}

// By name: the catalogue, and so the numbers, may be another one now.
void Pipeline::restore_arrivals(std::string_view text) {
  std::istringstream lines{std::string(text)};
  int64_t last = 0;
  int64_t silence = 0;
  for (std::string name; lines >> last >> silence >> name;) {
    const auto source = bundle_->catalogue->find_source(name);
    if (!source) continue;
    Arrival& arrival = arrivals_[static_cast<size_t>(*source)];
    arrival.last = from_ms(last);
    arrival.silence_before = Milliseconds(silence);
    const WallTime until = from_ms(last) + Milliseconds(silence);
    listened_before_ = std::max(listened_before_.value_or(until), until);
  }
}

}  // namespace tocsin::daemon
