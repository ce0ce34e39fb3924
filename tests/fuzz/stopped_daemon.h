#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/pipeline.h"
#include "ingest/event_decoder.h"
#include "rules/model/check.h"
#include "storage/key_value_store.h"
#include "storage/memory_key_value.h"
#include "tests/daemon/small_bundle.h"

// A daemon over tables in memory, and what one has left behind that was stopped in its middle.
namespace tocsin::daemon {

using storage::KeyValueStore;
using storage::MemoryKeyValue;
using storage::Store;
using storage::Table;

// With early decisions, revisions at once, and idle groups in the store alone.
inline PipelineOptions eager_options() {
  return {.emit = rules::Emit::kEarly,
          .shards = 1,
          .future_tolerance = std::nullopt,
          .revision_share = 0,
          .state_memory = 0};
}

// Compiled once: edits seldom touch the text, and it compiles to the same.
inline std::shared_ptr<const rules::Bundle> compiled(const std::string& text) {
  static const std::string whole = rules::serialize(bundle_text());
  static const auto bundle = compile(whole);
  return text == whole ? bundle : compile(text);
}

// nullptr, with a reason, when the tables cannot be a store.
inline std::unique_ptr<Store> open(std::unique_ptr<MemoryKeyValue> tables) {
  auto store = KeyValueStore::open(std::move(tables), {.compression = storage::Compression::kNone});
  if (!store) {
    TOCSIN_CHECK(!store.error().message.empty());
    return nullptr;
  }
  (*store)->set_catalogue(compiled(rules::serialize(bundle_text()))->catalogue);
  return std::move(*store);
}

inline void check_told(const Status& status) {
  TOCSIN_CHECK(status || !status.error().message.empty());
}

// The pipeline as a daemon runs it, one step at a time.
class FuzzedDaemon {
 public:
  explicit FuzzedDaemon(Store& store)
      : text_(rules::serialize(bundle_text())),
        pipeline_(store, compiled(text_), text_, eager_options()),
        decoder_(std::make_shared<ingest::EventDecoder>(
            std::make_shared<ingest::CurrentSymbols>(pipeline_.bundle().catalogue),
            ingest::EventForm::kLines)) {}

  Status recover() {
    std::string warning;
    Status status = pipeline_.recover(compiled, {}, warning, WallTime{});
    return status ? pipeline_.commit(at_hour(1), true) : status;
  }
  Status take(const std::string& lines, bool checkpoint) {
    ingest::RawBatch batch;
    batch.stream = "file/desk";
    batch.decoder = decoder_;
    batch.bytes = lines;
    batch.size = lines.size();
    batch.next_position = std::to_string(lines.size());
    batch.bytes.resize(lines.size() + ingest::kPadding);
    ingest::Receipt receipt;
    batch.on_committed = [&receipt](const ingest::Receipt& told) { receipt = told; };
    pipeline_.feed(std::move(batch), at_hour(2));
    const Status status = pipeline_.commit(at_hour(2), checkpoint);
    TOCSIN_CHECK(receipt.records ==
                 receipt.events + receipt.duplicates + receipt.skipped + receipt.rejected);
    return status;
  }

 private:
  const std::string text_;
  Pipeline pipeline_;
  std::shared_ptr<ingest::EventDecoder> decoder_;
};

struct Row {
  Table table;
  std::string key;
  std::string value;
};

// All that a daemon has left behind which was stopped in its middle: open and closed alerts, what
// is to be sent, dead letters, a checkpoint and a journal behind it.
inline std::vector<Row> left_behind() {
  auto tables = std::make_unique<MemoryKeyValue>();
  const MemoryKeyValue& kept = *tables;
  const auto store = open(std::move(tables));
  TOCSIN_CHECK(store->declare_sinks({"desk", "pager"}));
  FuzzedDaemon daemon(*store);
  TOCSIN_CHECK(daemon.recover());
  TOCSIN_CHECK(daemon.take(event_line(1, 1, "XA", 20) + event_line(2, 2, "XA", 20) + "{}\n" +
                               event_line(3, 2, "XB", 40) + event_line(4, 20, "XB", 1),
                           true));
  TOCSIN_CHECK(daemon.take(event_line(5, 21, "XA", 70) + event_line(6, 19, "XC", 90) +
                               event_line(7, 22, "XA", 5, "wire"),
                           false));
  std::vector<Row> rows;
  for (size_t table = 0; table < storage::kTables; ++table) {
    TOCSIN_CHECK(
        kept.scan(static_cast<Table>(table), "", [&](std::string_view key, std::string_view value) {
          rows.push_back({static_cast<Table>(table), std::string(key), std::string(value)});
          return true;
        }));
  }
  return rows;
}

}  // namespace tocsin::daemon
