#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "rules/model/catalogue.h"
#include "rules/model/event.h"
#include "storage/chunk_tables.h"
#include "storage/store.h"

namespace tocsin::storage {

// Writes journal records (README.md, "A record") and fills the tables that they refer to.
//
// Thread-safety: one thread at a time.
class JournalRecordWriter {
 public:
  JournalRecordWriter();

  // Numbers of events mean this catalogue's names; only between two chunks.
  void set_catalogue(std::shared_ptr<const Catalogue> catalogue);

  // Forgets what it knows of the last chunk's tables.
  void begin_chunk();
  // Appends one record's bytes to `records`.
  void write(const Event& event, ChunkTables& tables, ByteBuffer& records);
  void write(const Control& control, ByteBuffer& records);
  void write(const ErasedEvent& erased, ByteBuffer& records);

  // Texts up to this length are shared by the chunk's records, as many as that.
  static constexpr size_t kMaxSharedText = 64;
  static constexpr size_t kMaxTexts = 4096;

 private:
  // A slot of the open-addressing table from text to its number. Of an older generation: empty.
  struct Slot {
    uint32_t generation = 0;
    uint32_t hash = 0;
    uint32_t text = 0;
  };
  // Place of a catalogue number in the chunk's tables.
  struct Local {
    uint32_t generation = 0;
    uint32_t index = 0;
  };

  char* write_text(char* to, std::string_view text, ChunkTables& tables);
  char* write_attr(char* to, const Attr& attr, ChunkTables& tables);
  uint32_t source_entry(const Event& event, ChunkTables& tables);
  template <typename Id>
  uint32_t name_entry(Local& local, Id id, std::string_view name,
                      std::vector<ChunkTables::NameEntry<Id>>& entries, ChunkTables& tables);

  std::shared_ptr<const Catalogue> catalogue_;
  uint32_t generation_ = 0;
  std::vector<Slot> slots_;
  std::vector<Local> sources_;     // index: SourceId
  std::vector<Local> indicators_;  // index: IndicatorId
  std::vector<Local> regions_;     // index: RegionId
};

}  // namespace tocsin::storage
