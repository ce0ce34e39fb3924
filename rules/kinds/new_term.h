#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "rules/evidence.h"
#include "rules/in_order.h"
#include "rules/kinds/episode.h"
#include "rules/kinds/novelty.h"
#include "rules/kinds/term_memory.h"
#include "rules/stored_event.h"

namespace tocsin::rules {

struct NewTermGroup : EpisodeGroup {
  TermMemory memory;
  TermPast past;
  InOrder<PendingTerm> pending;
  LastMatches decided = kNoMatches;  // like last_match, without what was told on arrival only
  std::vector<EvidenceItem> evidence;
  std::string latest;  // encode_event() of the latest event decided to be new
  Novelty novelty;     // of that one
  bool is_warming = false;
  bool is_refused = false;  // the last that was told turned out to have no room
  bool is_listed = false;   // among its siblings
  std::optional<Hash128> parent;
};

// Kind `new_term`: something that the group has not seen before (rules/kinds/README.md).
//
// Events are decided in (time, source, id) order once nothing earlier can come. A term is new if
// the group has not seen it since event.time - history; of several events with it the first is the
// one that is told. It is new to the parent if no other group of the same country, all other keys
// the same, had seen it by then, at an earlier moment; groups that are still learning count, and a
// group without a region has no parent.
//
// On arrival an event is tried against all that is known by then, events that wait included, and
// told provisionally; a term that another waiting event brought is not told again. What a straggler
// changes is put right when the watermark passes: a straggler with the same term takes its place as
// the first and joins the same episode, a level that was too high is lowered, and what turns out to
// have been seen before is ended. So once the watermark has passed, an early alert is what a final
// one is, but for its identity, and the hold of episodes that were over before it passed.
//
// A late event is decided at once, as of the watermark: new unless the term was seen since its own
// time - history, also after it.
class NewTermDetector final : public EpisodeDetector<NewTermGroup> {
 public:
  using EpisodeDetector::EpisodeDetector;
  void on_event(const Event& event, JournalSeq seq) override;

 protected:
  void on_due(NewTermGroup& group, EventTime due) override;
  void write_group(ByteWriter& to, const NewTermGroup& group) override;
  void read_group(ByteReader& from, NewTermGroup& group) override;
  size_t bytes_of(const NewTermGroup& group) const override;
  Finding finding_of(NewTermGroup& group, EventTime at) override;
  bool is_warming(const NewTermGroup* group) override;
  void on_remove(NewTermGroup& group) override;
  bool is_at_rest(const NewTermGroup& group) const override;
  void forget(NewTermGroup& group) override;
  bool fit_levels(NewTermGroup& group) override;

 private:
  using Place = InOrder<PendingTerm>::Place;

  const NewTermDetect& detect() const { return std::get<NewTermDetect>(rule().detect); }
  void list(NewTermGroup& group);
  bool is_new_to_parent(const NewTermGroup& group, uint64_t term, EventTime at);
  Level level_of(const NewTermGroup& group, const Event& event, const Novelty& novelty);
  void set_variables(const NewTermGroup& group, const Event& event, const Novelty& novelty);
  void set_warming(NewTermGroup& group);

  // Terms that the group will know when the turn of the pending event comes, so far.
  size_t known_before(const NewTermGroup& group, Place place) const;
  // Learns from the event, which is the next in order or late.
  Novelty take(NewTermGroup& group, const PendingTerm& item);
  // Counts it for the alert that raise() is about to tell of.
  void count_match(NewTermGroup& group, const PendingTerm& item, const Novelty& found,
                   EventTime at);
  void try_early(NewTermGroup& group, Place place, const Event& event);
  // True when it was told to be more than it is.
  bool decide(NewTermGroup& group, const PendingTerm& item);
  void settle(NewTermGroup& group, EventTime due, bool has_fallen);
  void go_on(NewTermGroup& group, EventTime now);

  absl::flat_hash_map<Hash128, std::vector<uint32_t>>
      siblings_;  // group indexes by parent, cold ones too
};

}  // namespace tocsin::rules
