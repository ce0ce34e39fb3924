#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "storage/chunk_cache.h"
#include "storage/chunk_eraser.h"
#include "storage/codec.h"
#include "storage/key_value.h"
#include "storage/pending_batch.h"
#include "storage/store.h"

namespace tocsin::storage {

struct KeyValueStoreOptions {
  Compression compression = Compression::kZstd;
  int compression_level = 1;
  bool sync_commits = true;
  uint64_t dead_letters_max = 0;  // the oldest go first; 0: no limit
};

// The Store over sorted tables: what a commit writes where, and how it is found again (README.md).
//
// Parts: key_value_store.cc (open, commit, small values), journal_reading.cc, alert_log.cc,
// outbox.cc, retention.cc, erasure.cc.
class KeyValueStore : public Store {
 public:
  // Reads where the last commit left off; makes the tables of a new folder. kInvalid when the
  // format is another one, kCorrupt when the tables disagree.
  static Result<std::unique_ptr<Store>> open(std::unique_ptr<KeyValue> tables,
                                             const KeyValueStoreOptions& options);

  void set_catalogue(std::shared_ptr<const Catalogue> catalogue) override;
  Status health() const override;
  Batch& begin() override;
  Status commit(Batch& batch, WallTime now) override;
  JournalSeq last_seq() const override;
  JournalSeq first_seq() const override;
  Status read_journal(JournalSeq from,
                      const std::function<bool(const JournalRecord&)>& each) const override;
  Status read_revisions(Hash128 event,
                        const std::function<bool(const JournalRecord&)>& each) const override;
  Result<Event> read_event(JournalSeq seq, Arena& arena) const override;
  Status read_seen_ids(EventTime since,
                       const std::function<void(const SeenId&)>& each) const override;
  JournalSeq checkpoint_seq() const override;
  Status read_state(
      const std::function<void(std::string_view key, std::string_view value)>& each) const override;
  Result<std::optional<std::string>> get_state(std::string_view key) const override;
  std::optional<std::string> position(std::string_view stream) const override;
  Result<std::optional<std::string>> meta(std::string_view name) const override;
  Status put_meta(std::string_view name, std::string_view value) override;
  Status read_alerts(const AlertQuery& query,
                     const std::function<bool(const StoredAlert&)>& each) const override;
  Result<std::vector<StoredAlert>> find_alerts(std::string_view beginning,
                                               size_t limit) const override;
  Result<std::vector<std::string>> read_alert(Hash128 alert) const override;
  Status read_alert_log(uint64_t from,
                        const std::function<bool(const StoredAlert&)>& each) const override;
  Status declare_sinks(const std::vector<std::string>& sinks) override;
  Result<std::vector<OutboxEntry>> read_outbox(std::string_view sink, size_t limit) const override;
  Status done(std::string_view sink, const std::vector<uint64_t>& numbers) override;
  Status read_dead_letters(uint64_t from,
                           const std::function<bool(const DeadLetter&)>& each) const override;
  Status remove_dead_letters(const std::vector<uint64_t>& numbers) override;
  Status apply_retention(const Retention& retention, WallTime now) override;
  Result<Erased> erase_marked(const Erasure& erasure, WallTime now) override;
  Status purge_erased(std::atomic<bool>& cancelled) override;
  EventTime erased_before() const override;
  Result<Backup> back_up(const BackupOptions& options) override;
  StoreStatistics statistics() const override;

 private:
  // A sink in memory.
  struct Sink {
    SinkRow row;
    uint64_t depth = 0;
    uint64_t floor = 0;  // no entry has a number below; spares reading over what was removed
  };
  using Heads = std::map<Hash128, AlertRef>;

  KeyValueStore(std::unique_ptr<KeyValue> tables, const KeyValueStoreOptions& options);

  Status check_format();
  Status load_counters();
  Status load_sinks();
  Status load_positions();
  Status load_erasure();
  // What every call begins with: kUnavailable after a failed write.
  Status check() const;
  Status check_writable() const;
  // From here on the store refuses everything; gives the status back.
  Status fail(Status status);
  // Writes, or fails; write_mutex_ is held.
  Status write(Writes& writes, bool sync);
  // Writes together with the counters, and takes them over; write_mutex_ is held.
  Status write_counted(Writes& writes, const Counters& counters, bool sync);
  Counters counters() const;

  Status write_batch(WallTime now);
  void write_journal(Counters& counters, WallTime now);
  Status write_alerts(Counters& counters, std::vector<uint64_t>& notified, WallTime now);
  // That the log, or the batch before it, has the same bytes. kInvalid when not.
  Status check_is_known(const AlertRecord& record) const;
  Result<std::optional<AlertRef>> head_of(Hash128 alert, const Heads& heads) const;
  void write_dead_letters(Counters& counters, WallTime now);

  std::shared_ptr<const Catalogue> catalogue() const;
  Result<std::shared_ptr<const JournalChunk>> chunk_of(JournalSeq seq) const;
  Result<std::shared_ptr<const JournalChunk>> open_chunk(
      JournalSeq first, std::string_view key, std::shared_ptr<const Catalogue> names) const;
  Result<std::vector<size_t>> places_in(JournalSeq first, std::string_view key,
                                        Hash128 event) const;
  // One transition with its text; nullopt when retention has just dropped it.
  Result<std::optional<StoredAlert>> stored_alert(const AlertRef& ref) const;

  Status drop_journal(WallTime before, WallTime now);
  Status drop_seen_ids(EventTime before);
  Status drop_closed_alerts(WallTime before, WallTime now);
  Status drop_alert(const AlertRef& last, Writes& writes, Counters& counters);
  ErasureRow erasure() const;
  Status erase_events(const ByMarking& limits, WallTime now, Erased& erased);
  using RewrittenChunks = std::vector<std::pair<JournalSeq, ChunkEraser::Rewritten>>;
  // Puts each in the place of the chunk with that number.
  Status write_erased(const RewrittenChunks& chunks, const ErasureRow::Through& looked_at);
  Status drop_marked_alerts(const Erasure& erasure, WallTime now, Erased& erased);
  // Closed ones behind line `first` that are old by their marking. `last`: where to end; then where
  // that was.
  Result<std::vector<AlertRef>> marked_alerts(const Erasure& erasure,
                                              const ErasureRow::Through& old, uint64_t first,
                                              uint64_t& last) const;
  Status drop_dead_letters(WallTime before, WallTime now);
  // Down to dead_letters_max, but not more than `at_most` of them.
  Status drop_excess_dead_letters(uint64_t at_most);
  // Up to `limit` of the first ones, none with a number above `last`; write_mutex_ is held.
  Result<size_t> drop_first_dead_letters(uint64_t last, size_t limit);
  // The lowest number that a declared sink has still to send; UINT64_MAX: none.
  Result<uint64_t> oldest_unsent() const;

  const std::unique_ptr<KeyValue> tables_;
  const KeyValueStoreOptions options_;
  PendingBatch batch_;
  mutable ChunkCache cache_;

  // Held over every write: most read what they change, and none may follow one that has failed.
  std::mutex write_mutex_;
  std::unique_ptr<Writes> writes_;  // guarded by write_mutex_
  // No letter has a number below; spares reading over what was removed. Guarded by write_mutex_.
  uint64_t dead_letter_floor_ = 0;

  std::atomic<bool> failed_{false};
  mutable std::mutex mutex_;  // never held over a write; guards the rest
  std::string failure_;
  std::shared_ptr<const Catalogue> catalogue_;
  Counters counters_;
  ErasureRow erasure_;
  std::map<std::string, std::string, std::less<>> positions_;  // as committed, by stream
  uint64_t dead_letters_dropped_ = 0;                          // over the limit, since the opening
  mutable std::map<std::string, Sink, std::less<>> sinks_;
};

}  // namespace tocsin::storage
