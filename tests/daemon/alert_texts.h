#pragma once

#include <fmt/format.h>

#include <string>

#include "daemon/notification_sink.h"
#include "rules/model/hash.h"
#include "storage/store.h"

namespace tocsin::daemon {

// What a test says about a transition; the rest is the same for all.
struct AlertText {
  uint64_t alert = 1;
  uint32_t seq = 0;
  std::string action = "fire";
  std::string level = "warning";
  std::string previous_level = "none";
  std::string rule = "violence/clashes";
  std::string driver = "violence";
  std::string country = "LY";
  std::string starts_at = "2011-02-18T00:00:00Z";
  std::string at = "2011-02-18T00:00:00Z";
  std::string ends_at{};
  std::string tlp = "clear";
  std::string summary = "62 dead";
  std::string status = "production";
  std::string marks = R"("stale":false,"error":false,"flapping":false)";
  std::string condition = "dead >= 25";

  Hash128 id() const { return {.high = 0, .low = alert}; }
  std::string json() const {
    std::string to = fmt::format(
        R"({{"format":"alert/1","id":"{}","seq":{},"action":"{}","rule":"{}","ruleset":"violence",)"
        R"("driver":"{}","stage":"escalation","status":"{}","level":"{}",)"
        R"("previous_level":"{}","group":{{"region":"{}"}},"region":"{}","country":"{}",)"
        R"("region_name":{{"en":"Libya"}},"starts_at":"{}",)",
        to_hex(id()), seq, action, rule, driver, status, level, previous_level, country, country,
        country, starts_at);
    if (!ends_at.empty()) to += fmt::format(R"("ends_at":"{}",)", ends_at);
    return to + fmt::format(
                    R"("at":"{}","provisional":false,"watermark":"{}",{},"tlp":"{}",)"
                    R"("title":{{"en":"Clashes"}},"summary":{{"en":"{}"}},"values":{{"dead":62}},)"
                    R"("condition":"{}","events_counted":7,"evidence":[{{"role":"dead",)"
                    R"("id":"canary-event","source":"canary-source"}}],"source":{{"document":"d",)"
                    R"("paragraph":"p"}},"labels":{{}}}})",
                    at, at, marks, tlp, summary, condition);
  }
  bool is_open() const { return action != "resolve" && action != "withdraw"; }
  storage::AlertRecord record() const {
    return {.alert = id(),
            .seq = seq,
            .open = is_open(),
            .notify = status == "production",
            .json = json()};
  }
  Notification notification() const {
    return {.alert = id(), .id = to_hex(id()), .seq = seq, .json = json()};
  }
};

}  // namespace tocsin::daemon
