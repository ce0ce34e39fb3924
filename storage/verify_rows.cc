#include "storage/verify_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "storage/keys.h"

namespace tocsin::storage {
namespace {

bool is_text(std::string_view key) {
  return std::ranges::all_of(key, [](char c) { return c >= ' ' && c <= '~'; });
}

std::string shown_key(Table table, std::string_view key) {
  switch (table) {
    case Table::kJournal:
    case Table::kJournalIndex:
    case Table::kIds:
    case Table::kIdsIndex:
    case Table::kAlertLog:
    case Table::kDeadLetters:
      if (key.size() == sizeof(uint64_t)) return std::to_string(keys::read_number(key));
      break;
    case Table::kAlerts:
      if (key.size() == 16 + sizeof(uint32_t)) {
        ByteReader from(key);
        const Hash128 alert = from.hash();
        return fmt::format("{}/{}", to_hex(alert), from.big<uint32_t>());
      }
      break;
    default:
      break;
  }
  if (is_text(key)) return fmt::format("`{}`", key);
  std::string digits;
  for (const char c : key) digits += fmt::format("{:02x}", static_cast<uint8_t>(c));
  return digits;
}

void verify_meta(RowCheck& check) {
  bool has_format = false;  // which one it is was judged when the tables were opened
  check.scan(Table::kMeta, [&](std::string_view key, std::string_view value) {
    if (key.starts_with("n:")) {
      check.observer.on_name(key.substr(2), value);
    } else if (key == keys::kCounters) {
      check.has_counters = decode(value, check.counters);
      if (!check.has_counters) {
        check.damaged("T0534", place_of(Table::kMeta, key), "the counters make no sense",
                      std::string(kRestore));
      }
    } else if (key == keys::kSinks) {
      std::vector<SinkRow> sinks;
      if (!decode(value, sinks)) {
        check.damaged("T0536", place_of(Table::kMeta, key), "the list of sinks makes no sense",
                      std::string(kRestore));
      }
    } else if (key == keys::kErasure) {
      if (!decode(value, check.erasure)) {
        check.damaged("T0539", place_of(Table::kMeta, key),
                      "what is known of erased events makes no sense", std::string(kRestore));
      }
    } else if (key == keys::kFormat) {
      has_format = true;
    } else {
      check.damaged("T0539", place_of(Table::kMeta, key), "no tocsin of this format writes it",
                    "find out what else writes to the folder");
    }
    return true;
  });
  if (!has_format) {
    check.damaged("T0539", place_of(Table::kMeta, keys::kFormat), "the format version is missing",
                  std::string(kRestore));
  }
  if (check.has_counters) return;
  check.damaged("T0534", place_of(Table::kMeta, keys::kCounters),
                "without counters nothing can be compared with them", std::string(kRestore));
}

void verify_dead_letters(RowCheck& check) {
  const bool whole = check.scan(Table::kDeadLetters, [&](auto key, auto value) {
    DeadLetter letter;
    WallTime committed;
    const uint64_t number = keys::read_number(key);
    ++check.seen.dead_letters;
    if (!decode(value, letter, committed)) {
      check.damaged(
          "T0537", place_of(Table::kDeadLetters, key), "its bytes make no sense",
          fmt::format("restore a backup, or give it up: DELETE /v1/dead-letters?numbers={}",
                      number));
    }
    if (check.has_counters && number > check.counters.last_dead_letter) {
      check.damaged(
          "T0537", place_of(Table::kDeadLetters, key),
          fmt::format("the last that was committed is {}", check.counters.last_dead_letter),
          std::string(kRestore));
    }
    return true;
  });
  if (!whole || !check.has_counters) return;
  if (check.seen.dead_letters != check.counters.dead_letters) {
    check.damaged("T0534", place_of(Table::kMeta, keys::kCounters),
                  fmt::format("{} dead letters were counted, {} are there",
                              check.counters.dead_letters, check.seen.dead_letters),
                  std::string(kRestore));
  }
}

}  // namespace

std::string place_of(Table table, std::string_view key) {
  return fmt::format("table {}, key {}", table_name(table), shown_key(table, key));
}

void RowCheck::damaged(std::string_view code, std::string where, std::string what,
                       std::string remedy) {
  observer.damaged({std::string(code), std::move(where), std::move(what), std::move(remedy)});
}

bool RowCheck::scan(Table table, const KeyValue::Each& each) {
  const Status status = tables.scan(table, "", each);
  if (status) return true;
  damaged("T0530", fmt::format("table {}", table_name(table)), status.error().message,
          std::string(kRestore));
  return false;
}

std::optional<std::string> RowCheck::get(Table table, std::string_view key) {
  Result<std::optional<std::string>> row = tables.get(table, key);
  if (row) return std::move(*row);
  damaged("T0530", place_of(table, key), row.error().message, std::string(kRestore));
  return std::nullopt;
}

void verify_names(RowCheck& check) {
  verify_meta(check);
  check.scan(Table::kPositions, [&](std::string_view stream, std::string_view position) {
    check.observer.on_position(stream, position);
    return true;
  });
  check.scan(Table::kState, [&](std::string_view key, std::string_view value) {
    ++check.seen.state_entries;
    check.observer.on_state(key, value);
    return true;
  });
  verify_dead_letters(check);
}

void verify_rows(const KeyValue& tables, VerifyObserver& observer, VerifiedFolder& seen) {
  RowCheck check{
      .tables = tables, .observer = observer, .seen = seen, .counters = {}, .erasure = {}};
  verify_names(check);
  verify_alerts(check);
  verify_journal(check);
}

}  // namespace tocsin::storage
