#include "rules/engine_state.h"

#include <algorithm>

namespace tocsin::rules {

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

int Engine::State::rank_of(size_t number) const {
  if (number >= around.watchers.size()) return 3;
  if (number >= bundle->rules.size()) return 2;
  return is_over_alerts(bundle->rules[number].kind()) ? 1 : 0;
}

std::vector<const Rule*> Engine::State::detected(const Bundle& bundle) {
  std::vector<const Rule*> all = watchers_of(bundle);
  all.push_back(&bundle.overflow);
  return all;
}

bool Engine::State::runs(const Rule& rule) const {
  const auto& only = around.options.only;
  if (only && !only->contains(rule.identity)) return false;
  return around.options.work == Work::kAll ||
         is_over_alerts(rule.kind()) == (around.options.work == Work::kAlerts);
}

EventTime Engine::State::told_from(const Rule& rule) const {
  EventTime newest = kMinEventTime;
  for (const SourceId source : own_sources(*bundle->catalogue, rule)) {
    newest = std::max(newest, timeline.source(source).newest);
  }
  return newest == kMinEventTime ? newest : newest + kMoment;
}

void Engine::State::forget_alerts() {
  notes = 0;
  EventTime oldest = kMaxEventTime;
  for (const Detector* detector : around.over_alerts) {
    const auto* layers = std::get_if<LayersDetect>(&detector->rule().detect);
    const Milliseconds back = layers == nullptr ? Milliseconds{0} : longest(layers->window);
    oldest = std::min(oldest, timeline.passed(detector->time_class()) - back);
  }
  around.board.forget_before(oldest);
}

void Engine::State::tell_all_alerts() {
  around.board.describe_by(bundle->rules);
  for (Detector* detector : around.over_alerts) {
    const EventTime now = timeline.watermark(detector->time_class());
    around.board.for_each([&](const BoardEntry& entry) {
      detector->on_alert(entry, std::max(entry.changes.back().at, now));
    });
  }
}

void Engine::State::list_rules() {
  const std::vector<const Rule*>& watchers = around.watchers;
  rules_by_event = RuleIndexTable(*bundle->catalogue, watchers);
  parts.assign(detectors.size(), Part::kNone);
  number_of.clear();
  for (size_t i = 0; i < detectors.size(); ++i) number_of[detectors[i]->rule().identity] = i;
  // A store counts what one of its readers here may ask for.
  const auto reads = [&](const std::string& id, Part part) {
    Part& of_store = parts[number_of.at(id)];
    const bool is_whole = part == Part::kAll || !around.shards.divides(*watchers[number_of.at(id)]);
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

void Engine::State::tell_refusals(const Event& event) {
  std::vector<Refusal>& own = around.refusals;
  for (; !refusals.empty() && refusals.front().seq == around.seq; refusals.pop_front()) {
    own.push_back(refusals.front());
  }
  std::sort(own.begin(), own.end());
  for (const Refusal& refusal : own) around.overflow->take(refusal, &event, event.time, nullptr);
  own.clear();
}

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

}  // namespace tocsin::rules
