#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/csv_reader.h"
#include "ingest/record_splitter.h"
#include "rules/cel/program.h"
#include "rules/cel/value.h"
#include "rules/model/catalogue.h"
#include "rules/model/diagnostic.h"
#include "rules/model/time.h"

namespace tocsin::ingest {

enum class TableFormat : uint8_t { kCsv, kTsv, kNdjson };

// An expression of a mapping, or a plain word where the format allows one.
struct MappedExpression {
  std::optional<cel::Program> program;  // nullopt: `word` is the value
  std::string word;
  std::vector<std::string> columns;  // of the row, that it names
  std::vector<size_t> lets;          // that it names, by number
};

// One event that a row can give.
struct EventTemplate {
  std::string label;  // "events[0]", for messages
  std::optional<MappedExpression> when;
  std::optional<MappedExpression> id, indicator, region, time, time_end, time_precision, value,
      unit, confidence, tlp, geo_precision, lat, lon;
  std::vector<MappedExpression> actors, tags;
  std::vector<std::pair<std::string, MappedExpression>> attrs;
};

struct SkipRule {
  MappedExpression when;
  std::string reason;
};

// How much later than its own date a row could be known.
struct PublicationLag {
  Span span;                                        // added, or
  std::optional<std::chrono::month_day> next_year;  // that day of the year after
};
EventTime apply_lag(EventTime time, const PublicationLag& lag);

// A published table's way into event/1 (format mapping/1; ingest/README.md has the guide).
// Thread-safety: immutable after construction.
struct SourceMapping {
  std::string name;
  std::string source;
  TableFormat format = TableFormat::kCsv;
  CsvFormat csv;
  bool header_in_file = true;
  std::vector<std::string> columns;  // given in the mapping when the file has no header
  std::string skip_rows_starting_with;
  std::optional<PublicationLag> lag;
  std::vector<SkipRule> skips;
  std::vector<EventTemplate> events;

  // What ends a row.
  Framing framing() const {
    return {.has_quotes = format != TableFormat::kNdjson && csv.quoting,
            .delimiter = csv.delimiter};
  }

  // Variables of the expressions, in slot order: row, indicator, the value maps, the lets.
  std::vector<std::string> value_maps;
  std::vector<cel::Value> value_map_values;  // into texts_ and entries_
  std::vector<std::pair<std::string, MappedExpression>> lets;

  // Columns that some expression names; `whole_row` when one uses `row` in another way.
  std::vector<std::string> used_columns;
  bool whole_row = false;

  std::vector<std::unique_ptr<std::string>> texts_;
  std::vector<std::unique_ptr<std::vector<cel::Entry>>> entries_;
};
inline constexpr size_t kRowSlot = 0;
inline constexpr size_t kIndicatorSlot = 1;
inline constexpr size_t kFirstMapSlot = 2;

// Reads a mapping strictly and adds everything that is wrong to `diagnostics` (codes T04xx). With
// a catalogue the source and plain indicator names are checked too. nullptr when it cannot be used.
std::shared_ptr<const SourceMapping> load_mapping(const std::string& path,
                                                  const Catalogue* catalogue,
                                                  Diagnostics& diagnostics);
std::shared_ptr<const SourceMapping> parse_mapping(std::string_view text, const std::string& file,
                                                   const Catalogue* catalogue,
                                                   Diagnostics& diagnostics);

}  // namespace tocsin::ingest
