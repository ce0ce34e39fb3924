#pragma once

#include <string>
#include <string_view>

#include "rules/model/alert.h"
#include "rules/model/event.h"
#include "rules/rule.h"

namespace tocsin::daemon {

// What write_alert() asks of the journal.
class EventLookup {
 public:
  virtual ~EventLookup() = default;
  // nullptr when it is no longer kept. The pointer holds until the next call.
  virtual const Event* find(JournalSeq seq) = 0;
};

// Writes a transition as alert/1: one JSON object, fixed key order, no newline.
//
// The bytes are a function of the transition, its rule and its evidence alone, so that the same
// (id, seq) is always the same text; journal numbers are never written. Evidence that the journal
// no longer holds is left out; `events_counted` still says how many there were.
std::string write_alert(const AlertTransition& transition, const rules::Bundle& bundle,
                        EventLookup& journal);

// Shortest text that reads back as the same number; not finite becomes null.
void append_json_number(std::string& to, double value);

}  // namespace tocsin::daemon
