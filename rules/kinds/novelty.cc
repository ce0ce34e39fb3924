#include "rules/kinds/novelty.h"

#include <algorithm>

namespace tocsin::rules {

void write(ByteWriter& to, const Novelty& novelty) {
  to.u8(static_cast<uint8_t>(novelty.level));
  to.u8(novelty.is_new_to_parent ? 1 : 0);
  to.u32(novelty.terms);
}

Novelty read_novelty(ByteReader& from) {
  Novelty novelty;
  novelty.level = static_cast<Level>(std::min(from.u8(), static_cast<uint8_t>(Level::kEmergency)));
  novelty.is_new_to_parent = from.u8() != 0;
  novelty.terms = from.u32();
  return novelty;
}

void write(ByteWriter& to, const PendingTerm& item) {
  to.time(item.time);
  to.u16(static_cast<uint16_t>(item.source));
  to.u64(item.seq);
  to.u64(item.term);
  to.text(item.id);
  to.text(item.event);
  write(to, item.told);
  to.u8(item.is_past ? 1 : 0);
}

PendingTerm read_pending_term(ByteReader& from) {
  PendingTerm item;
  item.time = from.time();
  item.source = static_cast<SourceId>(from.u16());
  item.seq = from.u64();
  item.term = from.u64();
  item.id = from.text();
  item.event = from.text();
  item.told = read_novelty(from);
  item.is_past = from.u8() != 0;
  return item;
}

}  // namespace tocsin::rules
