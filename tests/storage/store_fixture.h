#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "rules/model/arena.h"
#include "rules/model/catalogue.h"
#include "rules/model/event.h"
#include "storage/rocksdb_store.h"
#include "storage/store.h"

// What the storage tests share: a folder of their own, a small catalogue, events.
namespace tocsin::storage::testing {

// Made under the system's temporary folder, removed with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string path(std::string_view name = "data") const;

 private:
  std::filesystem::path root_;
};

// Sources s0..s3, indicators i.0..i.9 (attrs form, low, high, ratio), regions A0..A9 and A0-X.. .
std::shared_ptr<const Catalogue> small_catalogue();

// A plain event number `n`, the same each time: id "event-<n>".
Event plain_event(const Catalogue& catalogue, uint64_t n, Arena& arena);

// Any event that event/1 allows, with every field set now and then.
Event random_event(const Catalogue& catalogue, std::mt19937_64& random, Arena& arena);

// Every field, doubles bit by bit: "" when they are the same, else what differs.
std::string difference(const Event& a, const Event& b);

inline WallTime at_second(int64_t seconds) { return from_ms(seconds * 1000); }

AlertRecord alert_record(uint64_t alert, uint32_t seq, bool open = true);
DeadLetter dead_letter(int64_t position);

// Appends `count` plain events from number `first` on, and commits.
Status commit_events(Store& store, const Catalogue& catalogue, uint64_t first, uint64_t count,
                     WallTime now = at_second(1000));

// Ids of all events in the journal, in order; fails the test on a bad status.
std::vector<std::string> journal_ids(const Store& store, JournalSeq from = 1);

Result<std::unique_ptr<Store>> open_folder(const std::string& path, bool read_only = false,
                                           Durability durability = Durability::kCommit);

// Opens the folder and gives how many events the journal holds; UINT64_MAX when it does not open or
// they are not the plain events 0, 1, 2 ….
uint64_t events_after_opening(const std::string& path, bool read_only = false);

std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, std::string_view bytes);
// The one file with that ending that is largest.
std::filesystem::path file_of(const std::string& folder, std::string_view ending);

}  // namespace tocsin::storage::testing
