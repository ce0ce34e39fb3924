#pragma once

#include <string_view>

#include "rules/model/arena.h"
#include "rules/model/catalogue.h"
#include "rules/model/event.h"
#include "storage/chunk_tables.h"
#include "storage/store.h"

namespace tocsin::storage {

enum class JournalRecordKind {
  kEvent,
  kControl,
  kErased,
  kUnknownName,  // an event of a source, indicator or region that the catalogue lacks
  kDamaged,
};

// One of them, by the kind of the record.
struct JournalRecordContent {
  Event event;
  Control control;
  ErasedEvent erased;
};

// Reads one record (README.md, "A record") into its part of `content`. `tables` must have been
// resolved against `catalogue`; without one (nullptr) the event's numbers are places in `tables`,
// and no attribute is declared. Lists are made in `arena`; texts stay views into the chunk, unless
// `copy_texts`. Any bytes are safe to hand in. Thread-safety: any thread.
JournalRecordKind read_journal_record(std::string_view bytes, const ChunkTables& tables,
                                      const Catalogue* catalogue, bool copy_texts, Arena& arena,
                                      JournalRecordContent& content);

}  // namespace tocsin::storage
