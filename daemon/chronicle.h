#pragma once

#include <absl/container/flat_hash_map.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "daemon/advance_times.h"
#include "rules/engine.h"
#include "rules/model/arena.h"
#include "rules/shard.h"
#include "storage/store.h"

namespace tocsin::daemon {

// The journal as it reads when every event had come in its time and as it stands now: in order of
// event time, of each id the latest revision alone, without what was retracted.
//
// Made for one revision: reads the journal up to a place, twice. Keeps the events of the scope in
// memory, of all others only when their sources spoke, and of those that were silent how far time
// went on.
// Thread-safety: one thread at a time.
class Chronicle {
 public:
  // Names an event's id over its revisions, as the pipeline does.
  using KeyOf = std::function<Hash128(const Event&)>;

  // `goes_on` is asked now and then; when it says no, all ends with kUnavailable.
  Chronicle(
      const storage::Store& store, const Catalogue& catalogue, KeyOf key_of, JournalSeq up_to,
      std::function<bool()> goes_on = [] { return true; })
      : store_(store),
        catalogue_(catalogue),
        key_of_(std::move(key_of)),
        up_to_(up_to),
        goes_on_(std::move(goes_on)) {}

  // Every revision of the ids that the events at `places` have, those themselves among them, with
  // that place. To be called first: it also finds out which events were revised.
  using EachRevision = std::function<void(const Event& event, JournalSeq place)>;
  Status find_revisions(const std::vector<JournalSeq>& places, const EachRevision& each);

  // Feeds an engine of that scope.
  Status feed(const rules::Scope& scope, rules::Engine& engine, rules::Engine::Transitions& out);

 private:
  // What comes at a time, in order.
  struct Item {
    EventTime time{};
    JournalSeq seq = 0;
    const Event* event = nullptr;  // none: the source spoke of what is not of the scope
    SourceId source{};
    uint16_t partition = 0;
  };
  static bool comes_before(const Item& a, const Item& b);
  Status collect(const rules::Scope& scope, rules::Engine& engine);
  // Of what is fed; false: it is to end.
  bool goes_on();
  // Tells up to where sources were taken to be complete, all that is before `t`; false: as above.
  bool advance(EventTime t, rules::Engine& engine, rules::Engine::Transitions& out);
  bool is_current(const Event& event, JournalSeq seq) const;
  // As Store::read_journal() from the beginning, until `up_to` or until it is to end.
  Status read(const std::function<void(const storage::Store::JournalRecord&)>& each) const;

  const storage::Store& store_;
  const Catalogue& catalogue_;
  const KeyOf key_of_;
  const JournalSeq up_to_;
  const std::function<bool()> goes_on_;
  absl::flat_hash_map<Hash128, JournalSeq> current_;  // the last of those that were revised
  Arena arena_;
  std::vector<Item> items_;
  std::map<SourceId, AdvanceTimes> advances_;
  std::set<std::pair<EventTime, SourceId>> next_advances_;  // of each source the first not taken
  size_t fed_ = 0;
  std::vector<SourceId> ended_;
  std::set<std::pair<SourceId, uint16_t>> left_;  // partitions that have not been heard of since
};

// What a record of the journal beside events says of the time of a source.
void feed_control(const storage::Control& control, const Catalogue& catalogue,
                  rules::Engine& engine, rules::Engine::Transitions& out);

}  // namespace tocsin::daemon
