#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ingest/record_decoder.h"
#include "rules/model/arena.h"

namespace tocsin::ingest {

// Keeps what a decoder told, as texts that outlive its arena.
struct ToldRecord {
  Verdict verdict = Verdict::kReject;
  std::string reason;
  std::string message;
  std::string raw;
  int64_t position = 0;
  Event event;  // its views hold as long as decoder, arena and bytes
};

class ToldRecords final : public DecodedSink {
 public:
  void on_record(const Decoded& record) override {
    all.push_back({record.verdict, std::string(record.reason), std::string(record.message),
                   std::string(record.raw), record.position, record.event});
  }
  size_t count(Verdict verdict) const {
    size_t n = 0;
    for (const ToldRecord& record : all) n += record.verdict == verdict ? 1 : 0;
    return n;
  }
  std::vector<ToldRecord> all;
};

// Bytes with the room behind them that decoders need.
inline std::string padded(std::string_view text) {
  std::string bytes(text);
  bytes.reserve(text.size() + kPadding);
  return bytes;
}

}  // namespace tocsin::ingest
