#include <fmt/format.h>

#include <sstream>

#include "daemon/pipeline.h"

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
  std::shared_ptr<const rules::Bundle> old;
  if (has_checkpoint) {
    const auto stored = stored_bundle(own->rules.hash, compile);
    if (!stored) return stored.error();
    old = *stored;
  }
  bool from_the_start = !has_checkpoint;
  if (!has_checkpoint) {
    if (Status status = begin_at_first(compile); !status) return status;
  } else if (old == nullptr) {
    warning =
        "the rules in force before the restart no longer compile: state is rebuilt from the whole "
        "journal by the present ones";
    from_the_start = true;
  } else if (!(*old->catalogue == *present->catalogue)) {
    // Saved groups are numbered by the old catalogue.
    warning = "the catalogue has changed: state is rebuilt from the whole journal";
    from_the_start = true;
  } else {
    emit_ = own->rules.emit;
    if (Status status = go_back_to(old); !status) return status;
  }
  if (!from_the_start) {
    bool complete = own->fault.empty();
    if (complete) {
      if (Status status = restore_state(complete); !status) return status;
    }
    if (!complete) {
      warning = fmt::format("{}: state is rebuilt from the whole journal",
                            own->fault.empty() ? "the number of shards or the format of saved "
                                                 "state has changed, or it is damaged"
                                               : own->fault);
      from_the_start = true;
      told_ = {};
      set_bundle(bundle_);
      if (Status status = begin_at_first(compile); !status) return status;
    }
  }
  if (from_the_start) {
    if (Status status = drop_saved_state(); !status) return status;
  }
  std::istringstream places(own->unrevised);
  for (JournalSeq place = 0; !from_the_start && places >> place;) unrevised_.push_back(place);
  const JournalSeq from = from_the_start ? 1 : store_.checkpoint_seq() + 1;
  Status status = replay_journal(from, store_.last_seq(), compile, progress, warning);
  if (!status) return status;
  if (status = restore_seen_ids(); !status) return status;
  restore_arrivals(own->arrivals);
  if (from_the_start) {
    if (status = bring_log_to_rules(); !status) return status;
  }
  if (bundle_->hash != present->hash || emit_ != options_.emit) {
    return activate(present, present_text, options_.emit);
  }
  return store_.put_meta(bundle_key(to_hex(bundle_->hash)), bundle_text_);
}

Status Pipeline::recompute(JournalSeq to, const CompileBundle& compile, const Progress& progress,
                           const Told& told, std::string& warning) {
  if (recomputed_ == 0) {
    if (Status status = begin_at_first(compile); !status) return status;
  }
  told_again_ = &told;
  const Status status =
      replay_journal(std::exchange(recomputed_, to) + 1, to, compile, progress, warning);
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

rules::Emit Pipeline::InForce::emit_of(std::string_view word, rules::Emit otherwise) {
  if (word.empty()) return otherwise;  // from before it was kept
  return word == "final" ? rules::Emit::kFinal : rules::Emit::kEarly;
}

std::string Pipeline::InForce::text() const { return fmt::format("{} {}", hash, word()); }

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

Status Pipeline::begin_at_first(const CompileBundle& compile) {
  // With its beginning the journal has lost which rules were loaded then.
  if (store_.first_seq() > 1) return Status::ok();
  const auto first = store_.meta(kFirstBundle);
  if (!first) return first.error();
  if (!first->has_value()) return Status::ok();  // a folder from before this was kept
  const InForce rules = InForce::parse(**first, emit_);
  const auto bundle = stored_bundle(rules.hash, compile);
  if (!bundle) return bundle.error();
  if (*bundle == nullptr || !(*(*bundle)->catalogue == *bundle_->catalogue)) return Status::ok();
  emit_ = rules.emit;
  return go_back_to(*bundle);
}

Status Pipeline::restore_state(bool& complete) {
  complete = true;
  Status status = store_.read_state([&](std::string_view key, std::string_view value) {
    if (key == kBundleStateKey || key == kArrivalsStateKey || key == kUnrevisedStateKey) return;
    if (key.starts_with(kToldPrefix)) {
      if (!told_.restore(key.substr(kToldPrefix.size()), value)) complete = false;
      return;
    }
    if (!engine_->restore(key, value)) complete = false;
  });
  engine_->finish_restore();
  return status;
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

Status Pipeline::replay_journal(JournalSeq from, JournalSeq to, const CompileBundle& compile,
                                const Progress& progress, std::string& warning) {
  uint64_t done = 0;
  Status status;
  Status ended;
  is_replaying_ = true;
  bool has_more = true;
  for (JournalSeq next = from; status && ended && has_more;) {
    has_more = false;
    status = store_.read_journal(next, [&](const storage::Store::JournalRecord& record) {
      if (record.seq > to) return false;
      if (progress && done++ % 65536 == 0 && !progress(done - 1, to - from + 1)) {
        ended = unavailable("told to stop");
        return false;
      }
      if (record.event != nullptr) {
        const bool is_correction = record.event->op != Operation::kAssert;
        if (is_correction || rules::is_late(*record.event, *engine_))
          unrevised_.push_back(record.seq);
        engine_->on_event(*record.event, record.seq, transitions_);
        engine_->flush(transitions_);
      } else if (record.control != nullptr) {
        ended = apply(*record.control, record.seq, compile, warning);
      }
      log_transitions();
      if (record.event != nullptr && record.seq % kRecordsBetweenForgetting == 0) forget_told();
      next = record.seq + 1;
      has_more = is_rebuilding_ && record.seq % kRecordsBetweenRooms == 0;
      return ended.has_value() && !has_more;
    });
    if (status && ended && has_more) ended = make_room();
  }
  is_replaying_ = false;
  return status ? ended : status;
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
