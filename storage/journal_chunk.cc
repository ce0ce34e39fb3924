#include "storage/journal_chunk.h"

#include <fmt/format.h>

#include "rules/model/check.h"
#include "storage/crc32c.h"

namespace tocsin::storage {
namespace {

Error damaged(JournalSeq key, std::string_view what) {
  return corrupt(fmt::format("read journal chunk {}: {}", key, what));
}

}  // namespace

void write_chunk_header(const ChunkHeader& header, char* chunk, size_t chunk_bytes) {
  char* to = chunk + sizeof(uint32_t);
  to = write_little(to, header.version);
  to = write_little(to, static_cast<uint8_t>(header.compression));
  to = write_little(to, uint16_t{0});
  to = write_little(to, header.first);
  to = write_little(to, to_ms(header.committed));
  to = write_little(to, header.records);
  to = write_little(to, header.events);
  to = write_little(to, header.body_bytes);
  TOCSIN_CHECK(to == chunk + kChunkHeaderBytes);
  write_little(chunk, crc32c({chunk + sizeof(uint32_t), chunk_bytes - sizeof(uint32_t)}));
}

Result<ChunkHeader> read_chunk_header(JournalSeq key, std::string_view chunk) {
  if (chunk.size() < kChunkHeaderBytes) return damaged(key, "cut off in the header");
  ByteReader from(chunk);
  const auto checksum = from.little<uint32_t>();
  if (checksum != crc32c(chunk.substr(sizeof checksum))) {
    return damaged(key, "the checksum is wrong; restore a backup");
  }
  const auto version = from.little<uint8_t>();
  if (version == 0 || version > kChunkVersion) {
    return invalid(fmt::format(
        "read journal chunk {}: its format is {}, this tocsin reads 1 to {}; use a newer tocsin",
        key, version, kChunkVersion));
  }
  ChunkHeader header;
  header.version = version;
  const auto compression = from.little<uint8_t>();
  header.compression = static_cast<Compression>(compression);
  from.little<uint16_t>();
  header.first = from.little<uint64_t>();
  header.committed = from_ms(from.little<int64_t>());
  header.records = from.little<uint32_t>();
  header.events = from.little<uint32_t>();
  header.body_bytes = from.little<uint32_t>();
  if (header.first != key) return damaged(key, "it is another chunk's");
  if (compression > static_cast<uint8_t>(Compression::kZstd) || header.records == 0 ||
      header.events > header.records || header.body_bytes > kMaxChunkBody ||
      header.records > UINT64_MAX - header.first) {
    return damaged(key, "the header makes no sense");
  }
  return header;
}

Result<std::shared_ptr<const JournalChunk>> JournalChunk::open(
    JournalSeq key, std::string_view chunk, std::shared_ptr<const Catalogue> catalogue) {
  Result<ChunkHeader> header = read_chunk_header(key, chunk);
  if (!header) return header.error();
  std::shared_ptr<JournalChunk> opened(new JournalChunk);
  opened->header_ = *header;
  opened->catalogue_ = std::move(catalogue);
  const uint32_t size = header->body_bytes;
  opened->body_ = std::make_unique_for_overwrite<char[]>(size);
  if (!decompress(header->compression, chunk.substr(kChunkHeaderBytes), opened->body_.get(),
                  size)) {
    return damaged(key, "it does not unpack");
  }
  ByteReader from({opened->body_.get(), size});
  if (!opened->tables_.read(from)) return damaged(key, "its tables make no sense");
  if (header->records > from.left()) return damaged(key, "it has fewer records than it says");
  opened->ends_.reserve(header->records);
  uint64_t end = 0;
  for (uint32_t i = 0; i < header->records; ++i) {
    const uint64_t length = from.varint();
    if (length > size) return damaged(key, "a record is longer than the chunk");
    end += length;
    opened->ends_.push_back(static_cast<uint32_t>(end));
  }
  if (!from.ok() || from.left() != end) return damaged(key, "its records do not add up");
  opened->records_ = from.rest().data();
  if (opened->catalogue_ != nullptr) {
    opened->tables_.resolve(*opened->catalogue_);
  } else {
    opened->tables_.resolve_to_places();
  }
  return std::shared_ptr<const JournalChunk>(std::move(opened));
}

std::string_view JournalChunk::record(JournalSeq seq) const {
  const auto index = static_cast<size_t>(seq - header_.first);
  const uint32_t begin = index == 0 ? 0 : ends_[index - 1];
  return {records_ + begin, ends_[index] - begin};
}

Result<bool> JournalChunk::read(
    JournalSeq from, Arena& arena,
    const std::function<bool(const Store::JournalRecord&)>& each) const {
  JournalRecordContent content;
  for (JournalSeq seq = std::max(from, first()); seq <= last(); ++seq) {
    arena.reset();
    Store::JournalRecord found{.seq = seq, .committed = header_.committed};
    switch (read_journal_record(record(seq), tables_, catalogue_.get(), /*copy_texts=*/false, arena,
                                content)) {
      case JournalRecordKind::kEvent:
        found.event = &content.event;
        break;
      case JournalRecordKind::kControl:
        found.control = &content.control;
        break;
      case JournalRecordKind::kErased:
        found.erased = &content.erased;
        break;
      case JournalRecordKind::kUnknownName:
        break;
      case JournalRecordKind::kDamaged:
        return damaged_record(seq);
    }
    if (!each(found)) return false;
  }
  return true;
}

Result<bool> JournalChunk::read_events(
    const std::vector<size_t>& places, Arena& arena,
    const std::function<bool(const Store::JournalRecord&)>& each) const {
  size_t place = 0;
  bool more = true;
  auto wanted = places.begin();
  const Result<bool> read = this->read(first(), arena, [&](const Store::JournalRecord& record) {
    if (wanted == places.end()) return false;
    if (record.control != nullptr || place++ != *wanted) return true;
    ++wanted;
    more = each(record);
    return more;
  });
  if (!read) return read.error();
  return more;
}

Status JournalChunk::read_keys(const std::function<void(Hash128)>& each) const {
  std::vector<uint64_t> seeds;
  for (const auto& source : tables_.sources) {
    seeds.push_back(hash128(tables_.text(source.name)).low);
  }
  Arena arena;
  const Result<bool> read = this->read(first(), arena, [&](const Store::JournalRecord& record) {
    if (record.erased != nullptr) each(record.erased->key);
    if (record.event == nullptr) return true;
    each(event_key(seeds[static_cast<size_t>(record.event->source)], record.event->id));
    return true;
  });
  return read ? Status::ok() : Status(read.error());
}

Result<Event> JournalChunk::event(JournalSeq seq, Arena& arena) const {
  JournalRecordContent content;
  const JournalRecordKind kind = read_journal_record(record(seq), tables_, catalogue_.get(),
                                                     /*copy_texts=*/true, arena, content);
  if (kind == JournalRecordKind::kEvent) return content.event;
  return no_event(seq, kind);
}

Error no_event(JournalSeq seq, JournalRecordKind kind) {
  const auto because = [seq](std::string_view reason) {
    return not_found(fmt::format("read event {}: {}", seq, reason));
  };
  switch (kind) {
    case JournalRecordKind::kErased:
      return because("its content was erased by retention");
    case JournalRecordKind::kUnknownName:
      return because("the catalogue no longer knows its source, indicator or region");
    case JournalRecordKind::kDamaged:
      return damaged_record(seq);
    case JournalRecordKind::kEvent:
    case JournalRecordKind::kControl:
      break;
  }
  return because("that record is no event");
}

Error damaged_record(JournalSeq seq) {
  return corrupt(fmt::format("read journal record {}: its bytes make no sense", seq));
}

}  // namespace tocsin::storage
