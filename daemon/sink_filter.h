#pragma once

#include <cstdint>
#include <string>

#include "daemon/alert_fields.h"
#include "daemon/notification_sink.h"
#include "daemon/tlp_policy.h"
#include "rules/model/vocabulary.h"
#include "storage/store.h"

namespace tocsin::daemon {

// What of the alert log goes to one sink, and how.
//
// * An alert is told from the transition on that first reaches `min_level`, to its end.
// * What is marked above `tlp_ceiling` is redacted (tlp_policy.h) or, with `drop_above_ceiling`,
//   not told. But an alert that was told once is told on, redacted if need be: a receiver that
//   never hears of the end would take it to go on.
// A function of the alert log alone, so that a restart and a repetition judge the same.
// Thread-safety: any thread.
class SinkFilter {
 public:
  struct Options {
    Tlp tlp_ceiling = Tlp::kAmber;
    bool drop_above_ceiling = false;
    Level min_level = Level::kInfo;
  };
  // `store` outlives it.
  SinkFilter(const Options& options, const SealedIds& ids, const storage::Store& store);

  enum class Fate { kWhole, kRedacted, kWithheld, kBelowLevel };
  struct Judged {
    Fate fate = Fate::kWhole;
    Notification notification;  // as the sink gets it; empty when it does not

    bool is_told() const { return fate == Fate::kWhole || fate == Fate::kRedacted; }
  };
  // Fails when the store must be asked for earlier transitions and cannot be read.
  Result<Judged> judge(Hash128 alert, uint32_t seq, std::string json) const;

 private:
  bool reaches_level(const AlertFields& fields) const;
  // What the sink got of the alert before this transition.
  struct Past {
    bool has_reached_level = false;
    bool was_told = false;  // some transition whole
  };
  Result<Past> past_of(Hash128 alert, const AlertFields& fields) const;
  Fate fate_of(const AlertFields& fields, const Past& past) const;

  const Options options_;
  const TlpPolicy tlp_;
  const storage::Store& store_;
};

}  // namespace tocsin::daemon
