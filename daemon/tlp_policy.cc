#include "daemon/tlp_policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "rules/model/json_text.h"
#include "rules/model/time.h"

namespace tocsin::daemon {
namespace {

std::string day_of(EventTime time) {
  return format_time(std::chrono::floor<std::chrono::days>(time));
}

}  // namespace

std::string TlpPolicy::withheld(const AlertFields& fields, std::string_view id) const {
  std::string to = R"({"format":"alert/1","id":)";
  append_json_string(to, id);
  to += fmt::format(R"(,"seq":{},"action":"{}","level":"{}")", fields.seq, to_string(fields.action),
                    to_string(fields.level));
  if (fields.previous != Level::kNone) {
    to += fmt::format(R"(,"previous_level":"{}")", to_string(fields.previous));
  }
  to += fmt::format(R"(,"starts_at":"{}")", day_of(fields.starts_at));
  if (fields.ends_at) to += fmt::format(R"(,"ends_at":"{}")", day_of(*fields.ends_at));
  to += fmt::format(R"(,"at":"{}","tlp":"{}","withheld":true}})", day_of(fields.at),
                    to_string(fields.tlp));
  return to;
}

Result<bool> TlpPolicy::was_shown(Hash128 alert, uint32_t seq) const {
  const auto transitions = store_.read_alert(alert);
  if (!transitions && transitions.error().code != ErrorCode::kNotFound) return transitions.error();
  return transitions &&
         std::any_of(transitions->begin(), transitions->end(), [&](const auto& json) {
           const auto earlier = read_alert_fields(json);
           return earlier && earlier->seq < seq && !withholds(*earlier);
         });
}

Result<std::string> TlpPolicy::limit(const std::string& json, const AlertFields& fields,
                                     bool was_told) const {
  if (!withholds(fields)) return json;
  Hash128 alert;
  if (!from_hex(fields.id, alert)) return invalid("an alert's id has 32 hexadecimal digits");
  return withheld(fields, was_told ? fields.id : to_hex(ids_.seal(alert)));
}

Result<std::string> TlpPolicy::limit(const std::string& json, const AlertFields& fields) const {
  Hash128 alert;
  if (!withholds(fields) || !from_hex(fields.id, alert)) return limit(json, fields, false);
  const auto was_told = was_shown(alert, fields.seq);
  if (!was_told) return was_told.error();
  return limit(json, fields, *was_told);
}

Result<std::vector<std::string>> TlpPolicy::read_alert(Hash128 id) const {
  for (const bool is_sealed : {false, true}) {
    const Hash128 own = is_sealed ? ids_.unseal(id) : id;
    const auto transitions = store_.read_alert(own);
    if (!transitions && transitions.error().code == ErrorCode::kNotFound) continue;
    if (!transitions) return transitions.error();
    std::vector<std::string> shown;
    bool was_shown = false;  // up to the transition at hand
    for (const std::string& json : *transitions) {
      const auto fields = read_alert_fields(json);
      if (!fields) continue;
      was_shown = was_shown || !withholds(*fields);
      shown.push_back(
          withholds(*fields) ? withheld(*fields, to_hex(was_shown ? own : ids_.seal(own))) : json);
    }
    // That the own id leads somewhere would already tell of what it was computed from.
    if (is_sealed || was_shown) return shown;
  }
  return not_found("there is no alert " + to_hex(id));
}

}  // namespace tocsin::daemon
