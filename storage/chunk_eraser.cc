#include "storage/chunk_eraser.h"

#include <fmt/format.h>

#include <chrono>

#include "rules/model/check.h"
#include "storage/journal_chunk.h"
#include "storage/seen_ids_blob.h"

namespace tocsin::storage {
namespace {

// The names that a chunk has, whatever the present catalogue knows of them.
std::shared_ptr<const Catalogue> names_of(const ChunkTables& tables) {
  Catalogue::Draft draft;
  for (const auto& entry : tables.sources) {
    Source source;
    source.name = tables.text(entry.name);
    draft.sources.push_back({std::move(source), {}});
  }
  for (const auto& entry : tables.indicators) {
    Indicator indicator;
    indicator.name = tables.text(entry.name);
    draft.indicators.push_back(std::move(indicator));
  }
  for (const auto& entry : tables.regions) {
    Region region;
    region.id = tables.text(entry.name);
    draft.regions.push_back({std::move(region), ""});
  }
  return std::make_shared<const Catalogue>(std::move(draft));
}

EventTime day_of(EventTime time) { return std::chrono::floor<std::chrono::days>(time); }

EventTime end_of_day(EventTime time) { return day_of(time) + std::chrono::hours(24); }

}  // namespace

ChunkEraser::ChunkEraser(Compression compression, int level)
    // Whatever the records come to, they stay one chunk.
    : writer_(compression, level, kMaxChunkBody) {}

Result<bool> ChunkEraser::has_due(const JournalChunk& chunk,
                                  const std::function<bool(Tlp)>& is_due) {
  bool found = false;
  const Result<bool> read =
      chunk.read(chunk.first(), arena_, [&](const Store::JournalRecord& record) {
        found = record.event != nullptr && is_due(record.event->tlp);
        return !found;
      });
  if (!read) return read.error();
  return found;
}

Result<std::optional<ChunkEraser::Rewritten>> ChunkEraser::erase(
    JournalSeq key, std::string_view chunk, const std::optional<std::string>& ids,
    const std::function<bool(Tlp)>& is_due) {
  const auto bare = JournalChunk::open(key, chunk, nullptr);
  if (!bare) return bare.error();
  const Result<bool> has_any = has_due(**bare, is_due);
  if (!has_any) return has_any.error();
  if (!*has_any) return std::optional<Rewritten>();

  const std::shared_ptr<const Catalogue> names = names_of((*bare)->tables());
  const auto opened = JournalChunk::open(key, chunk, names);
  if (!opened) return opened.error();
  writer_.set_catalogue(names);
  writer_.begin(key);
  Rewritten rewritten;
  std::vector<std::optional<EventTime>> erased;  // of each event, the end of its day
  const Result<bool> read = (*opened)->read(key, arena_, [&](const Store::JournalRecord& record) {
    if (record.control != nullptr) {
      writer_.append(*record.control);
    } else if (record.erased != nullptr) {
      writer_.append(*record.erased);
      erased.emplace_back(end_of_day(record.erased->day));
    } else if (!is_due(record.event->tlp)) {
      writer_.append(*record.event);
      erased.emplace_back();
    } else {
      const Event& event = *record.event;
      ErasedEvent left{.tlp = event.tlp, .op = event.op, .day = day_of(event.time), .key = {}};
      if (event.op != Operation::kAssert) {
        left.key = event_key(names->source(event.source).name, event.id);
      }
      writer_.append(left);
      erased.emplace_back(end_of_day(event.time));
      rewritten.before = std::max(rewritten.before, end_of_day(event.time));
      ++rewritten.erased;
    }
    return true;
  });
  if (!read) return read.error();
  const std::vector<SealedChunk>& sealed = writer_.finish((*opened)->header().committed);
  TOCSIN_CHECK(sealed.size() == 1 && sealed[0].header.records == (*opened)->header().records &&
               sealed[0].header.events == (*opened)->header().events);
  rewritten.chunk = sealed[0].bytes;
  if (ids) {
    Result<std::string> blob = rewrite_ids(key, *ids, erased, rewritten.newest_id);
    if (!blob) return blob.error();
    rewritten.ids = std::move(*blob);
  }
  return std::optional(std::move(rewritten));
}

Result<std::string> ChunkEraser::rewrite_ids(JournalSeq key, std::string_view blob,
                                             const std::vector<std::optional<EventTime>>& erased,
                                             EventTime& newest) {
  SeenIdsWriter writer;
  size_t place = 0;
  Status status = read_seen_ids_blob(key, blob, kMinEventTime, [&](const Store::SeenId& id) {
    const bool is_erased = place < erased.size() && erased[place].has_value();
    writer.add(id.key, id.rev, is_erased ? *erased[place] : id.time);
    ++place;
  });
  if (!status) return status.error();
  if (place != erased.size()) {
    return corrupt(fmt::format("erase in journal chunk {}: it has {} events and {} ids", key,
                               erased.size(), place));
  }
  newest = writer.newest();
  ByteBuffer bytes;
  writer.finish(bytes);
  return std::string(bytes.view());
}

}  // namespace tocsin::storage
