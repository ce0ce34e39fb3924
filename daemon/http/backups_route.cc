// Backups of the data folder: /v1/backups. Where they lie is the configuration's; no path ever
// comes from a request.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daemon/backups.h"
#include "daemon/http/api.h"
#include "daemon/http/parameters.h"
#include "rules/model/json_text.h"

namespace tocsin::daemon::http {
namespace {

Response not_configured() {
  return problem(404, "no backups are configured; say `backup: {path: FOLDER}` and restart");
}

std::string_view state_of(const Backups::Run& run) {
  if (!run.ended) return "running";
  return run.error.empty() ? "succeeded" : "failed";
}

std::string json_of(const Backups::Run& run) {
  std::string to = fmt::format(
      R"({{"number":{},"state":"{}","started":"{}","done_bytes":{},"of_bytes":{})", run.number,
      state_of(run), format_time(run.started), run.done_bytes, run.of_bytes);
  if (run.ended) to += fmt::format(R"(,"ended":"{}")", format_time(*run.ended));
  if (run.backup != 0) to += fmt::format(R"(,"backup":{})", run.backup);
  if (!run.error.empty()) {
    to += ",\"error\":";
    append_json_string(to, run.error);
  }
  return to + "}";
}

}  // namespace

void Api::post_backups(Request& request, std::string_view, const Respond& respond) {
  Parameters parameters(request.query);
  parameters.refuse_unknown();
  if (auto refusal = parameters.refusal()) return respond(std::move(*refusal));
  if (!request.body.empty()) {
    return respond(problem(400, "a backup is asked for without a body"));
  }
  const std::shared_ptr<Backups> backups = backend_.backups();
  if (!backups && !backend_.store()) return respond(store_is_away());
  if (!backups) return respond(not_configured());
  const auto run = backups->begin();
  if (!run) return respond(problem(409, "a backup is being taken; GET /v1/backups tells how far"));
  respond({.status = 202, .body = fmt::format("{{\"run\":{}}}\n", *run)});
}

void Api::get_backups(Request& request, std::string_view, const Respond& respond) {
  Parameters parameters(request.query);
  parameters.refuse_unknown();
  if (auto refusal = parameters.refusal()) return respond(std::move(*refusal));
  const std::shared_ptr<Backups> backups = backend_.backups();
  if (!backups && !backend_.store()) return respond(store_is_away());
  if (!backups) return respond(not_configured());
  const auto list = backups->list();
  if (!list) return respond(problem(503, list.error().message));
  std::string to = fmt::format("{{\"keep\":{}", backups->keep());
  if (const auto run = backups->last()) to += ",\"run\":" + json_of(*run);
  to += ",\"backups\":[";
  for (const storage::Backup& backup : list->backups) {
    if (to.back() != '[') to += ',';
    to += fmt::format(R"({{"number":{},"taken":"{}","bytes":{},"files":{},"last_record":{}}})",
                      backup.number, format_time(backup.taken), backup.bytes, backup.files,
                      backup.last_seq);
  }
  to += fmt::format("],\"damaged\":[{}]}}\n", fmt::join(list->damaged, ","));
  respond({.body = std::move(to)});
}

}  // namespace tocsin::daemon::http
