#include "rules/engine.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "rules/engine_state.h"
#include "rules/inspection.h"

namespace tocsin::rules {

void sort_transitions(Engine::Transitions& out, size_t first) {
  if (out.size() - first < 2) return;
  std::stable_sort(out.begin() + static_cast<std::ptrdiff_t>(first), out.end(),
                   [](const AlertTransition& a, const AlertTransition& b) {
                     return std::tie(a.at, a.rule, a.group) < std::tie(b.at, b.rule, b.group);
                   });
}

Engine::Engine(std::shared_ptr<const Bundle> bundle, EngineOptions options)
    : state_(std::make_unique<State>(std::move(bundle), options)) {
  state_->make_detectors(nullptr);
  state_->list_rules();
  for (const auto& detector : state_->detectors) detector->knows_from = options.told_from;
}

Engine::~Engine() = default;

void Engine::expect_source(SourceId source) { state_->timeline.expect(source); }

// Time first: what the event brings to an end is judged before the event itself counts.
void Engine::on_event(const Event& event, JournalSeq seq, Transitions& out) {
  State& s = *state_;
  const size_t first = out.size();
  s.begin(out);
  if (s.observe(event.source, event.time, partition_of(event))) s.run(event.source);
  if (event.op == Operation::kAssert) {
    s.around.seq = seq;
    const bool is_own = s.around.shards.owns(event.region);
    for (const auto& list : s.rules_by_event.candidates(event.indicator, event.region)) {
      for (const RuleIndex rule : list) {
        const State::Part part = s.parts[rule];
        if (part == State::Part::kOwnRegions ? is_own : part == State::Part::kAll) {
          s.detectors[rule]->take(event, seq);
        }
      }
    }
    if (s.has_refusals()) s.tell_refusals(event);
  }
  s.notes += out.size() - first;
  s.end(out, first);
  if (s.notes > kNotesBetweenForgetting) s.forget_alerts();
}

bool Engine::looks_at(const Event& event) const {
  const State& s = *state_;
  for (const auto& list : s.rules_by_event.candidates(event.indicator, event.region)) {
    for (const RuleIndex rule : list) {
      if (s.parts[rule] != State::Part::kNone) return true;
    }
  }
  return false;
}

void Engine::on_time(SourceId source, EventTime time, uint16_t partition, Transitions& out) {
  State& s = *state_;
  const size_t first = out.size();
  s.begin(out);
  if (s.observe(source, time, partition)) s.run(source);
  s.notes += out.size() - first;
  s.end(out, first);
}

void Engine::on_alerts(std::span<const AlertTransition> alerts) {
  State& s = *state_;
  for (const AlertTransition& alert : alerts) s.around.tell(alert, s.bundle->raised_by(alert.rule));
  s.notes += alerts.size();
  if (s.notes > kNotesBetweenForgetting) s.forget_alerts();
}

void Engine::on_refusals(std::span<const Refusal> refusals) {
  state_->refusals.insert(state_->refusals.end(), refusals.begin(), refusals.end());
}

std::vector<Refusal> Engine::take_refusals() { return std::exchange(state_->around.refusals, {}); }

void Engine::advance(SourceId source, EventTime to, Transitions& out) {
  State& s = *state_;
  const size_t first = out.size();
  s.begin(out);
  s.timeline.advance(source, to);
  s.note_first();
  s.run(source);
  s.end(out, first);
}

void Engine::leave_partition(SourceId source, uint16_t partition, Transitions& out) {
  State& s = *state_;
  const size_t first = out.size();
  s.begin(out);
  s.timeline.leave_partition(source, partition);
  s.run(source);
  s.end(out, first);
}

void Engine::end_source(SourceId source, Transitions& out) {
  State& s = *state_;
  const size_t first = out.size();
  s.begin(out);
  s.timeline.end(source);
  s.run_all();
  s.end(out, first);
}

void Engine::reach(const Engine& other, Transitions& out) {
  State& s = *state_;
  const size_t first = out.size();
  s.begin(out);
  for (const auto& theirs : other.state_->detectors) {
    const Detector* own = s.find(theirs->rule().identity);
    if (own == nullptr) continue;
    s.timeline.reach(own->time_class(), other.state_->timeline.watermark(theirs->time_class()));
  }
  s.run_all();
  s.end(out, first);
}

void Engine::finish(EventTime to, Transitions& out) {
  State& s = *state_;
  const size_t first = out.size();
  s.begin(out);
  s.timeline.finish(to);
  s.run_all();
  s.end(out, first);
}

EventTime Engine::finished() const { return state_->timeline.finished(); }

std::optional<EventTime> Engine::watermark(SourceId source) const {
  return state_->timeline.source_watermark(source);
}

std::optional<EventTime> Engine::newest(SourceId source) const {
  const EventTime newest = state_->timeline.source(source).newest;
  if (newest == kMinEventTime) return std::nullopt;
  return newest;
}

EventTime Engine::decided_without(SourceId source, uint16_t partition) const {
  return state_->timeline.decided_without(source, partition);
}

const SourceTime& Engine::source_time(SourceId source) const {
  return state_->timeline.source(source);
}

EventTime Engine::watermark() const { return state_->timeline.lowest_watermark(); }

const Bundle& Engine::bundle() const { return *state_->bundle; }

const std::vector<RuleCounters>& Engine::counters() const {
  auto& counters = state_->counters;
  counters.clear();
  const auto counted = [this](Detector& detector) {
    RuleCounters own = detector.counters();
    OverflowDetector* overflow = state_->around.overflow;
    if (overflow != nullptr) own.refused_groups = overflow->refused_groups(detector.index());
    return own;
  };
  for (size_t i = 0; i < state_->bundle->rules.size(); ++i) {
    RuleCounters& own = counters.emplace_back(counted(*state_->detectors[i]));
    // What a store refuses is missing to its readers.
    const auto add = [&](Detector& store) {
      const RuleCounters of_store = counted(store);
      own.overflow += of_store.overflow;
      own.refused += of_store.refused;
      own.refused_groups += of_store.refused_groups;
      own.missing_key += of_store.missing_key;
      own.evaluation_errors += of_store.evaluation_errors;
      own.state_bytes += of_store.state_bytes;
      own.cold_bytes += of_store.cold_bytes;
      own.cold_reads += of_store.cold_reads;
    };
    const Rule& rule = state_->bundle->rules[i];
    if (rule.arming != nullptr) add(*state_->around.armings.at(rule.id));
    std::set<std::string> seen;
    for (const SignalUse& use : rule.signals) {
      for (const std::string& key : use.signals) {
        if (seen.insert(key).second) add(*state_->around.signals.at(key));
      }
    }
  }
  return counters;
}

size_t Engine::state_bytes() const {
  size_t sum = state_->timeline.bytes() + state_->around.arena.bytes_reserved() +
               state_->around.board.bytes();
  for (const auto& detector : state_->detectors) sum += detector->counters().state_bytes;
  return sum;
}

size_t Engine::resident_bytes() const {
  size_t bytes = state_bytes();
  for (const auto& detector : state_->detectors) bytes -= detector->counters().cold_bytes;
  return bytes;
}

std::optional<GroupState> Engine::state_of(RuleIndex rule,
                                           const std::vector<std::string>& key) const {
  return state_->detectors[rule]->state_of(key);
}

EventTime Engine::rule_watermark(RuleIndex rule) const {
  return state_->timeline.reached(state_->detectors[rule]->time_class());
}

bool Engine::has_group(RuleIndex rule, const std::vector<std::string>& key) const {
  return state_->detectors[rule]->has_group(key);
}

std::optional<Inspection> Engine::inspect(RuleIndex rule, const std::vector<std::string>& key,
                                          EventTime at) const {
  auto found = state_->detectors[rule]->inspect(key, at);
  state_->around.arena.reset();
  return found;
}

}  // namespace tocsin::rules
