#pragma once

#include "ingest/record_decoder.h"
#include "rules/model/check.h"

namespace tocsin::ingest {

// What every decoder promises of any bytes: a rejection has a reason and a message, a skip a
// reason, and an event is within the format's limits.
class CheckingSink final : public DecodedSink {
 public:
  void on_record(const Decoded& record) override {
    ++records_;
    switch (record.verdict) {
      case Verdict::kEvent:
        TOCSIN_CHECK(!record.event.id.empty() && record.event.id.size() <= kMaxIdBytes);
        TOCSIN_CHECK(record.event.attrs.size() <= kMaxAttrs);
        TOCSIN_CHECK(record.event.time_end >= record.event.time);
        return;
      case Verdict::kSkip:
        TOCSIN_CHECK(!record.reason.empty());
        return;
      case Verdict::kReject:
        TOCSIN_CHECK(!record.reason.empty() && !record.message.empty());
        return;
    }
  }
  size_t records() const { return records_; }

 private:
  size_t records_ = 0;
};

}  // namespace tocsin::ingest
