#include "storage/journal_writer.h"

#include <algorithm>

#include "rules/model/check.h"
#include "storage/journal_record_reader.h"

namespace tocsin::storage {

JournalWriter::JournalWriter(Compression compression, int level, size_t chunk_bytes)
    : chunk_bytes_(chunk_bytes), compressor_(compression, level) {}

JournalWriter::~JournalWriter() = default;

void JournalWriter::set_catalogue(std::shared_ptr<const Catalogue> catalogue) {
  const std::lock_guard lock(mutex_);
  // Ends the open chunk: its tables speak the old numbers.
  if (used_ != 0 && !chunks_[used_ - 1]->sealed) seal(*chunks_[used_ - 1]);
  for (size_t i = 0; i < used_; ++i) chunks_[i]->tables.resolve(*catalogue);
  record_writer_.set_catalogue(catalogue);
  source_seeds_.clear();
  for (const Source& source : catalogue->sources()) {
    source_seeds_.push_back(hash128(source.name).low);
  }
  catalogue_ = std::move(catalogue);
}

void JournalWriter::begin(JournalSeq first) {
  const std::lock_guard lock(mutex_);
  used_ = 0;
  first_ = first;
  next_ = first;
  events_ = 0;
  bytes_ = 0;
}

JournalWriter::PendingChunk& JournalWriter::open_chunk() {
  if (used_ != 0 && !chunks_[used_ - 1]->sealed) return *chunks_[used_ - 1];
  if (used_ == chunks_.size()) chunks_.push_back(std::make_unique<PendingChunk>());
  PendingChunk& chunk = *chunks_[used_++];
  chunk.header = {.compression = compressor_.method(), .first = next_};
  chunk.tables.clear();
  chunk.records.clear();
  chunk.ends.clear();
  chunk.seen_ids.clear();
  chunk.packed.clear();
  chunk.id_bytes.clear();
  chunk.sealed = false;
  record_writer_.begin_chunk();
  return chunk;
}

JournalSeq JournalWriter::append(const Event& event) {
  const std::lock_guard lock(mutex_);
  PendingChunk& chunk = open_chunk();
  record_writer_.write(event, chunk.tables, chunk.records);
  if (event.placed_after.count() != 0) chunk.header.version = kChunkWithPlaced;
  const uint64_t seed = source_seeds_[static_cast<size_t>(event.source)];
  chunk.seen_ids.add(event_key(seed, event.id), event.rev, event.time);
  ++chunk.header.events;
  ++events_;
  return added(chunk);
}

JournalSeq JournalWriter::append(const Control& control) {
  const std::lock_guard lock(mutex_);
  PendingChunk& chunk = open_chunk();
  record_writer_.write(control, chunk.records);
  return added(chunk);
}

JournalSeq JournalWriter::append(const ErasedEvent& erased) {
  const std::lock_guard lock(mutex_);
  PendingChunk& chunk = open_chunk();
  record_writer_.write(erased, chunk.records);
  chunk.header.version = std::max(chunk.header.version, kChunkWithErased);
  ++chunk.header.events;
  ++events_;
  return added(chunk);
}

JournalSeq JournalWriter::added(PendingChunk& chunk) {
  const auto end = static_cast<uint32_t>(chunk.records.size());
  bytes_ += end - (chunk.ends.empty() ? 0 : chunk.ends.back());
  chunk.ends.push_back(end);
  ++chunk.header.records;
  if (end >= chunk_bytes_ || chunk.header.records >= kChunkRecords) seal(chunk);
  return next_++;
}

void JournalWriter::seal(PendingChunk& chunk) {
  body_.clear();
  chunk.tables.write(body_);
  char* to = body_.room(chunk.ends.size() * kMaxVarintBytes);
  uint32_t begin = 0;
  for (const uint32_t end : chunk.ends) {
    to = write_varint(to, end - begin);
    begin = end;
  }
  body_.advance_to(to);
  body_.append(chunk.records.view());
  TOCSIN_CHECK(body_.size() <= kMaxChunkBody);
  chunk.header.body_bytes = static_cast<uint32_t>(body_.size());
  chunk.packed.advance_to(chunk.packed.room(kChunkHeaderBytes) + kChunkHeaderBytes);
  compressor_.compress(body_.view(), chunk.packed);
  if (chunk.seen_ids.count() != 0) chunk.seen_ids.finish(chunk.id_bytes);
  chunk.sealed = true;
}

const std::vector<SealedChunk>& JournalWriter::finish(WallTime now) {
  const std::lock_guard lock(mutex_);
  sealed_.clear();
  for (size_t i = 0; i < used_; ++i) {
    PendingChunk& chunk = *chunks_[i];
    if (!chunk.sealed) seal(chunk);
    chunk.header.committed = now;
    write_chunk_header(chunk.header, chunk.packed.data(), chunk.packed.size());
    sealed_.push_back(
        {chunk.header, chunk.seen_ids.newest(), chunk.packed.view(), chunk.id_bytes.view()});
  }
  return sealed_;
}

Result<Event> JournalWriter::find(JournalSeq seq, Arena& arena) const {
  const std::lock_guard lock(mutex_);
  if (seq < first_ || seq >= next_) return no_event(seq, JournalRecordKind::kControl);
  const auto after =
      std::upper_bound(chunks_.begin(), chunks_.begin() + static_cast<std::ptrdiff_t>(used_), seq,
                       [](JournalSeq s, const auto& chunk) { return s < chunk->header.first; });
  const PendingChunk& chunk = **(after - 1);
  const auto index = static_cast<size_t>(seq - chunk.header.first);
  const uint32_t begin = index == 0 ? 0 : chunk.ends[index - 1];
  JournalRecordContent content;
  const JournalRecordKind kind =
      read_journal_record(chunk.records.view().substr(begin, chunk.ends[index] - begin),
                          chunk.tables, catalogue_.get(), /*copy_texts=*/true, arena, content);
  if (kind == JournalRecordKind::kEvent) return content.event;
  TOCSIN_CHECK(kind != JournalRecordKind::kDamaged);  // it never left memory
  return no_event(seq, kind);
}

}  // namespace tocsin::storage
