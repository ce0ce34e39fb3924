#include "storage/journal_record_writer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "rules/model/check.h"
#include "rules/model/text_key.h"
#include "storage/journal_record_format.h"

namespace tocsin::storage {
namespace {

constexpr size_t kSlots = 8192;  // twice kMaxTexts: probes stay short
static_assert(kSlots >= 2 * JournalRecordWriter::kMaxTexts && std::has_single_bit(kSlots));

// Room for everything of a record but its texts and lists.
constexpr size_t kFixedBytes = 256;
constexpr size_t kListEntryBytes = 2 * kMaxVarintBytes;
constexpr size_t kAttrBytes = 3 * kMaxVarintBytes + sizeof(double);

size_t most_bytes(const Event& event) {
  size_t bytes = kFixedBytes + event.id.size();
  for (const std::string_view actor : event.actors) bytes += kListEntryBytes + actor.size();
  for (const std::string_view tag : event.tags) bytes += kListEntryBytes + tag.size();
  for (const Attr& attr : event.attrs) {
    bytes += kAttrBytes + kListEntryBytes + attr.key.size();
    if (const auto* text = std::get_if<std::string_view>(&attr.value)) bytes += text->size();
  }
  return bytes;
}

char* write_number(char* to, double value) {
  for (int decimals = 0; decimals <= record::kMaxDecimals; ++decimals) {
    const double power = record::kPowersOfTen[static_cast<size_t>(decimals)];
    const double scaled = value * power;
    if (!(std::abs(scaled) < 4503599627370496.0)) break;  // 2^52: whole numbers are exact below
    const auto whole = static_cast<int64_t>(scaled + std::copysign(0.5, scaled));
    const auto back =
        decimals == 0 ? static_cast<double>(whole) : static_cast<double>(whole) / power;
    // Bits, not values: -0.0 must stay what it was.
    if (std::bit_cast<uint64_t>(back) == std::bit_cast<uint64_t>(value)) {
      return write_varint(to, zigzag(whole) << 3 | static_cast<uint64_t>(decimals));
    }
  }
  *to++ = static_cast<char>(record::kRawDouble);
  return write_little(to, value);
}

uint16_t flags_of(const Event& event) {
  unsigned flags = 0;
  if (event.rev != 0) flags |= record::kRev;
  if (event.has_value()) flags |= record::kValue;
  if (std::bit_cast<uint64_t>(event.confidence) != std::bit_cast<uint64_t>(1.0)) {
    flags |= record::kConfidence;
  }
  if (event.has_position()) flags |= record::kPosition;
  if (event.has_time_end) flags |= record::kTimeEnd;
  if (!event.actors.empty()) flags |= record::kActors;
  if (!event.tags.empty()) flags |= record::kTags;
  if (!event.attrs.empty()) flags |= record::kAttrs;
  if (event.partition != 0) flags |= record::kPartition;
  if (event.placed_after.count() != 0) flags |= record::kPlacedAfter;
  return static_cast<uint16_t>(flags);
}

size_t shared_prefix(std::string_view a, std::string_view b) {
  const size_t most = std::min(a.size(), b.size());
  size_t count = 0;
  for (; count + sizeof(uint64_t) <= most; count += sizeof(uint64_t)) {
    uint64_t x = 0;
    uint64_t y = 0;
    std::memcpy(&x, a.data() + count, sizeof x);
    std::memcpy(&y, b.data() + count, sizeof y);
    if (x != y) return count + static_cast<size_t>(std::countr_zero(x ^ y)) / 8;
  }
  while (count < most && a[count] == b[count]) ++count;
  return count;
}

}  // namespace

JournalRecordWriter::JournalRecordWriter() : slots_(kSlots) {}

void JournalRecordWriter::set_catalogue(std::shared_ptr<const Catalogue> catalogue) {
  catalogue_ = std::move(catalogue);
  sources_.assign(catalogue_->sources().size(), {});
  indicators_.assign(catalogue_->indicators().size(), {});
  regions_.assign(catalogue_->regions().size(), {});
  begin_chunk();
}

void JournalRecordWriter::begin_chunk() {
  if (++generation_ != 0) return;
  // Wrapped around: what is left of the first generations would look alive.
  std::fill(slots_.begin(), slots_.end(), Slot{});
  for (auto* locals : {&sources_, &indicators_, &regions_}) {
    std::fill(locals->begin(), locals->end(), Local{});
  }
  generation_ = 1;
}

char* JournalRecordWriter::write_text(char* to, std::string_view text, ChunkTables& tables) {
  if (text.size() <= kMaxSharedText) {
    const auto hash = static_cast<uint32_t>(hash_text(text));
    for (size_t i = hash & (kSlots - 1);; i = (i + 1) & (kSlots - 1)) {
      Slot& slot = slots_[i];
      if (slot.generation != generation_) {
        if (tables.texts.size() >= kMaxTexts) break;
        slot = {generation_, hash, tables.add_text(text)};
        return write_varint(to, uint64_t{slot.text} + 1);
      }
      if (slot.hash == hash && same_text(tables.text(slot.text), text)) {
        return write_varint(to, uint64_t{slot.text} + 1);
      }
    }
  }
  *to++ = 0;
  return write_bytes(write_varint(to, text.size()), text);
}

char* JournalRecordWriter::write_attr(char* to, const Attr& attr, ChunkTables& tables) {
  using record::AttrTag;
  const auto tag = [&to](AttrTag value) { *to++ = static_cast<char>(value); };
  to = write_text(to, attr.key, tables);
  switch (attr.value.index()) {
    case 0:
      tag(AttrTag::kNull);
      return to;
    case 1:
      tag(std::get<bool>(attr.value) ? AttrTag::kTrue : AttrTag::kFalse);
      return to;
    case 2:
      tag(AttrTag::kInt);
      return write_varint(to, zigzag(std::get<int64_t>(attr.value)));
    case 3:
      tag(AttrTag::kDouble);
      return write_number(to, std::get<double>(attr.value));
    case 4:
      tag(AttrTag::kText);
      return write_text(to, std::get<std::string_view>(attr.value), tables);
  }
  TOCSIN_CHECK(false);
}

uint32_t JournalRecordWriter::source_entry(const Event& event, ChunkTables& tables) {
  Local& local = sources_[static_cast<size_t>(event.source)];
  if (local.generation != generation_) {
    local = {generation_, static_cast<uint32_t>(tables.sources.size())};
    const uint32_t name = tables.add_text(catalogue_->source(event.source).name);
    tables.sources.push_back(
        {name, tables.add_text(event.id), to_ms(event.time), event.source, true});
  }
  return local.index;
}

template <typename Id>
uint32_t JournalRecordWriter::name_entry(Local& local, Id id, std::string_view name,
                                         std::vector<ChunkTables::NameEntry<Id>>& entries,
                                         ChunkTables& tables) {
  if (local.generation != generation_) {
    local = {generation_, static_cast<uint32_t>(entries.size())};
    entries.push_back({tables.add_text(name), id, true});
  }
  return local.index;
}

void JournalRecordWriter::write(const Event& event, ChunkTables& tables, ByteBuffer& records) {
  TOCSIN_CHECK(catalogue_ != nullptr);
  const uint16_t flags = flags_of(event);
  char* to = records.room(most_bytes(event));
  to = write_little(to, flags);
  *to++ =
      static_cast<char>(static_cast<unsigned>(event.op) | static_cast<unsigned>(event.tlp) << 2 |
                        static_cast<unsigned>(event.time_precision) << 5);
  *to++ = static_cast<char>(event.geo_precision);
  const uint32_t source = source_entry(event, tables);
  to = write_varint(to, source);
  to = write_varint(
      to, name_entry(indicators_[static_cast<size_t>(event.indicator)], event.indicator,
                     catalogue_->indicator(event.indicator).name, tables.indicators, tables));
  to = write_varint(to, name_entry(regions_[static_cast<size_t>(event.region)], event.region,
                                   catalogue_->region(event.region).id, tables.regions, tables));
  const ChunkTables::SourceEntry& base = tables.sources[source];
  to = write_varint(to, zigzag(wrapping_difference(to_ms(event.time), base.base_time)));
  const size_t prefix = shared_prefix(event.id, tables.text(base.base_id));
  to = write_varint(to, prefix);
  to = write_varint(to, event.id.size() - prefix);
  to = write_bytes(to, event.id.substr(prefix));
  if ((flags & record::kRev) != 0) to = write_varint(to, event.rev);
  if ((flags & record::kValue) != 0) to = write_number(to, event.value);
  if ((flags & record::kConfidence) != 0) to = write_number(to, event.confidence);
  if ((flags & record::kPosition) != 0) to = write_number(write_number(to, event.lat), event.lon);
  if ((flags & record::kTimeEnd) != 0) {
    to = write_varint(to, zigzag(wrapping_difference(to_ms(event.time_end), to_ms(event.time))));
  }
  if ((flags & record::kActors) != 0) {
    to = write_varint(to, event.actors.size());
    for (const std::string_view actor : event.actors) to = write_text(to, actor, tables);
  }
  if ((flags & record::kTags) != 0) {
    to = write_varint(to, event.tags.size());
    for (const std::string_view tag : event.tags) to = write_text(to, tag, tables);
  }
  if ((flags & record::kAttrs) != 0) {
    to = write_varint(to, event.attrs.size());
    for (const Attr& attr : event.attrs) to = write_attr(to, attr, tables);
  }
  if ((flags & record::kPartition) != 0) to = write_varint(to, event.partition);
  if ((flags & record::kPlacedAfter) != 0) {
    to = write_varint(to, static_cast<uint64_t>(event.placed_after.count()));
  }
  records.advance_to(to);
}

void JournalRecordWriter::write(const ErasedEvent& erased, ByteBuffer& records) {
  char* to = records.room(kFixedBytes);
  to = write_little(to, static_cast<uint16_t>(record::kErased));
  *to++ =
      static_cast<char>(static_cast<unsigned>(erased.op) | static_cast<unsigned>(erased.tlp) << 2);
  to = write_varint(
      to, zigzag(std::chrono::floor<std::chrono::days>(erased.day).time_since_epoch().count()));
  if (erased.op != Operation::kAssert) {
    to = write_little(write_little(to, erased.key.high), erased.key.low);
  }
  records.advance_to(to);
}

void JournalRecordWriter::write(const Control& control, ByteBuffer& records) {
  char* to = records.room(kFixedBytes + control.source.size() + control.bundle.size());
  to = write_little(to, static_cast<uint16_t>(record::kControl));
  *to++ = static_cast<char>(control.kind);
  to = write_bytes(write_varint(to, control.source.size()), control.source);
  to = write_varint(to, zigzag(to_ms(control.time)));
  to = write_bytes(write_varint(to, control.bundle.size()), control.bundle);
  if (control.kind == Control::Kind::kLeavePartition) to = write_varint(to, control.partition);
  records.advance_to(to);
}

}  // namespace tocsin::storage
