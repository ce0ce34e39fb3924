#include "folder_text.h"

#include <fmt/format.h>

#include <cmath>

namespace tocsin::storage::testing {
namespace {

std::string quoted(std::string_view text) {
  std::string to = "\"";
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '"' && c != '\\') {
      to += c;
    } else {
      to += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
    }
  }
  return to + "\"";
}

// Bit by bit, so that -0.0 is not 0.0.
std::string exact(double value) { return std::isnan(value) ? "none" : fmt::format("{:a}", value); }

std::string value_text(const AttrValue& value) {
  switch (value.index()) {
    case 0:
      return "null";
    case 1:
      return std::get<bool>(value) ? "true" : "false";
    case 2:
      return fmt::format("int {}", std::get<int64_t>(value));
    case 3:
      return fmt::format("double {}", exact(std::get<double>(value)));
    default:
      return fmt::format("text {}", quoted(std::get<std::string_view>(value)));
  }
}

std::string event_text(const Event& event, const Catalogue& catalogue) {
  std::string to = fmt::format(
      "id {} rev {} op {} tlp {} precision {} geo {} source {} indicator {} region {} time {} end "
      "{} value {} confidence {} lat {} lon {}",
      quoted(event.id), event.rev, to_string(event.op), to_string(event.tlp),
      to_string(event.time_precision), event.geo_precision, catalogue.source(event.source).name,
      catalogue.indicator(event.indicator).name, catalogue.region(event.region).id,
      to_ms(event.time), event.has_time_end ? std::to_string(to_ms(event.time_end)) : "none",
      exact(event.value), exact(event.confidence), exact(event.lat), exact(event.lon));
  for (const std::string_view actor : event.actors) to += " actor " + quoted(actor);
  for (const std::string_view tag : event.tags) to += " tag " + quoted(tag);
  for (const Attr& attr : event.attrs) {
    to += fmt::format(" attr {} slot {} {}", quoted(attr.key), attr.slot, value_text(attr.value));
  }
  return to;
}

std::string alert_text(const Store::StoredAlert& alert) {
  return fmt::format("{} {}/{} open {} notify {} {}\n", alert.order, to_hex(alert.alert), alert.seq,
                     alert.open, alert.notify, alert.json);
}

}  // namespace

Result<std::string> folder_text(const Store& store, const Catalogue& catalogue) {
  const StoreStatistics statistics = store.statistics();
  std::string all = fmt::format(
      "records {} to {}, checkpoint {}, {} events, {} transitions, {} open, {} dead letters\n",
      store.first_seq(), store.last_seq(), store.checkpoint_seq(), statistics.journal_events,
      statistics.alert_records, statistics.alerts_open, statistics.dead_letters);
  const auto add_alert = [&all](const Store::StoredAlert& alert) {
    all += "alert " + alert_text(alert);
    return true;
  };
  const auto add_record = [&](const Store::JournalRecord& record) {
    if (record.event != nullptr) {
      all += fmt::format("event {} {}\n", record.seq, event_text(*record.event, catalogue));
    } else if (record.control != nullptr) {
      all += fmt::format("control {} kind {} source {} time {} bundle {}\n", record.seq,
                         static_cast<int>(record.control->kind), record.control->source,
                         to_ms(record.control->time), record.control->bundle);
    } else if (record.erased != nullptr) {
      all += fmt::format("erased {} tlp {} op {} day {} key {}\n", record.seq,
                         to_string(record.erased->tlp), to_string(record.erased->op),
                         to_ms(record.erased->day), to_hex(record.erased->key));
    } else {
      all += fmt::format("record {} of an unknown name\n", record.seq);
    }
    return true;
  };
  for (Status status :
       {store.read_journal(1, add_record),
        store.read_seen_ids(kMinEventTime,
                            [&all](const Store::SeenId&id) {
                              all += fmt::format("seen {} rev {} time {}\n", to_hex(id.key), id.rev,
                                                 to_ms(id.time));
                            }),
        store.read_state([&all](std::string_view key, std::string_view value) {
          all += fmt::format("state {} {}\n", quoted(key), quoted(value));
        }),
        store.read_alert_log(0, add_alert), store.read_alerts({.open_only = true}, add_alert),
        store.read_dead_letters(0, [&all](const DeadLetter&letter) {
          all += fmt::format("letter {} {} {} {} {} {} {}\n", letter.number, letter.reason,
                             letter.message, letter.stream, letter.position, to_ms(letter.at),
                             quoted(letter.raw));
          return true;
        })}) {
    if (!status) return status.error();
  }
  for (const char* stream : {"file/feed", "kafka/topic/0", "kafka/topic/1"}) {
    all += fmt::format("position {} {}\n", stream, store.position(stream).value_or("none"));
  }
  for (const char* name : {"instance", "bundle.0123", "empty"}) {
    const auto value = store.meta(name);
    if (!value) return value.error();
    all += fmt::format("name {} {}\n", name, quoted(value->value_or("none")));
  }
  for (const char* sink : {"hook", "log"}) {
    const auto entries = store.read_outbox(sink, 1000);
    if (!entries) return entries.error();
    for (const OutboxEntry& entry : *entries) {
      all += fmt::format("to {} send {} {}/{} of {} {}\n", sink, entry.number, to_hex(entry.alert),
                         entry.seq, to_ms(entry.committed), entry.json);
    }
  }
  return all;
}

}  // namespace tocsin::storage::testing
