#pragma once

#include <memory>
#include <string_view>

#include "ingest/event_draft.h"

namespace tocsin::ingest {

// What a CloudEvents envelope offers for an event that does not say it itself; empty: nothing.
struct EnvelopeDefaults {
  std::string_view id;
  std::string_view source;
  std::string_view time;
};

// Reads one event/1 object of JSON at a time, strictly.
//
// Allocates nothing for a good event but in the arena; texts without escapes stay views of it.
// Thread-safety: one thread at a time.
class JsonEventReader {
 public:
  explicit JsonEventReader(std::shared_ptr<const CurrentSymbols> symbols);
  ~JsonEventReader();
  JsonEventReader(const JsonEventReader&) = delete;
  JsonEventReader& operator=(const JsonEventReader&) = delete;

  // Call once before a run of read(): takes the symbols now in force.
  void refresh();

  // `record` is followed by at least kPadding readable bytes. False: `rejection` says why.
  bool read(std::string_view record, const EnvelopeDefaults& defaults, Arena& arena, Event& event,
            Rejection& rejection);

 private:
  class Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace tocsin::ingest
