#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "rules/model/check.h"
#include "storage/backup_engine.h"
#include "storage/codec.h"
#include "storage/crc32c.h"
#include "storage/journal_chunk.h"
#include "storage/seen_ids_blob.h"
#include "storage/wal_check.h"
#include "tests/ingest/small_catalogue.h"

namespace tocsin::storage {
namespace {

// With the checksum that fits, or nothing would get past it.
std::string with_checksum(std::string_view bytes) {
  std::string whole;
  put_little(whole, crc32c(bytes));
  whole.append(bytes);
  return whole;
}

void read_chunk(std::string_view bytes) {
  static const auto catalogue = ingest::small_catalogue();
  // The number that it was stored under is its own.
  ByteReader from(bytes);
  from.bytes(8);
  const auto key = from.little<uint64_t>();
  const auto chunk = JournalChunk::open(key, bytes, catalogue);
  if (!chunk) {
    TOCSIN_CHECK(!chunk.error().message.empty());
    return;
  }
  Arena arena(16 * 1024);
  uint64_t records = 0;
  const Result<bool> read =
      (*chunk)->read((*chunk)->first(), arena, [&records](const Store::JournalRecord&) {
        ++records;
        return true;
      });
  TOCSIN_CHECK(!read || records == (*chunk)->header().records);
  // A few of them one by one, as evidence is read.
  for (JournalSeq seq = (*chunk)->first(); seq <= (*chunk)->last() && records > 0 && seq < key + 8;
       ++seq) {
    const Result<Event> event = (*chunk)->event(seq, arena);
    if (!event) TOCSIN_CHECK(!event.error().message.empty());
  }
}

void read_ids(std::string_view bytes) {
  uint64_t ids = 0;
  const Status status =
      read_seen_ids_blob(7, bytes, kMinEventTime, [&ids](const Store::SeenId&) { ++ids; });
  if (!status) TOCSIN_CHECK(status.error().code == ErrorCode::kCorrupt);
  TOCSIN_CHECK(ids <= bytes.size() / 16);
}

void judge(std::string_view log) {
  const WalVerdict strict = judge_wal(log, /*synced=*/true);
  const WalVerdict mild = judge_wal(log, /*synced=*/false);
  TOCSIN_CHECK(strict.offset <= log.size() && mild.offset == strict.offset);
  TOCSIN_CHECK(mild.end != WalEnd::kDamaged || strict.end == WalEnd::kDamaged);
  TOCSIN_CHECK((strict.end == WalEnd::kClean) == (strict.offset == log.size()));
}

// What a row says is what its own bytes say again.
template <typename Row>
void read_row(std::string_view bytes) {
  Row row{};
  if (!decode(bytes, row)) return;
  const std::string written = encode(row);
  Row again{};
  TOCSIN_CHECK(decode(written, again));
  TOCSIN_CHECK(encode(again) == written);
}

void read_rows(std::string_view bytes) {
  read_row<Counters>(bytes);
  read_row<std::vector<SinkRow>>(bytes);
  read_row<ChunkRow>(bytes);
  read_row<AlertRow>(bytes);
  read_row<AlertRef>(bytes);
  read_row<ErasureRow>(bytes);
  if (const auto note = decode_backup_note(bytes)) {
    TOCSIN_CHECK(decode_backup_note(encode(*note))->last_seq == note->last_seq);
  }
  DeadLetter letter;
  WallTime committed{};
  if (!decode(bytes, letter, committed)) return;
  DeadLetter again;
  TOCSIN_CHECK(decode(encode(letter, committed), again, committed) && again.raw == letter.raw);
}

}  // namespace
}  // namespace tocsin::storage

// `c` a chunk without its checksum, `i` a blob of ids without its, `w` a write-ahead log, `r` a row
// of another table, or what is noted beside a backup; `C` and `I` the first two as they lie on the
// disk.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tocsin::storage;
  if (size == 0) return 0;
  // An allocation of its own, so that the sanitizer sees a read too far.
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'c':
      read_chunk(with_checksum(bytes));
      break;
    case 'C':
      read_chunk(bytes);
      break;
    case 'i':
      read_ids(with_checksum(bytes));
      break;
    case 'I':
      read_ids(bytes);
      break;
    case 'w':
      judge(bytes);
      break;
    default:
      read_rows(bytes);
  }
  return 0;
}
