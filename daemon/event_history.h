#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/alert_fields.h"
#include "rules/model/catalogue.h"
#include "rules/model/result.h"
#include "storage/store.h"

namespace tocsin::daemon {

// What became of one event: every revision of it that the journal has, in the order of arrival, and
// the alerts that name it.
struct EventHistory {
  struct Revision {
    JournalSeq record = 0;
    WallTime committed{};
    bool counts = false;  // it is what rules see now
    // The event as it came, event/1; empty when it is withheld or its names are unknown.
    std::string json;
    bool is_withheld = false;  // marked above the ceiling
    bool is_erased = false;    // its content, by retention
    bool is_unknown = false;   // its source, indicator or region is not in the catalogue
    uint32_t rev = 0;
    Operation op = Operation::kAssert;
    Tlp tlp = Tlp::kClear;
    EventTime time{};
    std::string region;
    double value = 0;  // NaN when absent
  };
  struct FedAlert {
    Hash128 alert;
    bool is_open = true;
    AlertFields last;                                     // its latest transition
    std::vector<std::pair<uint32_t, std::string>> named;  // transitions, and the role in each
  };
  std::vector<Revision> revisions;
  std::vector<FedAlert> alerts;  // in order of their first naming it
  bool is_retracted = false;     // no revision counts
};

// `ceiling`: what is marked above it is withheld; alerts so marked are left out, since that they
// name the event would tell what they are about. No revision at all is no error.
Result<EventHistory> read_event_history(const storage::Store& store, const Catalogue& catalogue,
                                        std::string_view source, std::string_view id, Tlp ceiling);

// One object, for programs.
std::string write_event_history(const EventHistory& history, std::string_view source,
                                std::string_view id);

}  // namespace tocsin::daemon
