#include <fmt/format.h>

#include <sstream>

#include "daemon/pipeline.h"

// The half of Pipeline that runs once, at start: back to where the last commit left off.
namespace tocsin::daemon {

Status Pipeline::recover(const CompileBundle& compile, const Progress& progress,
                         std::string& warning) {
  const std::shared_ptr<const rules::Bundle> present = bundle_;
  const std::string present_text = bundle_text_;

  // Under the rules that were in force at the checkpoint, so that the journal after it is met by
  // the same decisions and ends in the same state.
  const Result<OwnState> own = read_own_state();
  if (!own) return own.error();
  Result<std::shared_ptr<const rules::Bundle>> stored = bundle_at_checkpoint(own->bundle, compile);
  if (!stored && stored.error().code != ErrorCode::kNotFound) return stored.error();
  const std::shared_ptr<const rules::Bundle> old = stored ? *stored : nullptr;
  bool from_the_start = false;
  if (stored && old == nullptr) {
    warning =
        "the rules in force before the restart no longer compile; what came after the last "
        "checkpoint is judged by the present rules";
  } else if (old != nullptr && !(*old->catalogue == *present->catalogue)) {
    // Saved groups are numbered by the old catalogue.
    warning = "the catalogue has changed: state is rebuilt from the whole journal";
    from_the_start = true;
  } else if (old != nullptr && old->hash != present->hash) {
    const auto text = store_.meta(bundle_key(to_hex(old->hash)));
    if (!text) return text.error();
    bundle_text_ = text->value_or("");
    set_bundle(old);
  }
  if (!from_the_start) {
    bool complete = true;
    if (Status status = restore_state(complete); !status) return status;
    if (!complete) {
      warning =
          "the number of shards or the format of saved state has changed: state is rebuilt from "
          "the whole journal";
      from_the_start = true;
      set_bundle(bundle_);
    }
  }
  if (from_the_start) {
    if (Status status = drop_saved_state(); !status) return status;
  }
  std::istringstream places(own->unrevised);
  for (JournalSeq place = 0; !from_the_start && places >> place;) unrevised_.push_back(place);
  const JournalSeq from = from_the_start ? 1 : store_.checkpoint_seq() + 1;
  if (Status status = replay_journal(from, compile, progress, warning); !status) return status;
  if (Status status = restore_seen_ids(); !status) return status;
  restore_arrivals(own->arrivals);
  // Also when the state was saved under rules that are gone: open alerts have levels of theirs.
  const bool is_foreign = stored && old == nullptr;
  if (bundle_->hash != present->hash || is_foreign) return activate(present, present_text);
  return store_.put_meta(bundle_key(to_hex(bundle_->hash)), bundle_text_);
}

Result<Pipeline::OwnState> Pipeline::read_own_state() const {
  OwnState own;
  Status status = store_.read_state([&own](std::string_view key, std::string_view value) {
    if (key == kBundleStateKey) own.bundle = value;
    if (key == kArrivalsStateKey) own.arrivals = value;
    if (key == kUnrevisedStateKey) own.unrevised = value;
  });
  if (!status) return status.error();
  return own;
}

Result<std::shared_ptr<const rules::Bundle>> Pipeline::bundle_at_checkpoint(
    const std::string& hash, const CompileBundle& compile) {
  if (hash.empty()) return not_found("no checkpoint yet");
  if (hash == to_hex(bundle_->hash)) return bundle_;
  const auto text = store_.meta(bundle_key(hash));
  if (!text) return text.error();
  return text->has_value() ? compile(**text) : nullptr;
}

Status Pipeline::restore_state(bool& complete) {
  complete = true;
  Status status = store_.read_state([&](std::string_view key, std::string_view value) {
    if (key == kBundleStateKey || key == kArrivalsStateKey || key == kUnrevisedStateKey) return;
    if (key.starts_with(kToldPrefix)) {
      told_.restore(value);
      return;
    }
    if (!engine_->restore(key, value)) complete = false;
  });
  engine_->finish_restore();
  return status;
}

// With the next commit, before what that saves anew.
Status Pipeline::drop_saved_state() {
  std::vector<std::string> keys;
  Status status = store_.read_state(
      [&keys](std::string_view key, std::string_view) { keys.emplace_back(key); });
  for (const std::string& key : keys) batch().put_state(key, {});
  return status;
}

Status Pipeline::replay_journal(JournalSeq from, const CompileBundle& compile,
                                const Progress& progress, std::string& warning) {
  const JournalSeq last = store_.last_seq();
  uint64_t done = 0;
  Status ended;
  Status status = store_.read_journal(from, [&](const storage::Store::JournalRecord& record) {
    if (progress && done++ % 65536 == 0 && !progress(done - 1, last - from + 1)) {
      ended = unavailable("recovery was told to stop");
      return false;
    }
    if (record.event != nullptr) {
      const bool is_correction = record.event->op != Operation::kAssert;
      if (is_correction || is_late(*record.event)) unrevised_.push_back(record.seq);
      engine_->on_event(*record.event, record.seq, transitions_);
      engine_->flush(transitions_);
    } else if (record.control != nullptr) {
      ended = apply(*record.control, record.seq, compile, warning);
    }
    // They were committed together with the record that caused them.
    for (const AlertTransition& transition : transitions_) {
      told_.note(transition, bundle_->rules[transition.rule]);
    }
    transitions_.clear();
    return ended.has_value();
  });
  return status ? ended : status;
}

Status Pipeline::apply(const storage::Control& control, JournalSeq seq,
                       const CompileBundle& compile, std::string& warning) {
  if (control.kind == storage::Control::Kind::kRevise) return revise(seq - 1);
  if (control.kind == storage::Control::Kind::kActivate) {
    const auto text = store_.meta(bundle_key(control.bundle));
    if (!text) return text.error();
    std::shared_ptr<const rules::Bundle> bundle = text->has_value() ? compile(**text) : nullptr;
    if (!bundle || !(*bundle->catalogue == *bundle_->catalogue)) {
      warning = fmt::format(
          "rules {} were loaded after the last checkpoint and cannot be compiled again; the "
          "present "
          "ones judge what came since",
          control.bundle);
      return Status::ok();
    }
    engine_->activate(bundle, transitions_, transitions_);
    bundle_ = std::move(bundle);
    bundle_text_ = **text;
    return Status::ok();
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
    arrivals_[static_cast<size_t>(*source)] = {
        .last = from_ms(last), .silence_before = Milliseconds(silence), .heard_at = std::nullopt};
  }
}

}  // namespace tocsin::daemon
