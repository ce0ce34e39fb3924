#include "daemon/sink_filter.h"

#include <algorithm>

namespace tocsin::daemon {

SinkFilter::SinkFilter(const Options& options, const SealedIds& ids, const storage::Store& store)
    : options_(options), tlp_(options.tlp_ceiling, ids, store), store_(store) {}

bool SinkFilter::reaches_level(const AlertFields& fields) const {
  return std::max(fields.level, fields.previous) >= options_.min_level;
}

Result<SinkFilter::Past> SinkFilter::past_of(Hash128 alert, const AlertFields& fields) const {
  Past past;
  // As most are: no earlier transition can change it.
  if (fields.seq == 0 || (reaches_level(fields) && !tlp_.withholds(fields))) return past;
  const auto transitions = store_.read_alert(alert);
  if (!transitions && transitions.error().code == ErrorCode::kNotFound) return past;
  if (!transitions) return transitions.error();
  for (const std::string& json : *transitions) {
    const auto earlier = read_alert_fields(json);
    if (!earlier || earlier->seq >= fields.seq) continue;
    past.has_reached_level = past.has_reached_level || reaches_level(*earlier);
    past.was_told = past.was_told || (past.has_reached_level && !tlp_.withholds(*earlier));
  }
  return past;
}

SinkFilter::Fate SinkFilter::fate_of(const AlertFields& fields, const Past& past) const {
  if (!past.has_reached_level && !reaches_level(fields)) return Fate::kBelowLevel;
  if (!tlp_.withholds(fields)) return Fate::kWhole;
  return options_.drop_above_ceiling && !past.was_told ? Fate::kWithheld : Fate::kRedacted;
}

Result<SinkFilter::Judged> SinkFilter::judge(Hash128 alert, uint32_t seq, std::string json) const {
  const auto fields = read_alert_fields(json);
  // Not ours to understand, then not ours to show.
  if (!fields) return Judged{.fate = Fate::kWithheld, .notification = {}};
  const auto past = past_of(alert, *fields);
  if (!past) return past.error();
  Judged judged{.fate = fate_of(*fields, *past), .notification = {}};
  if (!judged.is_told()) return judged;
  auto shown = tlp_.limit(json, *fields, past->was_told);
  if (!shown) return shown.error();
  const auto shown_fields = read_alert_fields(*shown);
  judged.notification = {.alert = alert,
                         .id = shown_fields ? shown_fields->id : fields->id,
                         .seq = seq,
                         .json = *std::move(shown)};
  return judged;
}

}  // namespace tocsin::daemon
