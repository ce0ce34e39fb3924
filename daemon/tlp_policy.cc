#include "daemon/tlp_policy.h"

#include <fmt/format.h>

#include "daemon/alert_json.h"

namespace tocsin::daemon {

std::string limit_to_tlp(const std::string& json, const AlertFields& fields, Tlp ceiling) {
  if (fields.tlp <= ceiling) return json;
  std::string to = R"({"format":"alert/1","id":)";
  append_json_string(to, fields.id);
  to += fmt::format(R"(,"seq":{},"action":"{}","level":"{}")", fields.seq, to_string(fields.action),
                    to_string(fields.level));
  if (fields.previous != Level::kNone) {
    to += fmt::format(R"(,"previous_level":"{}")", to_string(fields.previous));
  }
  to += fmt::format(R"(,"starts_at":"{}")", format_time(fields.starts_at));
  if (fields.ends_at) to += fmt::format(R"(,"ends_at":"{}")", format_time(*fields.ends_at));
  to += fmt::format(R"(,"at":"{}","tlp":"{}","withheld":true}})", format_time(fields.at),
                    to_string(fields.tlp));
  return to;
}

}  // namespace tocsin::daemon
