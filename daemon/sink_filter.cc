#include "daemon/sink_filter.h"

#include <algorithm>

namespace tocsin::daemon {

SinkFilter::SinkFilter(const Options& options, const SealedIds& ids, const storage::Store& store)
    : options_(options), tlp_(options.tlp_ceiling, ids, store), store_(store) {}

bool SinkFilter::reaches_level(const AlertFields& fields) const {
  return std::max(fields.level, fields.previous) >= options_.min_level;
}

Result<SinkFilter::Fate> SinkFilter::fate_of(Hash128 alert, const AlertFields& fields) const {
  const auto fate = [&](bool has_reached_level, bool was_told) {
    if (!has_reached_level) return Fate::kBelowLevel;
    if (!tlp_.withholds(fields)) return Fate::kWhole;
    return options_.drop_above_ceiling && !was_told ? Fate::kWithheld : Fate::kRedacted;
  };
  // As most are: no earlier transition can change it.
  const bool is_dropped = tlp_.withholds(fields) && options_.drop_above_ceiling;
  if (fields.seq == 0 || (reaches_level(fields) && !is_dropped)) {
    return fate(reaches_level(fields), false);
  }
  const auto transitions = store_.read_alert(alert);
  if (!transitions && transitions.error().code == ErrorCode::kNotFound) {
    return fate(reaches_level(fields), false);
  }
  if (!transitions) return transitions.error();
  bool has_reached_level = false;
  bool was_told = false;
  for (const std::string& json : *transitions) {
    const auto earlier = read_alert_fields(json);
    if (!earlier || earlier->seq >= fields.seq) continue;
    has_reached_level = has_reached_level || reaches_level(*earlier);
    was_told = was_told || (has_reached_level && !tlp_.withholds(*earlier));
  }
  return fate(has_reached_level || reaches_level(fields), was_told);
}

Result<SinkFilter::Judged> SinkFilter::judge(Hash128 alert, uint32_t seq, std::string json) const {
  const auto fields = read_alert_fields(json);
  // Not ours to understand, then not ours to show.
  if (!fields) return Judged{.fate = Fate::kWithheld, .notification = {}};
  const auto fate = fate_of(alert, *fields);
  if (!fate) return fate.error();
  Judged judged{.fate = *fate, .notification = {}};
  if (!judged.is_told()) return judged;
  auto shown = tlp_.limit(json, *fields);
  if (!shown) return shown.error();
  const auto shown_fields = read_alert_fields(*shown);
  judged.notification = {.alert = alert,
                         .id = shown_fields ? shown_fields->id : fields->id,
                         .seq = seq,
                         .json = *std::move(shown)};
  return judged;
}

}  // namespace tocsin::daemon
