#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/key_value_store.h"
#include "storage/memory_key_value.h"
#include "storage/memory_store.h"
#include "tests/daemon/fed_pipeline.h"

// Saved state whose bytes are not what was written.
namespace tocsin::daemon {
namespace {

std::map<std::string, std::string> state_of(const storage::Store& store) {
  std::map<std::string, std::string> state;
  EXPECT_TRUE(store.read_state([&](std::string_view key, std::string_view value) {
    if (Pipeline::is_of_the_journal(key)) state.emplace(key, value);
  }));
  return state;
}

// A bit that has turned is another sum, or another alert that was told: no reader would know.
TEST(DamagedState, IsRebuiltFromTheJournal) {
  auto store = storage::KeyValueStore::open(std::make_unique<storage::MemoryKeyValue>(), {});
  ASSERT_TRUE(store) << store.error().message;
  {
    Daemon daemon(**store, options());
    daemon.feed(event_line(1, 1, "XA", 40) + event_line(2, 3, "XA", 5) + event_line(3, 9, "XB", 1));
    daemon.commit(/*checkpoint=*/true);
  }
  const auto whole = state_of(**store);
  size_t damaged = 0;
  for (const auto& [key, value] : whole) {
    if (!key.starts_with("shard/") && !key.starts_with("pipeline.told.")) continue;
    ++damaged;
    std::string other = value;
    other[other.size() / 2] ^= '\x10';
    storage::Batch& batch = (*store)->begin();
    batch.put_state(key, other);
    batch.mark_checkpoint();
    ASSERT_TRUE((*store)->commit(batch, WallTime{}));
    const Daemon daemon(**store, options());
    EXPECT_NE(daemon.warning().find("it is damaged"), std::string::npos) << key;
    EXPECT_EQ(state_of(**store), whole) << key;
  }
  EXPECT_GE(damaged, 6u);
}

// As an older tocsin, or a fault of ours, may leave them: it comes out of that by itself.
TEST(StateThatContradictsTheLog, IsRebuiltAndGoesOnAfterWhatWasTold) {
  const std::string line = event_line(1, 1, "XA", 40);
  std::optional<storage::AlertRecord> fire;
  {
    const auto other = storage::make_memory_store();
    Daemon daemon(*other, options());
    daemon.feed(line);
    daemon.commit();
    EXPECT_TRUE(other->read_alert_log(0, [&](const auto& alert) {
      fire = {.alert = alert.alert, .seq = alert.seq, .json = alert.json + " "};
      return false;
    }));
  }
  ASSERT_TRUE(fire);
  const auto store = storage::make_memory_store();
  {
    Daemon daemon(*store, options());
    daemon.commit(/*checkpoint=*/true);
    storage::Batch& batch = store->begin();
    batch.put_alert(*fire);
    ASSERT_TRUE(store->commit(batch, WallTime{}));
    daemon.feed(line);
    const Status status = daemon.pipeline().commit(WallTime{}, /*checkpoint=*/false);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  }
  Daemon daemon(*store, options());
  EXPECT_NE(daemon.warning().find("the log has other words of it"), std::string::npos);
  daemon.feed(line);
  daemon.commit();
  std::vector<uint32_t> seqs;
  EXPECT_TRUE(store->read_alert_log(0, [&](const auto& alert) {
    if (alert.alert == fire->alert) seqs.push_back(alert.seq);
    return true;
  }));
  EXPECT_EQ(seqs, (std::vector<uint32_t>{0, 1, 2})) << "what was told ended: nothing held it";
}

}  // namespace
}  // namespace tocsin::daemon
