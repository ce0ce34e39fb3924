#include <map>
#include <set>

#include "rules/engine_state.h"
#include "rules/state_codec.h"

// Other rules in the place of those at work, and the state of an engine that has decided anew.
namespace tocsin::rules {

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

}  // namespace tocsin::rules
