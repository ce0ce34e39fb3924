#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "daemon/pipeline.h"
#include "ingest/event_decoder.h"
#include "tests/daemon/small_bundle.h"

namespace tocsin::daemon {

// A pipeline over a store that outlives it, as a process outlives nothing.
class Daemon {
 public:
  Daemon(storage::Store& store, PipelineOptions options,
         const rules::BundleText& text = bundle_text(), WallTime now = {})
      : serialized_(rules::serialize(text)),
        pipeline_(store, compile(serialized_), serialized_, options),
        decoder_(std::make_shared<ingest::EventDecoder>(
            std::make_shared<ingest::CurrentSymbols>(pipeline_.bundle().catalogue),
            ingest::EventForm::kLines)) {
    const Status status = pipeline_.recover(compile, {}, warning_, now);
    EXPECT_TRUE(status) << status.error().message;
    EXPECT_TRUE(pipeline_.commit(now, true));
  }

  void feed(const std::string& lines, WallTime now = {}, uint16_t partition = 0) {
    ingest::RawBatch batch;
    batch.stream = "test";
    batch.partition = partition;
    batch.decoder = decoder_;
    batch.bytes = lines;
    batch.size = lines.size();
    batch.bytes.resize(lines.size() + ingest::kPadding);
    batch.on_committed = [this](const ingest::Receipt& receipt) { last_ = receipt; };
    pipeline_.feed(std::move(batch), now);
  }
  ingest::Receipt commit(bool checkpoint = false, WallTime now = {}) {
    EXPECT_TRUE(pipeline_.commit(now, checkpoint));
    return last_;
  }
  Pipeline& pipeline() { return pipeline_; }
  // Of the recovery.
  const std::string& warning() const { return warning_; }

 private:
  std::string serialized_;
  Pipeline pipeline_;
  std::shared_ptr<ingest::EventDecoder> decoder_;
  ingest::Receipt last_;
  std::string warning_;
};

inline PipelineOptions options(size_t shards = 1, rules::Emit emit = rules::Emit::kEarly) {
  return {.emit = emit, .shards = shards, .future_tolerance = std::nullopt, .revision_share = 0};
}

}  // namespace tocsin::daemon
