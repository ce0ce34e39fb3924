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
  kUnknownName,  // an event of a source, indicator or region that the catalogue lacks
  kDamaged,
};

// Reads one record (README.md, "A record") into `event` or `control`. `tables` must have been
// resolved against `catalogue`; without one (nullptr) the event's numbers are places in `tables`,
// and no attribute is declared. Lists are made in `arena`; texts stay views into the chunk, unless
// `copy_texts`. Any bytes are safe to hand in. Thread-safety: any thread.
JournalRecordKind read_journal_record(std::string_view bytes, const ChunkTables& tables,
                                      const Catalogue* catalogue, bool copy_texts, Arena& arena,
                                      Event& event, Control& control);

}  // namespace tocsin::storage
