#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "rules/model/result.h"
#include "storage/chunk_tables.h"
#include "storage/compression.h"
#include "storage/journal_chunk.h"
#include "storage/journal_record_writer.h"
#include "storage/seen_ids_blob.h"

namespace tocsin::storage {

// A chunk as it is stored.
struct SealedChunk {
  ChunkHeader header;
  EventTime newest{};         // event time
  std::string_view bytes;     // for the journal
  std::string_view seen_ids;  // for ids; empty when the chunk has no event
};

// The journal part of one batch: packs records into chunks as they come, and can read them back
// before they are committed. Buffers are kept from batch to batch.
//
// Thread-safety: find() from any thread, the rest from one.
class JournalWriter {
 public:
  // A chunk is full at `chunk_bytes`, or at kChunkRecords.
  JournalWriter(Compression compression, int level, size_t chunk_bytes = kChunkBytes);
  ~JournalWriter();

  // Records that are not committed yet keep their names, whatever the numbers become.
  void set_catalogue(std::shared_ptr<const Catalogue> catalogue);
  // Forgets all records; the next is number `first`.
  void begin(JournalSeq first);
  JournalSeq append(const Event& event);
  JournalSeq append(const Control& control);
  // Its id is none of those of the chunk.
  JournalSeq append(const ErasedEvent& erased);

  // Stamps the chunks with the time of commit; they stay readable until the next begin().
  const std::vector<SealedChunk>& finish(WallTime now);

  // The event of a number since begin(); kNotFound when it is none of them.
  Result<Event> find(JournalSeq seq, Arena& arena) const;

  JournalSeq first() const { return first_; }
  JournalSeq next() const { return next_; }
  size_t events() const { return events_; }
  size_t bytes() const { return bytes_; }  // of records, unpacked

  // A chunk is full at so many bytes or records, whichever comes first: large enough to pack well,
  // small enough that reading one event of it takes under a millisecond.
  static constexpr size_t kChunkBytes = size_t{256} * 1024;
  static constexpr uint32_t kChunkRecords = 8192;

 private:
  struct PendingChunk {
    ChunkHeader header;
    ChunkTables tables;
    ByteBuffer records;
    std::vector<uint32_t> ends;
    SeenIdsWriter seen_ids;
    ByteBuffer packed;    // header and body
    ByteBuffer id_bytes;  // blob of seen_ids
    bool sealed = false;
  };

  PendingChunk& open_chunk();
  JournalSeq added(PendingChunk& chunk);
  void seal(PendingChunk& chunk);

  const size_t chunk_bytes_;
  Compressor compressor_;
  JournalRecordWriter record_writer_;
  std::vector<uint64_t> source_seeds_;  // index: SourceId; see event_key
  ByteBuffer body_;
  std::vector<SealedChunk> sealed_;

  mutable std::mutex mutex_;  // guards what find() reads:
  std::shared_ptr<const Catalogue> catalogue_;
  std::vector<std::unique_ptr<PendingChunk>> chunks_;  // the first used_ are in use
  size_t used_ = 0;
  JournalSeq first_ = 1;
  JournalSeq next_ = 1;
  size_t events_ = 0;
  size_t bytes_ = 0;
};

}  // namespace tocsin::storage
