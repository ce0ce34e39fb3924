#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "daemon/chronicle.h"
#include "daemon/pipeline.h"
#include "rules/alert_board.h"
#include "rules/look_back.h"
#include "rules/touched.h"

// Corrections, retractions and late events: what they change is decided anew, by an engine that
// reads the journal as it now stands in order of time, and told against what was told before.
namespace tocsin::daemon {

namespace {

// How far back a decision of the rule looks, with all that it reads.
Milliseconds reach_of(const rules::Rule& rule, const rules::Bundle& bundle) {
  Milliseconds read{0};
  const auto note = [&](const rules::Rule& reader) {
    for (const rules::SignalUse& use : reader.signals) {
      for (const std::string& name : use.signals) {
        const auto signal =
            std::find_if(bundle.signals.begin(), bundle.signals.end(),
                         [&](const rules::Signal& known) { return known.key == name; });
        read = std::max(read, use.back + longest(rules::look_back(signal->rule).reach));
      }
    }
  };
  note(rule);
  Milliseconds armed{0};
  if (rule.arming != nullptr) {
    note(rule.arming->rule);
    armed = longest(rule.arming->span);
  }
  const Milliseconds own = longest(rules::look_back(rule).reach) + read + armed;
  if (!rules::is_over_alerts(rule.kind())) return own;
  Milliseconds theirs{0};
  for (const rules::Rule& raises : bundle.rules) {
    if (!rules::is_over_alerts(raises.kind())) {
      theirs = std::max(theirs, reach_of(raises, bundle));
    }
  }
  return own + theirs;
}

}  // namespace

Operation Pipeline::operation_of(const Event& event, Hash128 key) const {
  // Of what is said to be a correction the first version may have been forgotten, beyond the
  // horizon.
  if (event.op != Operation::kAssert) return event.op;
  return seen_.knows(key) ? Operation::kCorrect : Operation::kAssert;
}

EventTime Pipeline::newest_event() const {
  EventTime newest = kMinEventTime;
  for (size_t i = 0; i < bundle_->catalogue->sources().size(); ++i) {
    newest = std::max(newest, engine_->newest(static_cast<SourceId>(i)).value_or(kMinEventTime));
  }
  return newest;
}

std::set<Hash128> Pipeline::too_old(const rules::Engine::Transitions& transitions) const {
  std::set<Hash128> alerts;
  for (const AlertTransition& transition : transitions) {
    if (!transition.retroactive || !transition.ends_at) continue;
    const Milliseconds page_within = bundle_->raised_by(transition.rule).page_within;
    if (*transition.ends_at + page_within < newest_event()) alerts.insert(transition.alert);
  }
  return alerts;
}

bool Pipeline::may_revise() const {
  if (unrevised_.empty() || is_stopping()) return false;
  return std::chrono::steady_clock::now() - revised_at_ >= options_.revision_share * revision_took_;
}

// Since when every event is there, and whole; kMinEventTime: from the first on. Retention drops in
// the order of commits, whatever the events are of: what is left may begin with one of long ago.
// But none was let in that was stamped later than the clock of its commit allows.
Result<EventTime> Pipeline::journal_reaches_back() const {
  const JournalSeq first = store_.first_seq();
  if (first <= 1) return store_.erased_before();
  if (!options_.future_tolerance) return kMaxEventTime;  // that may be of any time
  WallTime committed = latest_;
  const Status status = store_.read_journal(first, [&](const auto& record) {
    committed = record.committed;
    return false;
  });
  if (!status) return status.error();
  return std::max(committed + *options_.future_tolerance, store_.erased_before());
}

EventTime Pipeline::known_from(const rules::Rule& rule, EventTime reaches_back) const {
  const bool is_bound = reaches_back == kMinEventTime || reaches_back == kMaxEventTime;
  return is_bound ? reaches_back : reaches_back + reach_of(rule, *bundle_);
}

Status Pipeline::revise(JournalSeq up_to) {
  const auto began = std::chrono::steady_clock::now();
  std::vector<JournalSeq> places = unrevised_;
  const Status status = decide_anew(up_to);
  if (!status) unrevised_ = std::move(places);
  revised_at_ = std::chrono::steady_clock::now();
  revision_took_ = revised_at_ - began;
  return status;
}

Status Pipeline::decide_anew(JournalSeq up_to) {
  std::vector<JournalSeq> places;
  for (const JournalSeq place : std::exchange(unrevised_, {})) {
    (place <= up_to ? places : unrevised_).push_back(place);
  }
  if (places.empty()) return Status::ok();
  Chronicle chronicle(
      store_, *bundle_->catalogue, [this](const Event& event) { return key_of(event); }, up_to,
      [this] { return !is_stopping(); });
  rules::Touched touched(*bundle_);
  Status status = chronicle.find_revisions(places, [&](const Event& event, JournalSeq place) {
    touched.add(event, place);
    if (event.time <= engine_->first(event.source)) touched.add_beginning(event.source, place);
  });
  if (!status || touched.empty()) return status;
  const Result<EventTime> reaches_back = journal_reaches_back();
  if (!reaches_back) return reaches_back.error();
  const auto known_from = [&](const rules::Rule& rule) {
    return this->known_from(rule, *reaches_back);
  };
  touched.leave_out([&](const rules::Rule& rule) { return touched.oldest() < known_from(rule); });

  const auto scope = std::make_shared<rules::Scope>(touched.scope());
  rules::Engine rebuilt(bundle_, {.emit = emit_, .scope = scope});
  rules::Engine::Transitions decided;
  if (status = chronicle.feed(*scope, rebuilt, decided); !status) return status;
  counts_.revisions += 1;
  counts_.revisions_out_of_reach += touched.left_out();
  engine_->bring_up(rebuilt, decided);
  if (engine_->finished() != kMinEventTime) rebuilt.finish(engine_->finished(), decided);

  rules::Reconciled news = rules::reconcile(
      told_, decided, *bundle_,
      [&](const rules::GroupName& group) { return touched.contains(group); }, known_from,
      touched.oldest(), newest_event());
  counts_.revisions_out_of_reach += news.undecided_rules();
  for (AlertTransition& transition : news.tell) {
    const rules::GroupName group = rules::group_of(transition, bundle_->raised_by(transition.rule));
    transition.cause = touched.cause_of(group);
    if (const Event* cause = find(transition.cause)) {
      transition.tlp = std::max(transition.tlp, cause->tlp);
    }
    const auto pin = news.pins.find(group);
    if (pin != news.pins.end()) pin->second.tlp = std::max(pin->second.tlp, transition.tlp);
  }
  const auto takes = [&](const rules::Rule& rule, const std::vector<std::string>& key) {
    return touched.contains(rule, key) && news.is_decided(rule, key);
  };
  engine_->take_over(rebuilt, takes, news.pins);
  if (!news.knows_alerts) engine_->join(rebuilt, {});  // rules over alerts look at the others
  for (const auto& [group, pin] : news.pins) standing_.revised(pin.alert);
  transitions_ = std::move(news.tell);
  return Status::ok();
}

void Pipeline::save_revisions(
    const std::function<void(std::string_view key, std::string_view value)>& put) {
  told_.save([&](const std::string& alert, const std::string& value) {
    put(fmt::format("{}{}", kToldPrefix, alert), value);
  });
  put(kUnrevisedStateKey, fmt::format("{}", fmt::join(unrevised_, " ")));
}

void Pipeline::forget_told() {
  if (!unrevised_.empty()) return;  // they may change what is old by now
  for (size_t i = 0; i < kept_told_.size(); ++i) {
    told_.forget(bundle_->rules[i].identity, kept_told_[i]);
  }
  told_.forget(bundle_->overflow.identity, Milliseconds{0});  // nothing is revised in them
}

void Pipeline::find_kept_told() {
  kept_told_.clear();
  for (const rules::Rule& rule : bundle_->rules) {
    Milliseconds longest{0};
    for (const SourceId id : rules::feeding_sources(*bundle_->catalogue, rule)) {
      const Source& source = bundle_->catalogue->source(id);
      longest = std::max(longest, source.lateness + source.correction_horizon);
    }
    kept_told_.push_back(longest);
  }
}

}  // namespace tocsin::daemon
