#include "storage/codec.h"

#include <fmt/format.h>

namespace tocsin::storage {
namespace {

constexpr char kVersion = 1;

std::string begin_value() { return std::string(1, kVersion); }
bool begins_well(ByteReader& from) { return from.little<uint8_t>() == kVersion && from.ok(); }
bool ends_well(const ByteReader& from) { return from.ok() && from.at_end(); }

constexpr uint8_t kOpen = 1;
constexpr uint8_t kNotify = 2;

}  // namespace

std::string encode_format(uint32_t version) {
  std::string bytes;
  put_little(bytes, version);
  return bytes;
}

Result<uint32_t> decode_format(std::string_view bytes) {
  ByteReader from(bytes);
  const auto version = from.little<uint32_t>();
  if (ends_well(from)) return version;
  return corrupt(
      "the bytes of the format version make no sense; restore a backup of the data folder");
}

Error foreign_format(uint32_t version) {
  return invalid(fmt::format(
      "the data folder has format {}, this tocsin works with format {}; {}", version,
      kFormatVersion,
      version > kFormatVersion
          ? "it was written by a newer tocsin: run that one, or start with an empty folder"
          : "run the tocsin that wrote it, or start with an empty folder and replay"));
}

std::string encode(const Counters& counters) {
  std::string bytes = begin_value();
  for (const uint64_t number :
       {counters.last_seq, counters.checkpoint_seq, counters.dropped_seq, counters.last_order,
        counters.last_dead_letter, counters.journal_events, counters.alerts_open,
        counters.alert_records, counters.dead_letters}) {
    put_little(bytes, number);
  }
  return bytes;
}

bool decode(std::string_view bytes, Counters& counters) {
  ByteReader from(bytes);
  if (!begins_well(from)) return false;
  for (uint64_t* number :
       {&counters.last_seq, &counters.checkpoint_seq, &counters.dropped_seq, &counters.last_order,
        &counters.last_dead_letter, &counters.journal_events, &counters.alerts_open,
        &counters.alert_records, &counters.dead_letters}) {
    *number = from.little<uint64_t>();
  }
  return ends_well(from);
}

std::string encode(const ErasureRow& row) {
  std::string bytes = begin_value();
  for (const uint64_t seq : row.events) put_little(bytes, seq);
  for (const uint64_t order : row.alerts) put_little(bytes, order);
  put_little(bytes, to_ms(row.before));
  put_little(bytes, row.purge_first);
  put_little(bytes, row.purge_last);
  put_little(bytes, static_cast<uint8_t>(row.purge_alerts));
  return bytes;
}

bool decode(std::string_view bytes, ErasureRow& row) {
  ByteReader from(bytes);
  if (!begins_well(from)) return false;
  for (uint64_t& seq : row.events) seq = from.little<uint64_t>();
  for (uint64_t& order : row.alerts) order = from.little<uint64_t>();
  row.before = from_ms(from.little<int64_t>());
  row.purge_first = from.little<uint64_t>();
  row.purge_last = from.little<uint64_t>();
  row.purge_alerts = from.little<uint8_t>() != 0;
  return ends_well(from);
}

std::string encode(const std::vector<SinkRow>& sinks) {
  std::string bytes = begin_value();
  put_varint(bytes, sinks.size());
  for (const SinkRow& sink : sinks) {
    put_little(bytes, sink.number);
    put_little(bytes, static_cast<uint8_t>(sink.declared));
    put_text(bytes, sink.name);
  }
  return bytes;
}

bool decode(std::string_view bytes, std::vector<SinkRow>& sinks) {
  ByteReader from(bytes);
  if (!begins_well(from)) return false;
  const uint64_t count = from.varint();
  sinks.clear();
  for (uint64_t i = 0; i < count && from.ok(); ++i) {
    SinkRow sink;
    sink.number = from.little<uint16_t>();
    sink.declared = from.little<uint8_t>() != 0;
    sink.name = from.text();
    sinks.push_back(std::move(sink));
  }
  return ends_well(from);
}

std::string encode(const ChunkRow& row) {
  std::string bytes = begin_value();
  put_little(bytes, to_ms(row.committed));
  put_little(bytes, row.records);
  put_little(bytes, row.events);
  return bytes;
}

bool decode(std::string_view bytes, ChunkRow& row) {
  ByteReader from(bytes);
  if (!begins_well(from)) return false;
  row.committed = from_ms(from.little<int64_t>());
  row.records = from.little<uint32_t>();
  row.events = from.little<uint32_t>();
  return ends_well(from);
}

std::string encode(const AlertRow& row) {
  std::string bytes = begin_value();
  put_little(bytes, row.order);
  put_little(bytes, to_ms(row.committed));
  put_little(bytes, static_cast<uint8_t>((row.open ? kOpen : 0) | (row.notify ? kNotify : 0)));
  bytes.append(row.json);
  return bytes;
}

bool decode(std::string_view bytes, AlertRow& row) {
  ByteReader from(bytes);
  if (!begins_well(from)) return false;
  row.order = from.little<uint64_t>();
  row.committed = from_ms(from.little<int64_t>());
  const auto flags = from.little<uint8_t>();
  row.open = (flags & kOpen) != 0;
  row.notify = (flags & kNotify) != 0;
  row.json = from.rest();
  return ends_well(from);
}

std::string encode(const AlertRef& ref) {
  std::string bytes = begin_value();
  put_hash(bytes, ref.alert);
  put_little(bytes, ref.seq);
  put_little(bytes, ref.order);
  put_little(bytes, to_ms(ref.committed));
  put_little(bytes, static_cast<uint8_t>(ref.open ? kOpen : 0));
  return bytes;
}

bool decode(std::string_view bytes, AlertRef& ref) {
  ByteReader from(bytes);
  if (!begins_well(from)) return false;
  ref.alert = from.hash();
  ref.seq = from.little<uint32_t>();
  ref.order = from.little<uint64_t>();
  ref.committed = from_ms(from.little<int64_t>());
  ref.open = (from.little<uint8_t>() & kOpen) != 0;
  return ends_well(from);
}

std::string encode(const DeadLetter& letter, WallTime committed) {
  std::string bytes = begin_value();
  put_little(bytes, to_ms(committed));
  put_little(bytes, to_ms(letter.at));
  put_little(bytes, letter.position);
  put_text(bytes, letter.reason);
  put_text(bytes, letter.message);
  put_text(bytes, letter.stream);
  put_text(bytes, letter.raw);
  return bytes;
}

bool decode(std::string_view bytes, DeadLetter& letter, WallTime& committed) {
  ByteReader from(bytes);
  if (!begins_well(from)) return false;
  committed = from_ms(from.little<int64_t>());
  letter.at = from_ms(from.little<int64_t>());
  letter.position = from.little<int64_t>();
  letter.reason = from.text();
  letter.message = from.text();
  letter.stream = from.text();
  letter.raw = from.text();
  return ends_well(from);
}

}  // namespace tocsin::storage
