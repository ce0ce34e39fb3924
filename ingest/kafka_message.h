#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ingest/cloudevents.h"
#include "ingest/event_form.h"
#include "ingest/raw_batch.h"
#include "ingest/record_decoder.h"
#include "ingest/symbols.h"

namespace tocsin::ingest {

// A message with more records is refused whole: a batch that has room for it takes one more.
inline constexpr auto kMaxMessageRecords = static_cast<size_t>(kMaxBatchRecords / 2);

// Finds out what the messages of a partition are, by their headers and first bytes, and who decodes
// each.
// Thread-safety: one thread at a time.
class MessageReader {
 public:
  // `has_mapping`: what is no CloudEvent is a row for the mapping of the input.
  MessageReader(std::shared_ptr<const CurrentSymbols> symbols, bool has_mapping)
      : symbols_(std::move(symbols)), has_mapping_(has_mapping) {}

  struct Message {
    std::shared_ptr<RecordDecoder> decoder;  // nullptr: the mapping's
    size_t records = 0;                      // it holds, at most kMaxMessageRecords
  };
  // Appends the message to `batch` as its decoder wants it. A message without a payload, a
  // tombstone, is one record that is skipped.
  Message append(std::span<const Header> headers, std::string_view payload, std::string& batch);

  // Of a message of that form.
  std::shared_ptr<RecordDecoder> decoder_of(EventForm form);

 private:
  std::shared_ptr<const CurrentSymbols> symbols_;
  bool has_mapping_;
  std::array<std::shared_ptr<RecordDecoder>, kEventForms> by_form_;  // made when one comes
};

}  // namespace tocsin::ingest
