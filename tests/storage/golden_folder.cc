// Makes a small data folder with something of everything in it, and the text of what it holds: what
// golden_test.cc opens for ever. Run it once when a format is new, and keep what it makes:
//   golden_folder tests/storage/golden/format-N
//   golden_folder tests/storage/golden/format-N-erased erased     what is marked red is erased
#include <fmt/format.h>

#include <atomic>
#include <filesystem>
#include <random>

#include "folder_text.h"
#include "store_fixture.h"

namespace tocsin::storage {
namespace {

using namespace testing;
namespace fs = std::filesystem;

void require(const Status& status) {
  if (status) return;
  fmt::print(stderr, "{}\n", status.error().message);
  std::exit(1);
}

std::unique_ptr<Store> open(const std::string& path) {
  auto store = open_folder(path);
  if (!store) require(store.error());
  return std::move(*store);
}

void append_controls(Batch& batch) {
  using Kind = Control::Kind;
  for (const Kind kind : {Kind::kAdvance, Kind::kActivate, Kind::kEndSource, Kind::kExpectSource}) {
    Control control;
    control.kind = kind;
    if (kind == Kind::kActivate) {
      control.bundle = "0123456789abcdef0123456789abcdef";
    } else {
      control.source = "s2";
      control.time = from_ms(1'300'000'000'123);
    }
    batch.append(control);
  }
}

// What is dropped again, so that nothing begins at 1.
void commit_first(Store& store, const Catalogue& catalogue) {
  Arena arena;
  Batch& batch = store.begin();
  for (uint64_t n = 0; n < 10; ++n) batch.append(plain_event(catalogue, n, arena));
  batch.put_alert(alert_record(1, 0));
  batch.put_alert(alert_record(1, 1, /*open=*/false));
  batch.put_dead_letter(dead_letter(1));
  batch.mark_checkpoint();
  require(store.commit(batch, at_second(1000)));
}

void commit_second(Store& store, const Catalogue& catalogue, int events) {
  std::mt19937_64 random(20260727);
  Arena arena;
  Batch& batch = store.begin();
  append_controls(batch);
  for (int n = 0; n < events; ++n) batch.append(random_event(catalogue, random, arena));
  for (uint64_t alert = 2; alert < 6; ++alert) {
    for (uint32_t seq = 0; seq <= alert; ++seq) {
      batch.put_alert(alert_record(alert, seq, /*open=*/seq < 3));
    }
  }
  AlertRecord shadow = alert_record(9, 0);
  shadow.notify = false;
  batch.put_alert(shadow);
  for (int n = 2; n < 6; ++n) batch.put_dead_letter(dead_letter(n));
  batch.put_position("file/feed", "12:3456:78:90:abcdef");
  batch.put_position("kafka/topic/0", "4711");
  batch.put_state("engine", std::string("\x04 state", 8));
  batch.put_state("pipeline.bundle", "0123456789abcdef0123456789abcdef early");
  batch.mark_checkpoint();
  require(store.commit(batch, at_second(2'000'000)));
}

// What stays in the log.
void commit_third(Store& store, const Catalogue& catalogue) {
  Arena arena;
  Batch& batch = store.begin();
  for (uint64_t n = 200; n < 220; ++n) batch.append(plain_event(catalogue, n, arena));
  batch.put_alert(alert_record(2, 3, /*open=*/false));
  batch.put_position("kafka/topic/0", "4712");
  require(store.commit(batch, at_second(2'000'001)));
}

void make(const std::string& live, bool erased) {
  const auto catalogue = small_catalogue();
  {
    const auto store = open(live);
    require(store->declare_sinks({"hook", "log"}));
    require(store->put_meta("instance", "0123456789abcdef"));
    require(store->put_meta("bundle.0123", std::string("text\0of rules", 13)));
    require(store->put_meta("empty", ""));
    commit_first(*store, *catalogue);
    require(store->done("hook", {1, 2}));
    require(store->done("log", {1, 2}));
    commit_second(*store, *catalogue, erased ? 20 : 120);
    require(store->done("hook", {3, 5}));
    const auto keep = std::chrono::hours(1);
    require(store->apply_retention({.journal = keep, .closed_alerts = keep, .dead_letters = keep},
                                   at_second(2'000'000)));
    if (erased) {
      Store::Erasure red;
      red.journal.limits[static_cast<size_t>(Tlp::kRed)] = keep;
      const auto done = store->erase_marked(red, at_second(3'000'000));
      if (!done) require(done.error());
      std::atomic<bool> cancelled = false;
      require(store->purge_erased(cancelled));
    }
  }
  open(live);  // what the log holds becomes tables
}

}  // namespace
}  // namespace tocsin::storage

int main(int argc, char** argv) {
  using namespace tocsin::storage;
  if (argc != 2 && argc != 3) return 2;
  const std::string path = argv[1];
  testing::TemporaryFolder folder;
  const std::string live = folder.path("live");
  make(live, argc == 3);
  const auto store = open(live);
  commit_third(*store, *testing::small_catalogue());
  // Copied while it is open, as a killed process leaves it: with a log.
  fs::create_directories(path);
  for (const auto& entry : fs::directory_iterator(live)) {
    const std::string name = entry.path().filename().string();
    // No byte of these is read when a folder is opened.
    if (name.starts_with("LOG") || name.starts_with("OPTIONS") || name == "LOCK") continue;
    fs::copy(entry.path(), fs::path(path) / name, fs::copy_options::overwrite_existing);
  }
  const auto text = testing::folder_text(*store, *testing::small_catalogue());
  if (!text) return 1;
  testing::write_file(path + ".txt", *text);
  return 0;
}
