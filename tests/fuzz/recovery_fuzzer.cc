#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/folder_verification.h"
#include "damage.h"
#include "rules/model/check.h"
#include "stopped_daemon.h"
#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/verify_rows.h"

namespace tocsin::daemon {
namespace {

// With the checksum that fits, or nothing would get past it.
void fix_checksum(Row& row) {
  if ((row.table != Table::kJournal && row.table != Table::kIds) || row.value.size() < 4) return;
  std::string checksum;
  storage::put_little(checksum, storage::crc32c(std::string_view(row.value).substr(4)));
  row.value.replace(0, 4, checksum);
}

// All that is asked of a store by the API, sinks and commands.
void read_all(Store& store) {
  size_t count = 0;
  const auto each = [&count](const auto&) { return ++count < 1000; };
  check_told(store.read_journal(0, each));
  check_told(store.read_alerts({}, each));
  check_told(store.read_alerts({.open_only = true, .limit = 2}, each));
  check_told(store.read_alert_log(0, each));
  check_told(store.read_dead_letters(0, each));
  check_told(store.read_seen_ids(kMinEventTime, [](const Store::SeenId&) {}));
  const auto found = store.find_alerts("0", 5);
  TOCSIN_CHECK(!found || found->size() <= 5);
  for (const char* sink : {"desk", "pager"}) {
    const auto entries = store.read_outbox(sink, 10);
    TOCSIN_CHECK(entries || !entries.error().message.empty());
    if (!entries) continue;
    std::vector<uint64_t> numbers;
    for (const auto& entry : *entries) numbers.push_back(entry.number);
    check_told(store.done(sink, numbers));
  }
  store.statistics();
}

std::unique_ptr<MemoryKeyValue> filled(const std::vector<Row>& rows) {
  auto tables = std::make_unique<MemoryKeyValue>();
  const auto writes = tables->make_writes();
  for (const Row& row : rows) writes->put(row.table, row.key, row.value);
  TOCSIN_CHECK(tables->write(*writes, false));
  return tables;
}

// What `tocsin verify` says of them: damage with a code and a place.
void verify(const MemoryKeyValue& tables) {
  FolderVerification found([](std::string_view, uint64_t, uint64_t) {});
  storage::VerifiedFolder seen;
  storage::verify_rows(tables, found, seen);
  found.finish(seen);
  for (const storage::Damage& damage : found.damage()) {
    TOCSIN_CHECK(damage.code.starts_with("T0") && !damage.where.empty() && !damage.what.empty());
  }
}

// Saved state, but for what is of the wall clock.
std::map<std::string, std::string> state_of(const Store& store) {
  std::map<std::string, std::string> state;
  TOCSIN_CHECK(store.read_state([&](std::string_view key, std::string_view value) {
    if (Pipeline::is_of_the_journal(key)) state.emplace(key, value);
  }));
  return state;
}

// What a daemon comes to that starts with these rows, and goes on.
void start(const std::vector<Row>& rows, const std::map<std::string, std::string>* expected) {
  auto tables = filled(rows);
  verify(*tables);
  const auto store = open(std::move(tables));
  TOCSIN_CHECK(store != nullptr || expected == nullptr);
  if (store == nullptr) return;
  read_all(*store);
  FuzzedDaemon daemon(*store);
  const Status recovered = daemon.recover();
  check_told(recovered);
  TOCSIN_CHECK(recovered || expected == nullptr);
  if (!recovered) return;
  TOCSIN_CHECK(expected == nullptr || state_of(*store) == *expected);
  check_told(daemon.take(event_line(8, 23, "XB", 50) + event_line(5, 21, "XA", 70), true));
  constexpr Milliseconds kShort{1};
  check_told(store->apply_retention({.journal = kShort,
                                     .closed_alerts = kShort,
                                     .dead_letters = kShort,
                                     .seen_ids = *parse_time("2020-01-20")},
                                    at_hour(3)));
}

std::map<std::string, std::string> recovered_state(const std::vector<Row>& rows) {
  const auto store = open(filled(rows));
  TOCSIN_CHECK(FuzzedDaemon(*store).recover());
  return state_of(*store);
}

}  // namespace
}  // namespace tocsin::daemon

// Edits of the rows that a store has left behind. It opens or says why not; what it says is read
// and verified; a daemon recovers from it, or is told that it cannot, and goes on. Where only saved
// state is damaged, it comes to the same as without.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tocsin;
  using namespace tocsin::daemon;
  static const std::vector<Row> rows = left_behind();
  static const auto expected = recovered_state(rows);
  std::vector<Row> damaged = rows;
  bool is_only_state = true;
  Edits edits({reinterpret_cast<const char*>(data), size});
  for (Edits::Edit edit; edits.next(edit);) {
    Row& row = damaged[(edit.target / 2) % damaged.size()];
    edit.damage(edit.target % 2 == 0 ? row.value : row.key);
    fix_checksum(row);
    is_only_state &= row.table == storage::Table::kState && edit.target % 2 == 0 &&
                     (row.key.starts_with("shard/") || row.key.starts_with("pipeline.told."));
  }
  start(damaged, is_only_state ? &expected : nullptr);
  return 0;
}
