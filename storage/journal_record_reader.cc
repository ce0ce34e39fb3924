#include "storage/journal_record_reader.h"

#include <chrono>
#include <cmath>

#include "storage/journal_record_format.h"

namespace tocsin::storage {
namespace {

// Of any event time, with room.
constexpr int64_t kMaxDays = 30'000'000'000;

class RecordReader {
 public:
  RecordReader(std::string_view bytes, const ChunkTables& tables, bool copy_texts, Arena& arena)
      : from_(bytes), tables_(tables), copy_texts_(copy_texts), arena_(arena) {}

  JournalRecordKind control(Control& control) {
    const auto kind = from_.little<uint8_t>();
    control.kind = static_cast<Control::Kind>(kind);
    control.source = from_.text();
    control.time = from_ms(from_.signed_varint());
    control.bundle = from_.text();
    control.partition = control.kind == Control::Kind::kLeavePartition ? partition() : 0;
    const bool known = kind <= static_cast<uint8_t>(Control::Kind::kLeavePartition);
    return known && complete() ? JournalRecordKind::kControl : JournalRecordKind::kDamaged;
  }

  JournalRecordKind erased(ErasedEvent& erased) {
    const auto enums = from_.little<uint8_t>();
    erased.op = static_cast<Operation>(enums & 3);
    erased.tlp = static_cast<Tlp>(enums >> 2 & 7);
    const int64_t day = from_.signed_varint();
    erased.key = {};
    if (erased.op != Operation::kAssert) {
      erased.key.high = from_.little<uint64_t>();
      erased.key.low = from_.little<uint64_t>();
    }
    const bool known = erased.op <= Operation::kRetract && erased.tlp <= Tlp::kRed &&
                       day >= -kMaxDays && day <= kMaxDays;
    if (!known || !complete()) return JournalRecordKind::kDamaged;
    erased.day = EventTime(std::chrono::days(day));
    return JournalRecordKind::kErased;
  }

  JournalRecordKind event(unsigned flags, const Catalogue* catalogue, Event& event) {
    if (!read_enums(event)) return JournalRecordKind::kDamaged;
    const uint64_t source = from_.varint();
    const uint64_t indicator = from_.varint();
    const uint64_t region = from_.varint();
    if (source >= tables_.sources.size() || indicator >= tables_.indicators.size() ||
        region >= tables_.regions.size()) {
      return JournalRecordKind::kDamaged;
    }
    const ChunkTables::SourceEntry& base = tables_.sources[source];
    if (!base.known || !tables_.indicators[indicator].known || !tables_.regions[region].known) {
      return JournalRecordKind::kUnknownName;
    }
    event.source = base.id;
    event.indicator = tables_.indicators[indicator].id;
    event.region = tables_.regions[region].id;
    event.time = from_ms(wrapping_sum(from_.signed_varint(), base.base_time));
    if (!read_id(base, event)) return JournalRecordKind::kDamaged;
    event.rev = (flags & record::kRev) != 0 ? static_cast<uint32_t>(from_.varint()) : 0;
    event.value = (flags & record::kValue) != 0 ? number() : std::nan("");
    event.confidence = (flags & record::kConfidence) != 0 ? number() : 1.0;
    event.lat = (flags & record::kPosition) != 0 ? number() : std::nan("");
    event.lon = (flags & record::kPosition) != 0 ? number() : std::nan("");
    event.has_time_end = (flags & record::kTimeEnd) != 0;
    event.time_end = event.has_time_end
                         ? from_ms(wrapping_sum(from_.signed_varint(), to_ms(event.time)))
                         : event.time;
    event.actors = (flags & record::kActors) != 0 ? texts() : std::span<const std::string_view>{};
    event.tags = (flags & record::kTags) != 0 ? texts() : std::span<const std::string_view>{};
    event.attrs = (flags & record::kAttrs) != 0 ? attrs(declared_by(catalogue, event.indicator))
                                                : std::span<const Attr>{};
    event.partition = (flags & record::kPartition) != 0 ? partition() : 0;
    event.placed_after =
        (flags & record::kPlacedAfter) != 0 ? placed_after(event) : Milliseconds{0};
    return complete() ? JournalRecordKind::kEvent : JournalRecordKind::kDamaged;
  }

 private:
  uint16_t partition() {
    const uint64_t number = from_.varint();
    if (number > UINT16_MAX) valid_ = false;
    return static_cast<uint16_t>(number);
  }
  Milliseconds placed_after(const Event& event) {
    const uint64_t after = from_.varint();
    const auto end =
        static_cast<uint64_t>(wrapping_difference(to_ms(event.time_end), to_ms(event.time)));
    if (!event.has_time_end || after > end || event.time < kMinEventTime ||
        after > static_cast<uint64_t>(to_ms(kMaxEventTime))) {
      valid_ = false;
    }
    return valid_ ? Milliseconds(static_cast<int64_t>(after)) : Milliseconds{0};
  }
  bool complete() const { return valid_ && from_.ok() && from_.at_end(); }

  bool read_enums(Event& event) {
    const auto enums = from_.little<uint8_t>();
    event.op = static_cast<Operation>(enums & 3);
    event.tlp = static_cast<Tlp>(enums >> 2 & 7);
    event.time_precision = static_cast<TimePrecision>(enums >> 5);
    event.geo_precision = from_.little<uint8_t>();
    return event.op <= Operation::kRetract && event.tlp <= Tlp::kRed &&
           event.time_precision <= TimePrecision::kYear;
  }

  bool read_id(const ChunkTables::SourceEntry& base, Event& event) {
    const std::string_view base_id = tables_.text(base.base_id);
    const uint64_t prefix = from_.varint();
    const std::string_view suffix = from_.text();
    if (prefix > base_id.size()) return false;
    if (suffix.empty()) {
      event.id = keep(base_id.substr(0, prefix));
    } else if (prefix == 0) {
      event.id = keep(suffix);
    } else {
      char* id = static_cast<char*>(arena_.allocate(prefix + suffix.size(), 1));
      write_bytes(write_bytes(id, base_id.substr(0, prefix)), suffix);
      event.id = {id, static_cast<size_t>(prefix) + suffix.size()};
    }
    return true;
  }

  std::string_view keep(std::string_view text) { return copy_texts_ ? arena_.copy(text) : text; }

  std::string_view text() {
    const uint64_t reference = from_.varint();
    if (reference == 0) return keep(from_.text());
    if (reference > tables_.texts.size()) {
      valid_ = false;
      return {};
    }
    return keep(tables_.text(static_cast<uint32_t>(reference - 1)));
  }

  double number() {
    const uint64_t told = from_.varint();
    const uint64_t decimals = told & 7;
    if (decimals == record::kRawDouble) return from_.little<double>();
    return static_cast<double>(unzigzag(told >> 3)) / record::kPowersOfTen[decimals];
  }

  // Every entry takes a byte at least; a larger count is damage, not a reason to allocate.
  size_t count() {
    const uint64_t told = from_.varint();
    if (told > from_.left()) valid_ = false;
    return valid_ ? static_cast<size_t>(told) : 0;
  }

  std::span<const std::string_view> texts() {
    const std::span<std::string_view> list = arena_.array<std::string_view>(count());
    for (std::string_view& entry : list) entry = text();
    return list;
  }

  static std::span<const AttrDeclaration> declared_by(const Catalogue* catalogue,
                                                      IndicatorId indicator) {
    if (catalogue == nullptr) return {};
    return catalogue->indicator(indicator).attrs;
  }

  std::span<const Attr> attrs(std::span<const AttrDeclaration> declared) {
    const std::span<Attr> list = arena_.array<Attr>(count());
    for (Attr& attr : list) {
      attr.key = text();
      attr.slot = kUndeclaredAttr;
      for (size_t i = 0; i < declared.size(); ++i) {
        if (declared[i].name == attr.key) attr.slot = static_cast<uint16_t>(i);
      }
      attr.value = value();
    }
    return list;
  }

  AttrValue value() {
    using record::AttrTag;
    switch (static_cast<AttrTag>(from_.little<uint8_t>())) {
      case AttrTag::kNull:
        return std::monostate{};
      case AttrTag::kFalse:
        return false;
      case AttrTag::kTrue:
        return true;
      case AttrTag::kInt:
        return from_.signed_varint();
      case AttrTag::kDouble:
        return number();
      case AttrTag::kText:
        return text();
    }
    valid_ = false;
    return {};
  }

  ByteReader from_;
  const ChunkTables& tables_;
  const bool copy_texts_;
  Arena& arena_;
  bool valid_ = true;
};

}  // namespace

JournalRecordKind read_journal_record(std::string_view bytes, const ChunkTables& tables,
                                      const Catalogue* catalogue, bool copy_texts, Arena& arena,
                                      JournalRecordContent& content) {
  if (bytes.size() < sizeof(uint16_t)) return JournalRecordKind::kDamaged;
  uint16_t flags = 0;
  std::memcpy(&flags, bytes.data(), sizeof flags);
  if ((flags & ~record::kAllFlags) != 0) return JournalRecordKind::kDamaged;
  RecordReader reader(bytes.substr(sizeof flags), tables, copy_texts, arena);
  if ((flags & record::kControl) != 0) return reader.control(content.control);
  if (flags == record::kErased) return reader.erased(content.erased);
  if ((flags & record::kErased) != 0) return JournalRecordKind::kDamaged;
  return reader.event(flags, catalogue, content.event);
}

}  // namespace tocsin::storage
