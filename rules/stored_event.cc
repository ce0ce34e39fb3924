#include "rules/stored_event.h"

#include "rules/state_codec.h"

namespace tocsin::rules {

namespace {

void write_texts(ByteWriter& to, std::span<const std::string_view> texts) {
  to.u32(static_cast<uint32_t>(texts.size()));
  for (const std::string_view text : texts) to.text(text);
}

std::span<const std::string_view> read_texts(ByteReader& from, Arena& arena) {
  const auto texts = arena.array<std::string_view>(from.count());
  for (std::string_view& text : texts) text = from.text();
  return texts;
}

void write_attr(ByteWriter& to, const Attr& attr) {
  to.text(attr.key);
  to.u16(attr.slot);
  to.u8(static_cast<uint8_t>(attr.value.index()));
  if (const auto* b = std::get_if<bool>(&attr.value)) to.u8(*b ? 1 : 0);
  if (const auto* i = std::get_if<int64_t>(&attr.value)) to.i64(*i);
  if (const auto* d = std::get_if<double>(&attr.value)) to.f64(*d);
  if (const auto* s = std::get_if<std::string_view>(&attr.value)) to.text(*s);
}

Attr read_attr(ByteReader& from) {
  Attr attr;
  attr.key = from.text();
  attr.slot = from.u16();
  switch (from.u8()) {
    case 1:
      attr.value = from.u8() != 0;
      break;
    case 2:
      attr.value = from.i64();
      break;
    case 3:
      attr.value = from.f64();
      break;
    case 4:
      attr.value = from.text();
      break;
    default:
      break;  // null
  }
  return attr;
}

}  // namespace

void encode_event(const Event& event, std::string& to) {
  to.clear();
  ByteWriter out(to);
  out.text(event.id);
  out.u32(event.rev);
  out.u8(static_cast<uint8_t>(event.op));
  out.u8(static_cast<uint8_t>(event.tlp));
  out.u8(static_cast<uint8_t>(event.time_precision));
  out.u8(event.geo_precision);
  out.u8(event.has_time_end ? 1 : 0);
  out.u16(static_cast<uint16_t>(event.source));
  out.u16(static_cast<uint16_t>(event.indicator));
  out.u32(static_cast<uint32_t>(event.region));
  out.time(event.time);
  out.time(event.time_end);
  out.i64(event.placed_after.count());
  for (const double number : {event.value, event.confidence, event.lat, event.lon}) out.f64(number);
  write_texts(out, event.actors);
  write_texts(out, event.tags);
  out.u32(static_cast<uint32_t>(event.attrs.size()));
  for (const Attr& attr : event.attrs) write_attr(out, attr);
}

Event decode_event(std::string_view bytes, Arena& arena) {
  ByteReader in(bytes);
  Event event;
  event.id = in.text();
  event.rev = in.u32();
  event.op = static_cast<Operation>(in.u8());
  event.tlp = static_cast<Tlp>(in.u8());
  event.time_precision = static_cast<TimePrecision>(in.u8());
  event.geo_precision = in.u8();
  event.has_time_end = in.u8() != 0;
  event.source = static_cast<SourceId>(in.u16());
  event.indicator = static_cast<IndicatorId>(in.u16());
  event.region = static_cast<RegionId>(in.u32());
  event.time = in.time();
  event.time_end = in.time();
  event.placed_after = Milliseconds(in.i64());
  event.value = in.f64();
  event.confidence = in.f64();
  event.lat = in.f64();
  event.lon = in.f64();
  event.actors = read_texts(in, arena);
  event.tags = read_texts(in, arena);
  const auto attrs = arena.array<Attr>(in.count());
  for (Attr& attr : attrs) attr = read_attr(in);
  event.attrs = attrs;
  return in.ok() ? event : Event{};
}

std::string_view stored_event_id(std::string_view bytes) { return ByteReader(bytes).text(); }

}  // namespace tocsin::rules
