#include "daemon/shadow.h"

#include <algorithm>
#include <map>

namespace tocsin::daemon {

Shadow::Shadow(const storage::Store& store, std::shared_ptr<const rules::Bundle> bundle,
               rules::Emit emit, std::shared_ptr<const std::set<std::string>> begin,
               EventTime told_from, Chronicle::KeyOf key_of, JournalSeq up_to,
               std::function<bool()> goes_on)
    : store_(store),
      bundle_(std::move(bundle)),
      up_to_(up_to),
      goes_on_(std::move(goes_on)),
      chronicle_(store, *bundle_->catalogue, std::move(key_of), up_to,
                 [this] { return !stopped_ && goes_on_(); }),
      engine_(bundle_, {.emit = emit, .only = std::move(begin), .told_from = told_from}) {}

Status Shadow::build() {
  Status status = chronicle_.find_revisions({}, {});
  if (!status) return status;
  const rules::Scope all{std::vector<bool>(bundle_->catalogue->regions().size(), true), true};
  return chronicle_.feed(all, engine_, decided_);
}

Status Shadow::catch_up(JournalSeq to, std::vector<JournalSeq>& unrevised) {
  constexpr JournalSeq kBetweenQuestions = 4096;
  bool is_cut_off = false;
  Status status = store_.read_journal(up_to_ + 1, [&](const storage::Store::JournalRecord& record) {
    if (record.seq > to) return false;
    is_cut_off = (record.seq - up_to_) % kBetweenQuestions == 1 && !goes_on_();
    if (is_cut_off) return false;
    if (record.event != nullptr) {
      const Event& event = *record.event;
      if (event.op != Operation::kAssert || rules::is_late(event, engine_))
        unrevised.push_back(record.seq);
      engine_.on_event(event, record.seq, decided_);
    } else if (record.control != nullptr) {
      feed_control(*record.control, *bundle_->catalogue, engine_, decided_);
    }
    return true;
  });
  if (status && is_cut_off) return unavailable("told to stop");
  return status;
}

std::vector<AlertTransition> Shadow::open_alerts() const {
  std::map<Hash128, size_t> last;
  for (size_t i = 0; i < decided_.size(); ++i) last[decided_[i].alert] = i;
  std::vector<size_t> places;
  for (const auto& [alert, place] : last) {
    if (!decided_[place].ends_at) places.push_back(place);
  }
  std::sort(places.begin(), places.end());
  std::vector<AlertTransition> open;
  for (const size_t place : places) open.push_back(decided_[place]);
  return open;
}

std::set<std::string> beginning_with(const rules::Bundle& old, const rules::Bundle& next) {
  std::map<std::string_view, decltype(rules::Rule::shape)> before;
  for (const rules::Rule* rule : rules::watchers_of(old)) before[rule->identity] = rule->shape;
  std::set<std::string> begin;
  for (const rules::Rule* rule : rules::watchers_of(next)) {
    const auto known = before.find(rule->identity);
    if (known == before.end() || !(known->second == rule->shape)) begin.insert(rule->identity);
  }
  // What they read may have been counted for others alone: not everywhere, not of all places.
  const auto read_by = [&](const rules::Rule& rule) {
    for (const rules::SignalUse& use : rule.signals) {
      for (const std::string& key : use.signals) begin.insert("signal " + key);
    }
  };
  for (const rules::Rule& rule : next.rules) {
    if (!begin.contains(rule.identity)) continue;
    read_by(rule);
    if (rule.arming == nullptr) continue;
    begin.insert(rule.arming->rule.identity);
    read_by(rule.arming->rule);
  }
  return begin;
}

}  // namespace tocsin::daemon
