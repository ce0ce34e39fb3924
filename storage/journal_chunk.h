#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "rules/model/arena.h"
#include "rules/model/catalogue.h"
#include "rules/model/result.h"
#include "storage/chunk_tables.h"
#include "storage/compression.h"
#include "storage/journal_record_reader.h"
#include "storage/store.h"

namespace tocsin::storage {

// What has neither erased nor placed events is written as 1, which every tocsin reads.
inline constexpr uint8_t kChunkWithErased = 2;
inline constexpr uint8_t kChunkWithPlaced = 3;
inline constexpr uint8_t kChunkVersion = kChunkWithPlaced;  // the latest that is known
inline constexpr size_t kChunkHeaderBytes = 36;
// A body beyond this was never written by us.
inline constexpr uint32_t kMaxChunkBody = 16u << 20;

// Head of a chunk (README.md, "journal").
struct ChunkHeader {
  uint8_t version = 1;
  Compression compression = Compression::kNone;
  JournalSeq first = 0;
  WallTime committed{};
  uint32_t records = 0;
  uint32_t events = 0;
  uint32_t body_bytes = 0;

  JournalSeq last() const { return first + records - 1; }
};

// Writes the header, with the checksum of all that follows it, over the first bytes of `chunk`.
void write_chunk_header(const ChunkHeader& header, char* chunk, size_t chunk_bytes);
// Checks the checksum over the whole chunk. `key` is the number it was stored under. kCorrupt with
// the reason when the bytes are not what was written; kInvalid when a newer tocsin wrote them.
Result<ChunkHeader> read_chunk_header(JournalSeq key, std::string_view chunk);

// One chunk of the journal, unpacked: any record of it can be read at once.
//
// Thread-safety: immutable after construction.
class JournalChunk {
 public:
  // Unpacks and resolves names by `catalogue`, which is kept. Without one (nullptr) no name is
  // unknown: numbers are places in tables().
  static Result<std::shared_ptr<const JournalChunk>> open(
      JournalSeq key, std::string_view chunk, std::shared_ptr<const Catalogue> catalogue);

  JournalSeq first() const { return header_.first; }
  JournalSeq last() const { return header_.last(); }
  bool contains(JournalSeq seq) const { return seq >= first() && seq <= last(); }
  const ChunkHeader& header() const { return header_; }
  const ChunkTables& tables() const { return tables_; }
  // Whose numbers its events carry.
  const std::shared_ptr<const Catalogue>& catalogue() const { return catalogue_; }

  // Reads records from `from` (or the first) on; stops with false when `each` says so.
  Result<bool> read(JournalSeq from, Arena& arena,
                    const std::function<bool(const Store::JournalRecord&)>& each) const;
  // The same for some of its events, of which 0 is the first, rising.
  Result<bool> read_events(const std::vector<size_t>& places, Arena& arena,
                           const std::function<bool(const Store::JournalRecord&)>& each) const;
  // event_key of each event, in order, by the names in the chunk; zero for what is erased and is no
  // revision. Of a chunk that was opened without a catalogue.
  Status read_keys(const std::function<void(Hash128)>& each) const;
  // Copies one event; kNotFound for a control record or an unknown name.
  Result<Event> event(JournalSeq seq, Arena& arena) const;

 private:
  JournalChunk() = default;
  std::string_view record(JournalSeq seq) const;

  ChunkHeader header_;
  std::shared_ptr<const Catalogue> catalogue_;
  std::unique_ptr<char[]> body_;
  ChunkTables tables_;
  const char* records_ = nullptr;
  std::vector<uint32_t> ends_;  // of record i, from records_
};

// What read_event answers for a record that is no event, or no longer one.
Error no_event(JournalSeq seq, JournalRecordKind kind);
Error damaged_record(JournalSeq seq);

}  // namespace tocsin::storage
