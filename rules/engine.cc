#include "rules/engine.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <tuple>

#include "rules/arming_store.h"
#include "rules/detector.h"
#include "rules/inspection.h"
#include "rules/kinds/overflow.h"
#include "rules/kinds/pending.h"
#include "rules/rule_index.h"
#include "rules/signal_store.h"
#include "rules/state_codec.h"
#include "rules/watermark.h"

namespace tocsin::rules {

namespace {

constexpr char kRuleEntry = 'r';
constexpr char kSourceEntry = 's';
constexpr char kFinishEntry = 'f';
constexpr char kBoardEntry = 'b';
constexpr size_t kNotesBetweenForgetting = 1024;

}  // namespace

void sort_transitions(Engine::Transitions& out, size_t first) {
  if (out.size() - first < 2) return;
  std::stable_sort(out.begin() + static_cast<std::ptrdiff_t>(first), out.end(),
                   [](const AlertTransition& a, const AlertTransition& b) {
                     return std::tie(a.at, a.rule, a.group) < std::tie(b.at, b.rule, b.group);
                   });
}

uint64_t fingerprint(const Catalogue& catalogue) {
  std::string names;
  for (const Source& source : catalogue.sources()) names += source.name + '\0';
  for (const Indicator& indicator : catalogue.indicators()) {
    names += indicator.name + '\0';
    for (const AttrDeclaration& attr : indicator.attrs) names += attr.name + '\1';
  }
  for (const Region& region : catalogue.regions()) names += region.id + '\0';
  return hash128(names).low;
}

struct Engine::State {
  State(std::shared_ptr<const Bundle> with, EngineOptions options)
      : bundle(std::move(with)),
        timeline(*bundle->catalogue),
        around(*bundle->catalogue, timeline, options) {
    around.catalogue_print = fingerprint(*bundle->catalogue);
  }

  // Rules over alerts come after those that raise them, then what counts signals and arms rules,
  // then the rule over refusals.
  int rank_of(size_t number) const {
    if (number >= around.watchers.size()) return 3;
    if (number >= bundle->rules.size()) return 2;
    return is_over_alerts(bundle->rules[number].kind()) ? 1 : 0;
  }
  // All that have a detector, by its number: the watchers, then the rule over refusals.
  static std::vector<const Rule*> detected(const Bundle& bundle) {
    std::vector<const Rule*> all = watchers_of(bundle);
    all.push_back(&bundle.overflow);
    return all;
  }
  bool runs(const Rule& rule) const {
    const auto& only = around.options.only;
    if (only && !only->contains(rule.identity)) return false;
    return around.options.work == Work::kAll ||
           is_over_alerts(rule.kind()) == (around.options.work == Work::kAlerts);
  }

  // What goes on over a reload, by identity.
  struct Kept {
    std::map<std::string, std::unique_ptr<Detector>> detectors;
    std::map<std::string, EventTime> watermarks;
  };
  // The detectors of the bundle, the kept ones among them, the others made anew; nullptr: nothing
  // has been told yet.
  void make_detectors(Kept* kept);
  // From when on a detector that is made now is told all that it looks at.
  EventTime told_from(const Rule& rule) const {
    EventTime newest = kMinEventTime;
    for (const SourceId source : own_sources(*bundle->catalogue, rule)) {
      newest = std::max(newest, timeline.source(source).newest);
    }
    return newest == kMinEventTime ? newest : newest + kMoment;
  }

  void begin(Transitions& out) { around.out = &out; }
  void end(Transitions& out, size_t first) {
    sort_transitions(out, first);
    around.out = nullptr;
    around.arena.reset();
  }

  void run_timer(const Timeline::Timer& timer) {
    detectors[timer.rule]->on_timer(timer.group, timer.due);
    around.arena.reset();  // one call may run years of timers
  }
  void return_to(const Timeline::Timer& tick) {
    detectors[tick.rule]->on_return(tick.group, tick.due);
    around.arena.reset();
  }
  void run(SourceId source) {
    timeline.run_held(source, [this](const Timeline::Timer& tick) { return_to(tick); });
    timeline.run(source, [this](const Timeline::Timer& timer) { run_timer(timer); });
  }
  void run_all() {
    timeline.run_all_held([this](const Timeline::Timer& tick) { return_to(tick); });
    timeline.run_all([this](const Timeline::Timer& timer) { run_timer(timer); });
  }
  // What no rule over alerts can ask for any more; one that comes with a reload begins with those
  // that are open.
  void forget_alerts() {
    notes = 0;
    EventTime oldest = kMaxEventTime;
    for (const Detector* detector : around.over_alerts) {
      const auto* layers = std::get_if<LayersDetect>(&detector->rule().detect);
      const Milliseconds back = layers == nullptr ? Milliseconds{0} : longest(layers->window);
      oldest = std::min(oldest, timeline.passed(detector->time_class()) - back);
    }
    around.board.forget_before(oldest);
  }
  // Rules over alerts look at everything at their next tick: one may be new, or what it reads.
  void tell_all_alerts() {
    around.board.describe_by(bundle->rules);
    for (Detector* detector : around.over_alerts) {
      const EventTime now = timeline.watermark(detector->time_class());
      around.board.for_each([&](const BoardEntry& entry) {
        detector->on_alert(entry, std::max(entry.changes.back().at, now));
      });
    }
  }
  void note_first() {
    if (!timeline.take_first_moved()) return;
    for (const uint32_t absence : absences) detectors[absence]->on_first_moved();
  }
  // What follows from the rules as they are now.
  void list_rules() {
    const std::vector<const Rule*>& watchers = around.watchers;
    rules_by_event = RuleIndexTable(*bundle->catalogue, watchers);
    parts.assign(detectors.size(), Part::kNone);
    number_of.clear();
    for (size_t i = 0; i < detectors.size(); ++i) number_of[detectors[i]->rule().identity] = i;
    // A store counts what one of its readers here may ask for.
    const auto reads = [&](const std::string& id, Part part) {
      Part& of_store = parts[number_of.at(id)];
      const bool is_whole =
          part == Part::kAll || !around.shards.divides(*watchers[number_of.at(id)]);
      if (part != Part::kNone) of_store = is_whole ? Part::kAll : std::max(of_store, part);
    };
    const auto read_signals = [&](const std::vector<SignalUse>& uses, Part part) {
      for (const SignalUse& use : uses) {
        for (const std::string& key : use.signals) reads("signal " + key, part);
      }
    };
    const auto& only = around.options.only;
    for (size_t i = bundle->rules.size(); only && i < watchers.size(); ++i) {
      if (only->contains(watchers[i]->identity)) reads(watchers[i]->identity, Part::kAll);
    }
    absences.clear();
    for (uint32_t i = 0; i < bundle->rules.size(); ++i) {
      const Rule& rule = bundle->rules[i];
      if (!runs(rule)) continue;
      if (rule.kind() == RuleKind::kAbsence) absences.push_back(i);
      const bool is_home = around.options.work == Work::kAlerts || around.shards.is_home_of(rule);
      const bool is_regional = around.options.work != Work::kAlerts && around.shards.divides(rule);
      parts[i] = is_regional ? Part::kOwnRegions : is_home ? Part::kAll : Part::kNone;
      read_signals(rule.signals, parts[i]);
      if (rule.arming == nullptr) continue;
      reads(rule.arming->rule.identity, parts[i]);
      read_signals(rule.arming->rule.signals, parts[i]);
    }
  }
  bool has_refusals() const {
    return around.overflow != nullptr && !(around.refusals.empty() && refusals.empty());
  }
  // What the event met with, here or in the shards: in an order that does not depend on where.
  void tell_refusals(const Event& event) {
    std::vector<Refusal>& own = around.refusals;
    for (; !refusals.empty() && refusals.front().seq == around.seq; refusals.pop_front()) {
      own.push_back(refusals.front());
    }
    std::sort(own.begin(), own.end());
    for (const Refusal& refusal : own) around.overflow->take(refusal, &event, event.time, nullptr);
    own.clear();
  }
  Detector* find(std::string_view id) {
    const auto found = number_of.find(id);
    return found == number_of.end() ? nullptr : detectors[found->second].get();
  }
  bool observe(SourceId source, EventTime time, uint16_t partition) {
    const bool may_be_due = timeline.observe(source, time, partition);
    note_first();
    return may_be_due;
  }

  std::shared_ptr<const Bundle> bundle;
  Timeline timeline;
  Surroundings around;
  RuleIndexTable rules_by_event;
  // By RuleIndex; then those of signals and armings.
  std::vector<std::unique_ptr<Detector>> detectors;
  std::map<std::string, size_t, std::less<>> number_of;  // by identity
  // Which events of a rule are this shard's.
  enum class Part : uint8_t { kNone, kOwnRegions, kAll };
  std::vector<Part> parts;  // as detectors
  std::vector<uint32_t> absences;
  std::deque<Refusal> refusals;  // of shards; their events are to come
  size_t notes = 0;              // on the board, since the last forgetting
  size_t cooled = 0;             // the detector to look for idle groups in next
  EventTime saved_finish = kMinEventTime;
  std::vector<std::string> removed;  // keys of rules that are gone
  mutable std::vector<RuleCounters> counters;
};

// Stores before their readers, which find them when they are made or bound.
void Engine::State::make_detectors(Kept* kept) {
  const std::vector<const Rule*> all = detected(*bundle);
  around.watchers.assign(all.begin(), all.end() - 1);
  const size_t rules = bundle->rules.size();
  std::vector<Timeline::ClassId> classes(all.size());
  for (const int rank : {0, 1, 2, 3}) {
    for (size_t i = 0; i < all.size(); ++i) {
      if (rank_of(i) != rank) continue;
      const Rule& rule = *all[i];
      classes[i] =
          timeline.class_of(rule.lateness, feeding_sources(*bundle->catalogue, rule), rank);
      if (kept == nullptr) continue;
      const auto reached = kept->watermarks.find(rule.identity);
      if (reached != kept->watermarks.end()) timeline.raise_watermark(classes[i], reached->second);
    }
  }
  around.over_alerts.clear();
  detectors.clear();
  detectors.resize(all.size());
  around.signals.clear();
  around.armings.clear();
  // Takes the kept one, or makes it; the first is then bound to the new bundle.
  const auto place = [&](size_t number, auto&& make, auto&& bind) {
    const Rule& rule = *all[number];
    const auto index = static_cast<RuleIndex>(number);
    if (kept != nullptr && kept->detectors.contains(rule.identity)) {
      detectors[number] = std::move(kept->detectors[rule.identity]);
      bind(*detectors[number], index, classes[number]);
      detectors[number]->reschedule();
    } else {
      detectors[number] = make(index, classes[number]);
      if (kept != nullptr) detectors[number]->knows_from = told_from(rule);
    }
  };
  for (size_t i = 0; i < bundle->signals.size(); ++i) {
    const Signal& signal = bundle->signals[i];
    place(
        rules + i,
        [&](RuleIndex index, Timeline::ClassId time_class) {
          return std::make_unique<SignalStore>(around, signal, index, time_class);
        },
        [&](Detector& detector, RuleIndex index, Timeline::ClassId time_class) {
          static_cast<SignalStore&>(detector).rebind_signal(signal, index, time_class);
        });
    around.signals[signal.key] = static_cast<SignalStore*>(detectors[rules + i].get());
  }
  size_t arming = rules + bundle->signals.size();
  for (const Rule& rule : bundle->rules) {
    if (rule.arming == nullptr) continue;
    place(
        arming,
        [&](RuleIndex index, Timeline::ClassId time_class) {
          return std::make_unique<ArmingStore>(around, *rule.arming, index, time_class);
        },
        [&](Detector& detector, RuleIndex index, Timeline::ClassId time_class) {
          static_cast<ArmingStore&>(detector).rebind_arming(*rule.arming, index, time_class);
        });
    around.armings[rule.id] = static_cast<ArmingStore*>(detectors[arming].get());
    ++arming;
  }
  for (size_t i = 0; i < rules; ++i) {
    const Rule& rule = bundle->rules[i];
    place(
        i,
        [&](RuleIndex index, Timeline::ClassId time_class) {
          return make_detector(around, rule, index, time_class);
        },
        [&](Detector& detector, RuleIndex index, Timeline::ClassId time_class) {
          detector.rebind(rule, index, time_class);
        });
    if (!runs(rule)) continue;
    detectors[i]->prepare();
    if (is_over_alerts(rule.kind())) around.over_alerts.push_back(detectors[i].get());
  }
  place(
      around.watchers.size(),
      [&](RuleIndex index, Timeline::ClassId time_class) {
        return std::make_unique<OverflowDetector>(around, bundle->overflow, index, time_class);
      },
      [&](Detector& detector, RuleIndex index, Timeline::ClassId time_class) {
        detector.rebind(bundle->overflow, index, time_class);
      });
  const bool is_shard = around.options.work == Work::kEvents;
  around.overflow = is_shard ? nullptr : static_cast<OverflowDetector*>(detectors.back().get());
  // A store forgets only what all its readers have passed.
  for (const auto& reader : detectors) {
    for (const SignalUse& use : reader->rule().signals) {
      for (const std::string& key : use.signals) {
        around.signals.at(key)->add_reader(reader->time_class());
      }
    }
    if (reader->rule().arming != nullptr) {
      around.armings.at(reader->rule().id)->add_reader(reader->time_class());
    }
  }
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

void Engine::activate(std::shared_ptr<const Bundle> bundle, Transitions& ended, Transitions& out) {
  State& s = *state_;
  const size_t first_ended = ended.size();
  s.forget_alerts();  // so that it does not matter when that was done last
  s.begin(ended);
  const bool same_ids = fingerprint(*bundle->catalogue) == s.around.catalogue_print;
  State::Kept kept;
  std::map<std::string_view, const Rule*> next;
  for (const Rule* rule : State::detected(*bundle)) next[rule->identity] = rule;
  for (auto& detector : s.detectors) {
    const Rule& old = detector->rule();
    const EventTime now = s.timeline.watermark(detector->time_class());
    const auto found = next.find(old.identity);
    const bool exists = found != next.end();
    if (exists && found->second->shape == old.shape && same_ids) {
      kept.watermarks[old.identity] = now;
      kept.detectors[old.identity] = std::move(detector);
      continue;
    }
    detector->end(exists ? "rule changed" : "rule removed", std::max(now, EventTime{}));
    detector->forget_all(group_prefix(old.identity),
                         [&s](std::string key) { s.removed.push_back(std::move(key)); });
    if (!exists) s.removed.push_back(kRuleEntry + old.identity);
  }
  s.end(ended, first_ended);
  const size_t first = out.size();
  s.begin(out);
  // The bundle of kept detectors must live until they are bound to the new one.
  const std::shared_ptr<const Bundle> old = std::exchange(s.bundle, std::move(bundle));
  s.around.board.rebind(*s.bundle->catalogue);  // while the old catalogue is there
  s.around.catalogue = s.bundle->catalogue.get();
  s.around.shards =
      ShardMap(*s.bundle->catalogue, s.around.options.shard, s.around.options.scope.get());
  s.around.catalogue_print = fingerprint(*s.bundle->catalogue);
  s.timeline.rebind(*s.bundle->catalogue, *old->catalogue);
  s.make_detectors(&kept);
  s.list_rules();
  s.tell_all_alerts();
  s.run_all();
  s.end(out, first);
}

void Engine::emit(Emit emit) { state_->around.options.emit = emit; }

void Engine::pin(const std::map<GroupName, Pin>& pins) {
  State& s = *state_;
  std::map<Hash128, Hash128> renamed;
  for (size_t i = 0; i < s.bundle->rules.size(); ++i) {
    if (s.parts[i] == State::Part::kNone) continue;
    s.detectors[i]->pin(s.bundle->rules[i].identity, pins, renamed);
  }
  s.around.board.rename(renamed);
}

void Engine::take_over(Engine& rebuilt, const Takes& takes) {
  State& s = *state_;
  State& other = *rebuilt.state_;
  for (size_t i = 0; i < s.detectors.size(); ++i) {
    if (s.parts[i] == State::Part::kNone) continue;
    const Rule& rule = s.detectors[i]->rule();
    const bool is_part = s.parts[i] == State::Part::kOwnRegions;
    s.detectors[i]->take_over(*other.detectors[i], [&](const Group& group) {
      const bool is_own = !is_part || (group.region && s.around.shards.owns(*group.region));
      return is_own && takes(rule, group.key);
    });
  }
  if (s.around.options.work == Work::kEvents) return;
  s.around.board.take_over(other.around.board, [&](const BoardEntry& entry) {
    const Detector* raised_by = s.find(entry.identity);
    return raised_by != nullptr && takes(raised_by->rule(), entry.key);
  });
}

void Engine::join(const Engine& rebuilt, const std::set<std::string>& identities) {
  State& s = *state_;
  for (size_t i = 0; i < s.detectors.size(); ++i) {
    if (!identities.contains(s.detectors[i]->rule().identity)) continue;
    s.detectors[i]->knows_from = rebuilt.state_->detectors[i]->knows_from;
  }
  s.tell_all_alerts();
}

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

std::optional<Inspection> Engine::inspect(RuleIndex rule, const std::vector<std::string>& key,
                                          EventTime at) const {
  auto found = state_->detectors[rule]->inspect(key, at);
  state_->around.arena.reset();
  return found;
}

}  // namespace tocsin::rules
