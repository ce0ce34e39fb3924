#include "marked_events.h"

#include <fmt/format.h>

#include <random>

#include "store_fixture.h"

namespace tocsin::storage::testing {

Store::ByMarking limits(Milliseconds amber_strict, Milliseconds red) {
  Store::ByMarking by;
  by.limits[static_cast<size_t>(Tlp::kAmberStrict)] = amber_strict;
  by.limits[static_cast<size_t>(Tlp::kRed)] = red;
  return by;
}

std::string unlike(std::string_view what, uint64_t n) {
  std::mt19937_64 random(hash128(what).low + n);
  std::string text(20, ' ');
  for (char& c : text) c = static_cast<char>('!' + random() % 90);
  return text;
}

Event marked_event(const Catalogue& catalogue, uint64_t n, Tlp tlp, Arena& arena) {
  Event event = plain_event(catalogue, n, arena);
  event.id = arena.copy(unlike("id", n));
  event.tlp = tlp;
  const auto actors = arena.array<std::string_view>(1);
  actors[0] = arena.copy(unlike("actor", n));
  event.actors = actors;
  const auto tags = arena.array<std::string_view>(1);
  tags[0] = arena.copy(unlike("tag", static_cast<uint64_t>(tlp)));
  event.tags = tags;
  const auto attrs = arena.array<Attr>(1);
  attrs[0].key = arena.copy(fmt::format("xkey{}", n));
  attrs[0].value = arena.copy(unlike("attr", n));
  event.attrs = attrs;
  return event;
}

AlertRecord marked_alert(uint64_t alert, uint32_t seq, bool open) {
  AlertRecord record = alert_record(alert, seq, open);
  record.json = fmt::format(R"({{"alert":{},"seq":{},"tlp":"{}","text":"{}"}})", alert, seq,
                            alert % 2 == 0 ? "red" : "clear", unlike("summary", alert));
  return record;
}

Tlp marking_in(std::string_view json) {
  return json.find(R"("tlp":"red")") == std::string_view::npos ? Tlp::kClear : Tlp::kRed;
}

}  // namespace tocsin::storage::testing
