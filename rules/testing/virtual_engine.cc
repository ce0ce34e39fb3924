#include "rules/testing/virtual_engine.h"

#include <algorithm>
#include <tuple>

#include "rules/model/check.h"

namespace tocsin::rules {

VirtualEngine::VirtualEngine(std::shared_ptr<const Bundle> bundle, EngineOptions options)
    : bundle_(std::move(bundle)), options_(std::move(options)) {
  options_.saved = &saved_;
  engine_ = std::make_unique<Engine>(bundle_, options_);
}

std::string_view VirtualEngine::event_id(JournalSeq seq) const {
  return seq == 0 || seq > journal_.size() ? std::string_view() : journal_[seq - 1].id;
}

void VirtualEngine::move_to(EventTime now) {
  now_ = std::max(now_, now);
  for (const auto& [source, arrival] : last_arrival_) {
    const Source& feed = bundle_->catalogue->source(source);
    if (now_ - arrival >= feed.idle) engine_->advance(source, now_ - feed.lateness, fresh_);
  }
  log_fresh();
}

void VirtualEngine::log_fresh() {
  for (AlertTransition& transition : fresh_) {
    const std::string& rule = bundle_->raised_by(transition.rule).id;
    log_.push_back({std::move(transition), rule});
  }
  fresh_.clear();
}

void VirtualEngine::deliver(const Event& event) {
  const Source& source = bundle_->catalogue->source(event.source);
  const auto [seen, is_new] = seen_.try_emplace({source.name, std::string(event.id)}, event.rev);
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
  engine_->on_event(event, journal_.size(), fresh_);
  log_fresh();
}

void VirtualEngine::end(SourceId source) {
  engine_->end_source(source, fresh_);
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
  for (const auto& [source, arrival] : last_arrival_) engine_->end_source(source, fresh_);
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
