#include "full_folder.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tocsin::storage::testing {

void fill(const std::string& path) {
  auto opened = open_folder(path);
  ASSERT_TRUE(opened) << opened.error().message;
  Store& store = **opened;
  const auto catalogue = small_catalogue();
  Arena arena;
  ASSERT_TRUE(store.declare_sinks({"hook"}));
  ASSERT_TRUE(store.put_meta("instance", "0123456789abcdef"));
  Batch& batch = store.begin();
  for (uint64_t n = 0; n < 50; ++n) batch.append(plain_event(*catalogue, n, arena));
  for (uint64_t n = 0; n < 20; ++n) {
    batch.put_alert(alert_record(n, 0));
    batch.put_dead_letter(dead_letter(static_cast<int64_t>(n)));
    batch.put_position(fmt::format("kafka/topic/{}", n), fmt::format("{}", n * 1000));
    batch.put_state(fmt::format("key {}", n), "state");
  }
  batch.mark_checkpoint();
  ASSERT_TRUE(store.commit(batch, at_second(1)));
}

Result<std::string> read_all(const std::string& path) {
  Result<std::unique_ptr<Store>> opened = open_folder(path, /*read_only=*/true);
  if (!opened) return opened.error();
  const Store& store = **opened;
  std::string all = fmt::format("{} {}\n", store.last_seq(), store.checkpoint_seq());
  const Result<std::optional<std::string>> instance = store.meta("instance");
  if (!instance) return instance.error();
  all += instance->value_or("no instance") + "\n";
  for (int n = 0; n < 20; ++n) {
    all += store.position(fmt::format("kafka/topic/{}", n)).value_or("no position") + "\n";
  }
  const auto add_alert = [&all](const Store::StoredAlert& alert) {
    all += fmt::format("alert {} {}\n", alert.order, alert.json);
    return true;
  };
  for (Status status :
       {store.read_journal(1,
                           [&all](const Store::JournalRecord&record) {
                             all += fmt::format("event {}\n", record.event->id);
                             return true;
                           }),
        store.read_seen_ids(kMinEventTime,
                            [&all](const Store::SeenId&id) { all += to_hex(id.key) + "\n"; }),
        store.read_state([&all](std::string_view key, std::string_view value) {
          all += fmt::format("state {} {}\n", key, value);
        }),
        store.read_alerts({}, add_alert), store.read_alerts({.open_only = true}, add_alert),
        store.read_alert_log(0, add_alert),
        store.read_dead_letters(0, [&all](const DeadLetter&letter) {
          all += fmt::format("letter {} {}\n", letter.number, letter.raw);
          return true;
        })}) {
    if (!status) return status.error();
  }
  const auto outbox = store.read_outbox("hook", 100);
  if (!outbox) return outbox.error();
  for (const OutboxEntry& entry : *outbox) all += fmt::format("send {}\n", entry.json);
  for (uint64_t n = 0; n < 20; ++n) {
    const auto alert = store.read_alert(alert_record(n, 0).alert);
    if (!alert) return alert.error();
    all += alert->front() + "\n";
  }
  return all;
}

}  // namespace tocsin::storage::testing
