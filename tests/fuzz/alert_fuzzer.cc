#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "bytes_as_file.h"
#include "daemon/alert_diff.h"
#include "daemon/alert_fields.h"
#include "daemon/alert_log.h"
#include "daemon/alert_log_sink.h"
#include "daemon/explanation.h"
#include "daemon/open_alerts.h"
#include "daemon/tlp_policy.h"
#include "rules/model/check.h"
#include "storage/memory_store.h"
#include "tests/daemon/alert_texts.h"

namespace tocsin::daemon {
namespace {

template <typename T>
void check_told(const Result<T>& result) {
  TOCSIN_CHECK(result || !result.error().message.empty());
}

// What is left of an alert that may not be shown is an alert, and names nothing.
void check_withheld(const std::string& json, const AlertFields& fields, TlpPolicy policy) {
  const auto shown = policy.limit(json, fields);
  if (!shown) {  // its id is none
    TOCSIN_CHECK(policy.withholds(fields) && !shown.error().message.empty());
    return;
  }
  if (!policy.withholds(fields)) {
    TOCSIN_CHECK(*shown == json);
    return;
  }
  const auto left = read_alert_fields(*shown);
  TOCSIN_CHECK(left && left->level == fields.level && left->action == fields.action);
  TOCSIN_CHECK(left->tlp == fields.tlp && left->seq == fields.seq);
  TOCSIN_CHECK(left->rule.empty() && left->region.empty() && left->country.empty());
  TOCSIN_CHECK(left->title.empty() && left->summary.empty() && left->group.empty());
  TOCSIN_CHECK(left->condition.empty() && left->id.size() == 32);
}

void read_alert(const std::string& json) {
  const auto fields = read_alert_fields(json);
  check_told(fields);
  check_told(explain_alert({json}, "fr"));
  const auto store = storage::make_memory_store();
  storage::Batch& batch = store->begin();
  batch.put_alert({.alert = {.high = 0, .low = 1}, .seq = 0, .open = true, .json = json});
  TOCSIN_CHECK(store->commit(batch, WallTime{}));
  TOCSIN_CHECK(OpenAlertsReader(*store, Tlp::kAmber).read() != nullptr);
  if (!fields) return;
  static const SealedIds ids;
  for (const Tlp ceiling : {Tlp::kClear, Tlp::kAmber}) {
    check_withheld(json, *fields, {ceiling, ids, *store});
  }
}

void read_log(std::string_view log) {
  const BytesAsFile file(log);
  check_told(read_alert_from_log(file.path(), "0"));
  const auto diff = diff_alert_logs(file.path(), file.path());
  check_told(diff);
  TOCSIN_CHECK(!diff || diff->empty());
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// After a crash, with whatever it left: a line that is there is not written again, half a line
// goes.
void write_on(std::string_view log) {
  static const std::string path = "/dev/shm/tocsin-alert-fuzzer." + std::to_string(::getpid());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << log;
  const Notification notification = AlertText{}.notification();
  AlertLogSink sink("desk", path);
  for (int again = 0; again < 2; ++again) TOCSIN_CHECK(sink.deliver({notification}));
  const std::string now = content_of(path);
  std::filesystem::remove(path);
  const std::string_view whole = log.substr(0, log.rfind('\n') + 1);
  TOCSIN_CHECK(now.starts_with(whole));
  const std::string_view added = std::string_view(now).substr(whole.size());
  TOCSIN_CHECK(added.empty() || added == notification.json + "\n" ||
               added == notification.json + "\n" + notification.json + "\n");
}

}  // namespace
}  // namespace tocsin::daemon

// Any bytes as an alert/1 text as it is read back, and as the log of alerts.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  tocsin::daemon::read_alert(text);
  tocsin::daemon::read_log(text);
  tocsin::daemon::write_on(text);
  return 0;
}
