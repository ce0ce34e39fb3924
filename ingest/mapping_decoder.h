#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/event_draft.h"
#include "ingest/json_row.h"
#include "ingest/record_decoder.h"
#include "ingest/source_mapping.h"

namespace tocsin::ingest {

// What became of the rows of one stream. rows = rows_with_events + rows_skipped + rows_rejected;
// rows_skipped is the sum of `skipped`, rows_rejected that of `rejected`.
struct MappingCounts {
  using ByReason = std::map<std::string, uint64_t, std::less<>>;
  uint64_t rows = 0;
  uint64_t rows_with_events = 0;  // and no rejection
  uint64_t rows_skipped = 0;
  uint64_t rows_rejected = 0;  // one rejection is told a row, the first
  uint64_t events = 0;         // a row can give several, also one that is rejected in part
  ByReason skipped;
  ByReason rejected;
  // Event templates that gave nothing although their `when` held, by reason; rows not counted.
  ByReason templates_skipped;
  ByReason templates_rejected;
};

// Rows of a published table → events, through a SourceMapping.
//
// A row tells each of its events, then at most one rejection (with the whole row as its raw bytes);
// a row without events is told as one skip or one rejection. Position of a row is its record number
// in the stream; a header in the file counts as one.
// Thread-safety: one thread at a time; one decoder a file, since it keeps the header.
class MappingDecoder final : public RecordDecoder {
 public:
  MappingDecoder(std::shared_ptr<const SourceMapping> mapping,
                 std::shared_ptr<const CurrentSymbols> symbols);

  void decode(std::string_view bytes, int64_t first_position, Arena& arena,
              DecodedSink& sink) override;

  // For a reader that goes on in the middle of a file: its first record, with or without line end.
  // Call before the first decode().
  void adopt_header(std::string_view record);

  const MappingCounts& counts() const { return counts_; }
  const SourceMapping& mapping() const { return *mapping_; }

 private:
  enum class TemplateEnd : uint8_t { kEvent, kNotMeant, kSkipped, kRejected };

  void take_columns(const std::vector<std::string>& names);
  // False: the row cannot be read, `rejection_` says why.
  bool read_row(std::string_view row, Arena& arena);
  void take_members(Arena& arena);
  bool is_marked() const;
  void tell_row(std::string_view row, int64_t position, Arena& arena, DecodedSink& sink);
  void reject_row(std::string_view row, int64_t position, Arena& arena, DecodedSink& sink);
  void skip_row(std::string_view row, int64_t position, std::string_view reason, DecodedSink& sink);
  void evaluate_lets(Arena& arena);
  TemplateEnd make_event(const EventTemplate& event, Arena& arena, Event& made);

  // Value of an expression; false with the rejection set.
  bool evaluate(const MappedExpression& expression, std::string_view what, Arena& arena,
                cel::Value& value);
  bool any_empty(const std::vector<std::string>& columns) const;
  std::string_view cell(std::string_view column) const;

  bool text_field(const std::optional<MappedExpression>& expression, Field field, Arena& arena,
                  std::string_view& out);
  bool number_field(const std::optional<MappedExpression>& expression, Field field, Arena& arena,
                    double& out, bool* is_null = nullptr);
  bool whole_field(const std::optional<MappedExpression>& expression, Field field, Arena& arena,
                   int64_t& out);
  bool time_field(const std::optional<MappedExpression>& expression, Field field, Arena& arena,
                  EventTime& out);
  bool list_field(const std::vector<MappedExpression>& expressions, Field field, size_t most,
                  Arena& arena, std::span<const std::string_view>& out);
  bool attr_fields(const EventTemplate& event, Arena& arena);
  TemplateEnd value_field(const EventTemplate& event, Arena& arena);
  bool refuse(std::string_view reason, std::string message);

  const std::shared_ptr<const SourceMapping> mapping_;
  EventValidator validator_;
  CsvReader reader_;
  JsonRowReader json_rows_;
  bool has_columns_ = false;
  std::string header_problem_;         // the header lacks a column that the mapping reads
  std::vector<std::string> columns_;   // of the file
  std::vector<std::string> names_;     // keys of entries_
  std::vector<size_t> entry_of_cell_;  // index in entries_, or npos
  std::vector<cel::Entry> entries_;    // of a CSV row, sorted by key
  std::span<const cel::Entry> row_;    // the row being read: entries_, or in the arena
  std::vector<std::string_view> cells_;
  JsonRowReader::Cells members_;
  std::vector<cel::Value> variables_;
  std::vector<std::string> let_problems_;  // empty: the let has a value
  EventDraft draft_;
  Rejection rejection_;
  MappingCounts counts_;
};

}  // namespace tocsin::ingest
