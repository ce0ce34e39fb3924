#include "daemon/digest.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "rules/model/json_text.h"

namespace tocsin::daemon {

namespace {

void add_text(std::string& to, std::string_view name, std::string_view text) {
  if (text.empty()) return;
  to += fmt::format(R"(,"{}":)", name);
  append_json_string(to, text);
}

std::string in_languages(const std::map<std::string, std::string>& texts) {
  std::string to;
  for (const auto& [language, text] : texts) add_text(to, language, text);
  return "{" + to.substr(std::min<size_t>(1, to.size())) + "}";
}

}  // namespace

std::string write_digest(const Digest& digest) {
  std::string to = R"({"format":"digest/1","instance":)";
  append_json_string(to, digest.instance);
  add_text(to, "sink", digest.sink);
  to += fmt::format(R"(,"from":"{}","to":"{}","alerts":{},"list":[)",
                    format_time(digest.downtime.from), format_time(digest.downtime.to),
                    digest.alerts.size());
  std::vector<const AlertFields*> order;
  for (const AlertFields& alert : digest.alerts) order.push_back(&alert);
  std::sort(order.begin(), order.end(), [](const AlertFields* a, const AlertFields* b) {
    return std::tie(b->level, a->starts_at, a->id) < std::tie(a->level, b->starts_at, b->id);
  });
  for (size_t i = 0; i < std::min(order.size(), kListedInDigest); ++i) {
    const AlertFields& alert = *order[i];
    to += i == 0 ? R"({"id":)" : R"(,{"id":)";
    append_json_string(to, alert.id);
    add_text(to, "rule", alert.rule);
    add_text(to, "level", to_string(alert.level));
    add_text(to, "region", alert.region);
    if (!alert.title.empty()) to += fmt::format(R"(,"title":{})", in_languages(alert.title));
    add_text(to, "starts_at", format_time(alert.starts_at));
    if (alert.ends_at) add_text(to, "ends_at", format_time(*alert.ends_at));
    to += '}';
  }
  to += "]}";
  return to;
}

}  // namespace tocsin::daemon
