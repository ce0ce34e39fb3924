#pragma once

#include <string>
#include <vector>

#include "rules/kinds/episode.h"
#include "rules/refused_groups.h"

namespace tocsin::rules {

// A rule, signal or arming that refuses groups.
struct OverflowGroup : EpisodeGroup {
  RefusedGroups refused;  // since the alert began
  uint8_t limits = 0;     // bits: those that were reached
  uint64_t tell_at = 0;   // when so many events were refused there is news
};

// Raises one alert for each rule that refuses groups (overflow_rule()): it begins with the first
// refusal, ends after a day without, and is otherwise told once a day, and when a hundred events
// were refused, ten thousand, and so on.
//
// Of several shards it runs where the rules over alerts do, and is handed what the shards refused.
class OverflowDetector final : public EpisodeDetector<OverflowGroup> {
 public:
  OverflowDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                   Timeline::ClassId time_class);

  // `event` brought the group; nullptr: an alert at `at` did, and this is its `key`.
  void take(const Refusal& refusal, const Event* event, EventTime at,
            const std::vector<std::string>* key);
  // As of now, of the rule, signal or arming of that number.
  uint64_t refused_groups(size_t watcher);

 protected:
  void on_event(const Event&, JournalSeq) override {}
  void on_rebind() override;
  void on_due(OverflowGroup& group, EventTime due) override;
  void write_group(ByteWriter& to, const OverflowGroup& group) override;
  void read_group(ByteReader& from, OverflowGroup& group) override;
  size_t bytes_of(const OverflowGroup& group) const override { return group.refused.bytes(); }
  Finding finding_of(OverflowGroup& group, EventTime at) override;
  bool is_at_rest(const OverflowGroup&) const override { return false; }  // they are few
  void forget(OverflowGroup& group) override;

 private:
  void list_watchers();
  const Rule* watcher_of(const OverflowGroup& group) const;
  std::string name_of(const Refusal& refusal, const Event& event);
  void go_on(OverflowGroup& group, EventTime now);

  std::vector<Hash128> hashes_;  // of the groups of the watchers, by number
};

}  // namespace tocsin::rules
