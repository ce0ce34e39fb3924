#include "daemon/purger.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "storage/key_value_store.h"
#include "storage/memory_key_value.h"

namespace tocsin::daemon {
namespace {

using std::chrono::hours;

// How often the disk was asked for the journal's bytes, and whether it ever ends by itself.
struct Disk {
  std::atomic<int> asked{0};
  std::atomic<int> given_up{0};
  std::atomic<bool> hangs{false};
};

class SlowTables : public storage::MemoryKeyValue {
 public:
  explicit SlowTables(Disk& disk) : disk_(disk) {}
  Status purge(storage::Table table, std::string_view, std::string_view,
               std::atomic<bool>& cancelled) override {
    if (table != storage::Table::kJournal) return Status::ok();
    ++disk_.asked;
    while (disk_.hangs && !cancelled) std::this_thread::yield();
    if (cancelled) return unavailable("purge: cancelled");
    ++disk_.given_up;
    return Status::ok();
  }

 private:
  Disk& disk_;
};

class PurgerTest : public testing::Test {
 protected:
  PurgerTest() {
    auto opened = storage::KeyValueStore::open(std::make_unique<SlowTables>(disk_), {});
    EXPECT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    Catalogue::Draft draft;
    Source source;
    source.name = "desk";
    draft.sources.push_back({std::move(source), {}});
    Indicator indicator;
    indicator.name = "violence.clash";
    draft.indicators.push_back(std::move(indicator));
    Region region;
    region.id = "XA";
    draft.regions.push_back({std::move(region), ""});
    store_->set_catalogue(std::make_shared<const Catalogue>(std::move(draft)));
  }

  // One more event that is marked red, and its erasure.
  storage::Store::Erased erase_one() {
    Event event;
    event.id = "secret";
    event.tlp = Tlp::kRed;
    storage::Batch& batch = store_->begin();
    batch.append(event);
    batch.mark_checkpoint();
    EXPECT_TRUE(store_->commit(batch, WallTime(hours(1))));
    storage::Store::Erasure red;
    red.journal.limits[static_cast<size_t>(Tlp::kRed)] = hours(1);
    const auto erased = store_->erase_marked(red, WallTime(hours(9)));
    EXPECT_TRUE(erased) << erased.error().message;
    return erased ? *erased : storage::Store::Erased{};
  }
  static void wait_for(const std::atomic<int>& count, int number) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (count < number && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    ASSERT_EQ(count, number);
  }

  Disk disk_;
  std::unique_ptr<storage::Store> store_;
  Log log_{"error", "logfmt"};
};

TEST_F(PurgerTest, PurgesOnceAfterTheLastPart) {
  erase_one();
  Purger purger(*store_, log_);
  wait_for(disk_.given_up, 1);  // what an earlier process left
  storage::Store::Erased part = erase_one();
  ASSERT_EQ(part.events, 1u);
  part.more = true;
  purger.erased(part);
  purger.erased(erase_one());
  wait_for(disk_.given_up, 2);
  purger.erased({});
  purger.stop();
  EXPECT_EQ(disk_.asked, 2) << "nothing was left to be purged";
}

TEST_F(PurgerTest, AStopEndsAPurgeAndTheNextStartGoesOn) {
  erase_one();
  disk_.hangs = true;
  {
    Purger purger(*store_, log_);
    wait_for(disk_.asked, 1);
    purger.stop();
  }
  EXPECT_EQ(disk_.given_up, 0);
  disk_.hangs = false;
  const Purger again(*store_, log_);
  wait_for(disk_.given_up, 1);
}

}  // namespace
}  // namespace tocsin::daemon
