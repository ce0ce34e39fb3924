#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/group_table.h"
#include "rules/in_order.h"
#include "rules/pane_grid.h"

namespace tocsin::rules {

struct Report {
  EventTime time{};
  SourceId source{};
  JournalSeq seq = 0;
  Tlp tlp = Tlp::kClear;
  std::string id;

  std::string_view event_id() const { return id; }
  size_t bytes() const { return id.size(); }
};

// What is kept of an earlier report.
struct PastReport {
  EventTime time{};
  Tlp tlp = Tlp::kClear;
};

struct AbsenceGroup : Group {
  bool is_on_roster = false;
  EventTime first = kNever;        // report of a learned key
  std::vector<PastReport> recent;  // the last `at_least`, oldest first
  Report last;                     // seq 0: never heard of
  uint64_t reports = 0;
  InOrder<Report> pending;
};

// Kind `absence`: reports that ought to come and do not (rules/kinds/README.md).
//
// The deadline is the last report + every + grace in event time; a report before it is in time. It
// is judged when the watermark, or a heartbeat, reaches it, so that silence of all is seen too.
class AbsenceDetector final : public GroupedDetector<AbsenceGroup> {
 public:
  using GroupedDetector::GroupedDetector;
  void prepare() override;
  void on_event(const Event& event, JournalSeq seq) override;
  void on_first_moved() override;

 protected:
  void on_due(AbsenceGroup& group, EventTime due) override;
  void write_group(ByteWriter& to, const AbsenceGroup& group) override;
  void read_group(ByteReader& from, AbsenceGroup& group) override;
  size_t bytes_of(const AbsenceGroup& group) const override;
  Finding finding_of(AbsenceGroup& group, EventTime at) override;
  // One that was never heard of waits for the first report of all: see on_first_moved().
  bool is_at_rest(const AbsenceGroup& group) const override {
    return group.pending.empty() && group.last.seq != 0;
  }

 private:
  const AbsenceDetect& detect() const { return std::get<AbsenceDetect>(rule().detect); }
  bool is_kept_here(const std::string& key) const;
  // What the deadlines count from; kNever when nothing is known yet.
  EventTime base_of(const AbsenceGroup& group) const;
  EventTime deadline(EventTime base, int64_t number) const;  // number from 1
  int64_t missed_at(const AbsenceGroup& group, EventTime at) const;
  bool is_expected(const AbsenceGroup& group) const;
  static bool is_unheard_of(const AbsenceGroup& group);
  EventTime forgotten_at(const AbsenceGroup& group) const;
  // The first moment after `now` at which the alert may change though nothing comes.
  EventTime next_judgement(const AbsenceGroup& group, EventTime now) const;
  EventTime next_due(const AbsenceGroup& group, EventTime now) const;
  void take(AbsenceGroup& group, const Report& report, EventTime at);
  void judge(AbsenceGroup& group, EventTime at);
  // The key is no longer expected: it begins anew with the next report.
  void forget(AbsenceGroup& group, EventTime at);
  void set_variables(AbsenceGroup& group, EventTime at);

  PaneGrid days_{{.exact = std::chrono::hours(24)}};
};

}  // namespace tocsin::rules
