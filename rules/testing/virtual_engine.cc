#include "rules/testing/virtual_engine.h"

#include <algorithm>
#include <tuple>

#include "rules/model/check.h"

namespace tocsin::rules {

VirtualEngine::VirtualEngine(std::shared_ptr<const Bundle> bundle, EngineOptions options,
                             bool revises)
    : bundle_(std::move(bundle)), options_(std::move(options)), revises_(revises) {
  options_.saved = &saved_;
  engine_ = std::make_unique<Engine>(bundle_, options_);
}

std::string_view VirtualEngine::event_id(JournalSeq seq) const {
  return seq == 0 || seq > journal_.size() ? std::string_view() : journal_[seq - 1].id;
}

void VirtualEngine::expect(SourceId source) {
  engine_->expect_source(source);
  expected_.push_back(source);
}

void VirtualEngine::move_to(EventTime now) {
  now_ = std::max(now_, now);
  for (const auto& [source, arrival] : last_arrival_) {
    const Source& feed = bundle_->catalogue->source(source);
    if (now_ - arrival < feed.idle) continue;
    engine_->advance(source, now_ - feed.lateness, fresh_);
    advances_.emplace_back(source, now_ - feed.lateness);
  }
  log_fresh();
}

void VirtualEngine::log_fresh() {
  for (AlertTransition& transition : fresh_) {
    const Rule& rule = bundle_->raised_by(transition.rule);
    transition.seq = std::max(transition.seq, told_.next_seq(transition, rule));
    told_.note(transition, rule, /*is_recorded_alone=*/false);
    log_.push_back({std::move(transition), rule.id});
  }
  fresh_.clear();
}

void VirtualEngine::deliver(const Event& event) {
  const Source& source = bundle_->catalogue->source(event.source);
  const auto [seen, is_new] = seen_.try_emplace(id_of(event), event.rev);
  if (!is_new && seen->second >= event.rev) {
    ++duplicates_;
    return;
  }
  seen->second = event.rev;
  const auto watermark = engine_->watermark(event.source);
  if (watermark && event.time < *watermark - source.correction_horizon) {
    ++too_late_;
    return;
  }
  last_arrival_[event.source] = now_;
  journal_.push_back(event);
  Event& taken = journal_.back();
  std::vector<JournalSeq>& places = places_[id_of(event)];
  if (taken.op != Operation::kRetract && !places.empty()) taken.op = Operation::kCorrect;
  places.push_back(journal_.size());
  const bool is_revision = taken.op != Operation::kAssert || is_late(taken, *engine_);
  engine_->on_event(taken, journal_.size(), fresh_);
  log_fresh();
  if (revises_ && is_revision) revise(journal_.size());
}

void VirtualEngine::end(SourceId source) {
  engine_->end_source(source, fresh_);
  ended_.push_back(source);
  log_fresh();
}

void VirtualEngine::Saved::put(std::string_view key, std::string_view value) {
  if (value.empty()) {
    entries_.erase(std::string(key));
  } else {
    entries_.insert_or_assign(std::string(key), std::string(value));
  }
}

Result<std::optional<std::string>> VirtualEngine::Saved::read(std::string_view key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::optional<std::string>();
  return std::optional(found->second);
}

void VirtualEngine::save() {
  engine_->save([this](std::string_view key, std::string_view value) { saved_.put(key, value); });
}

void VirtualEngine::restart() {
  save();
  engine_ = std::make_unique<Engine>(bundle_, options_);
  for (const auto& [key, value] : saved_.all()) engine_->restore(key, value);
}

void VirtualEngine::cool() {
  save();
  engine_->cool(0);
  engine_->cool(0);  // those that were used since the last call too
  TOCSIN_CHECK(!engine_->fault());
}

void VirtualEngine::reload(std::shared_ptr<const Bundle> bundle) {
  std::vector<AlertTransition> begun;
  engine_->activate(bundle, fresh_, begun);
  log_fresh();
  bundle_ = std::move(bundle);
  fresh_ = std::move(begun);
  log_fresh();
}

void VirtualEngine::finish(EventTime to) {
  for (const auto& [source, arrival] : last_arrival_) {
    engine_->end_source(source, fresh_);
    ended_.push_back(source);
  }
  engine_->finish(to, fresh_);
  log_fresh();
}

std::vector<const LoggedTransition*> VirtualEngine::active() const {
  std::map<Hash128, const LoggedTransition*> latest;
  for (const LoggedTransition& transition : log_) {
    const LoggedTransition*& last = latest[transition.alert];
    if (last == nullptr || last->seq < transition.seq) last = &transition;
  }
  std::vector<const LoggedTransition*> active;
  for (const auto& [id, transition] : latest) {
    const bool has_ended =
        transition->action == Action::kResolve || transition->action == Action::kWithdraw;
    if (!has_ended) active.push_back(transition);
  }
  std::sort(active.begin(), active.end(), [](const LoggedTransition* a, const LoggedTransition* b) {
    return std::tie(a->rule_id, a->group) < std::tie(b->rule_id, b->group);
  });
  return active;
}

}  // namespace tocsin::rules
