#include "storage/migration.h"

#include "storage/codec.h"
#include "storage/keys.h"

namespace tocsin::storage {
namespace {

constexpr size_t kBytesPerWrite = size_t{4} << 20;
// In `ids` of format 1: a letter, then the number that is the whole key in format 2.
constexpr char kBlob = 'b';
constexpr char kSummary = 'h';

// From format 1, which had the rows of ids_index among those of ids. Numbers that are keys begin
// with zeros, so that what has moved lies before what has not.
Status split_ids(KeyValue& tables) {
  const std::unique_ptr<Writes> writes = tables.make_writes();
  for (bool more = true; more;) {
    size_t bytes = 0;
    writes->clear();
    Status status = tables.scan(Table::kIds, std::string(1, kBlob),
                                [&](std::string_view key, std::string_view value) {
                                  const char letter = key.front();
                                  if (letter == kBlob)
                                    writes->put(Table::kIds, key.substr(1), value);
                                  if (letter == kSummary)
                                    writes->put(Table::kIdsIndex, key.substr(1), value);
                                  writes->remove(Table::kIds, key);
                                  bytes += key.size() + value.size();
                                  return bytes < kBytesPerWrite;
                                });
    if (!status) return status;
    more = bytes != 0;
    if (more) status = tables.write(*writes, /*sync=*/true);
    if (!status) return status;
  }
  return Status::ok();
}

}  // namespace

bool can_migrate(uint32_t format) { return format == 1; }

Result<bool> is_migrating(const KeyValue& tables) {
  const Result<std::optional<std::string>> row = tables.get(Table::kMeta, keys::kMigration);
  if (!row) return row.error();
  return row->has_value();
}

Status migrate(KeyValue& tables) {
  const std::unique_ptr<Writes> writes = tables.make_writes();
  writes->put(Table::kMeta, keys::kFormat, encode_format(kFormatVersion));
  writes->put(Table::kMeta, keys::kMigration, encode_format(1));
  if (Status status = tables.write(*writes, /*sync=*/true); !status) return status;
  if (Status status = split_ids(tables); !status) return status;
  writes->clear();
  writes->remove(Table::kMeta, keys::kMigration);
  return tables.write(*writes, /*sync=*/true);
}

}  // namespace tocsin::storage
