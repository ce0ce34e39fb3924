#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "storage/journal_chunk.h"
#include "storage/keys.h"
#include "storage/seen_ids_blob.h"
#include "storage/verify_rows.h"

// The journal, record by record, with its index and its ids.
namespace tocsin::storage {
namespace {

constexpr std::string_view kJournalCode = "T0532";
constexpr std::string_view kIdsCode = "T0533";

// An event as the journal has it.
struct EventHere {
  JournalSeq seq = 0;
  Store::SeenId id{};
  std::optional<ErasedEvent> erased{};
  bool has_id = false;  // of an erased one: its id is among the ids
};

class JournalCheck {
 public:
  explicit JournalCheck(RowCheck& check) : check_(check) {}

  void run() {
    check_.seen.first_seq = check_.counters.dropped_seq + 1;
    check_.seen.checkpoint_seq = check_.counters.checkpoint_seq;
    expected_ = check_.seen.first_seq;
    const bool whole = check_.scan(Table::kJournal, [this](auto key, auto value) {
      chunk(key, value);
      return true;
    });
    check_.seen.last_seq = expected_ - 1;
    if (whole && check_.has_counters) compare_counters();
    verify_index();
    verify_ids();
  }

 private:
  void damaged(Table table, std::string_view key, std::string what) {
    const bool is_ids = table == Table::kIds || table == Table::kIdsIndex;
    check_.damaged(is_ids ? kIdsCode : kJournalCode, place_of(table, key), std::move(what),
                   std::string(kRestore));
  }

  void chunk(std::string_view key, std::string_view value) {
    const JournalSeq first = keys::read_number(key);
    if (first != expected_) {
      damaged(Table::kJournal, key,
              first > expected_
                  ? fmt::format("records {} to {} are missing before it", expected_, first - 1)
                  : fmt::format("record {} was due", expected_));
    }
    const std::optional<std::string> row = check_.get(Table::kJournalIndex, key);
    ChunkRow indexed;
    const bool is_indexed = row && decode(*row, indexed);
    if (!is_indexed) {
      damaged(Table::kJournalIndex, key,
              row ? "its bytes make no sense" : "there is none, though the journal has the chunk");
    }
    const auto opened = JournalChunk::open(first, value, /*catalogue=*/nullptr);
    if (!opened) {
      damaged(Table::kJournal, key, opened.error().message);
      expected_ = first + (is_indexed ? indexed.records : 1);
      if (is_indexed) events_ += indexed.events;
      return;
    }
    const ChunkHeader& header = (*opened)->header();
    if (first == check_.seen.first_seq) check_.seen.first_committed = header.committed;
    if (is_indexed && (indexed.committed != header.committed || indexed.records != header.records ||
                       indexed.events != header.events)) {
      damaged(Table::kJournalIndex, key, "it does not agree with its chunk");
    }
    expected_ = header.last() + 1;
    events_ += header.events;
    records(key, **opened);
    check_.observer.progress("records", expected_ - check_.seen.first_seq,
                             check_.counters.last_seq + 1 - check_.seen.first_seq);
  }

  void records(std::string_view key, const JournalChunk& chunk) {
    const ChunkTables& tables = chunk.tables();
    std::vector<uint64_t> seeds;
    for (const auto& source : tables.sources) {
      seeds.push_back(hash128(tables.text(source.name)).low);
    }
    events_here_.clear();
    const Result<bool> read =
        chunk.read(chunk.first(), arena_, [&](const Store::JournalRecord& record) {
          if (record.control != nullptr) {
            check_.observer.on_control(record.seq, *record.control);
          } else if (record.erased != nullptr) {
            ++check_.seen.erased;
            events_here_.push_back({.seq = record.seq, .id = {}, .erased = *record.erased});
          } else {
            const Event& event = *record.event;
            const auto place = static_cast<size_t>(event.source);
            check_.observer.on_event(record.seq, tables.text(tables.sources[place].name), event);
            events_here_.push_back(
                {.seq = record.seq,
                 .id = {event_key(seeds[place], event.id), event.rev, event.time},
                 .erased = std::nullopt});
          }
          return true;
        });
    if (!read) return damaged(Table::kJournal, key, read.error().message);
    check_.seen.events += events_here_.size();
    if (events_here_.size() != chunk.header().events) {
      damaged(Table::kJournal, key,
              fmt::format("it says that it has {} events and has {}", chunk.header().events,
                          events_here_.size()));
    }
    compare_ids(key);
    tell_erased(key);
  }

  // With those of the chunk, where retention has left them.
  void compare_ids(std::string_view key) {
    const std::optional<std::string> blob = check_.get(Table::kIds, key);
    if (!blob) return;
    size_t at = 0;
    size_t wrong = 0;
    const Status status = read_seen_ids_blob(
        keys::read_number(key), *blob, kMinEventTime, [&](const Store::SeenId& id) {
          if (at == events_here_.size() || !agrees(events_here_[at++], id)) ++wrong;
        });
    if (!status) return;  // told with the ids
    wrong += events_here_.size() - at;
    if (wrong == 0) return;
    damaged(Table::kIds, key,
            fmt::format("of the {} events of its chunk, {} ids are not here, or not with that "
                        "revision and time",
                        events_here_.size(), wrong));
  }

  // An erased event takes over the id that is there.
  static bool agrees(EventHere& event, const Store::SeenId& id) {
    if (!event.erased) {
      return event.id.key == id.key && event.id.rev == id.rev && event.id.time == id.time;
    }
    event.id = id;
    event.has_id = true;
    const bool is_revision = event.erased->op != Operation::kAssert;
    return id.time == event.erased->day + std::chrono::hours(24) &&
           (!is_revision || id.key == event.erased->key);
  }

  void tell_erased(std::string_view key) {
    for (const EventHere& event : events_here_) {
      if (!event.erased) continue;
      std::optional<Hash128> id;
      if (event.erased->op != Operation::kAssert) id = event.erased->key;
      if (event.has_id) id = event.id.key;
      check_.observer.on_erased(event.seq, *event.erased, id);
      if (event.erased->day >= check_.erasure.before) {
        damaged(Table::kJournal, key,
                fmt::format("record {} was erased, and nothing else knows of it", event.seq));
      }
    }
  }

  void verify_index() {
    check_.scan(Table::kJournalIndex, [this](std::string_view key, std::string_view) {
      if (!check_.get(Table::kJournal, key)) {
        damaged(Table::kJournalIndex, key, "the journal has no such chunk");
      }
      return true;
    });
  }

  void verify_ids() {
    check_.scan(Table::kIds, [this](std::string_view key, std::string_view blob) {
      EventTime newest = kMinEventTime;
      const JournalSeq first = keys::read_number(key);
      const Status status =
          read_seen_ids_blob(first, blob, kMinEventTime, [&](const Store::SeenId& id) {
            newest = std::max(newest, id.time);
            ++check_.seen.ids;
          });
      if (!status) damaged(Table::kIds, key, status.error().message);
      const std::optional<std::string> row = check_.get(Table::kIdsIndex, key);
      ByteReader from(row ? std::string_view(*row) : std::string_view());
      const EventTime told = from_ms(from.little<int64_t>());
      if (status && (!row || !from.ok() || !from.at_end() || told != newest)) {
        damaged(Table::kIdsIndex, key,
                row ? "it does not agree with its ids" : "there is none, though there are ids");
      }
      if (first >= check_.seen.first_seq && !check_.get(Table::kJournal, key)) {
        damaged(Table::kIds, key, "the journal has no such chunk");
      }
      return true;
    });
    check_.scan(Table::kIdsIndex, [this](std::string_view key, std::string_view) {
      if (!check_.get(Table::kIds, key)) damaged(Table::kIdsIndex, key, "there are no such ids");
      return true;
    });
  }

  void compare_counters() {
    const Counters& counted = check_.counters;
    const auto wrong = [this](std::string what) {
      check_.damaged("T0534", place_of(Table::kMeta, keys::kCounters), std::move(what),
                     std::string(kRestore));
    };
    if (expected_ != counted.last_seq + 1) {
      wrong(fmt::format("{} records were committed, the journal ends at {}", counted.last_seq,
                        expected_ - 1));
    }
    if (counted.checkpoint_seq > counted.last_seq) {
      wrong(fmt::format("the checkpoint is {}, the last record {}", counted.checkpoint_seq,
                        counted.last_seq));
    }
    // What follows the checkpoint is read by recovery: retention never drops it.
    if (counted.dropped_seq > counted.checkpoint_seq) {
      wrong(fmt::format("records up to {} were dropped, though the checkpoint is {}",
                        counted.dropped_seq, counted.checkpoint_seq));
    }
    if (counted.journal_events != events_) {
      wrong(fmt::format("{} events were counted, {} are there", counted.journal_events, events_));
    }
  }

  RowCheck& check_;
  JournalSeq expected_ = 1;  // number of the next record
  uint64_t events_ = 0;
  Arena arena_;
  std::vector<EventHere> events_here_;  // of the chunk at hand
};

}  // namespace

void verify_journal(RowCheck& check) { JournalCheck(check).run(); }

}  // namespace tocsin::storage
