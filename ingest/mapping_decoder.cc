#include "ingest/mapping_decoder.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "ingest/event_decoder.h"
#include "ingest/reasons.h"
#include "rules/model/utf8.h"

namespace tocsin::ingest {
namespace {

constexpr size_t kNoEntry = static_cast<size_t>(-1);

std::string_view without_line_end(std::string_view record) {
  if (record.ends_with('\n')) record.remove_suffix(1);
  if (record.ends_with('\r')) record.remove_suffix(1);
  return record;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

void count(MappingCounts::ByReason& counts, std::string_view reason) {
  const auto found = counts.find(reason);
  if (found != counts.end()) {
    ++found->second;
  } else {
    counts.emplace(reason, 1);
  }
}

}  // namespace

MappingDecoder::MappingDecoder(std::shared_ptr<const SourceMapping> mapping,
                               std::shared_ptr<const CurrentSymbols> symbols)
    : mapping_(std::move(mapping)), validator_(std::move(symbols)), reader_(mapping_->csv) {
  variables_.resize(kFirstMapSlot);
  variables_.insert(variables_.end(), mapping_->value_map_values.begin(),
                    mapping_->value_map_values.end());
  variables_.resize(variables_.size() + mapping_->lets.size());
  let_problems_.resize(mapping_->lets.size());
  if (!mapping_->header_in_file) take_columns(mapping_->columns);
}

void MappingDecoder::take_columns(const std::vector<std::string>& names) {
  has_columns_ = true;
  columns_ = names;
  names_ = mapping_->used_columns;
  if (mapping_->whole_row) names_.insert(names_.end(), names.begin(), names.end());
  std::sort(names_.begin(), names_.end());
  names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
  entries_.clear();
  for (const std::string& name : names_) {
    entries_.push_back({cel::Value::of_string(name), cel::Value::of_string("")});
  }
  row_ = entries_;
  entry_of_cell_.assign(columns_.size(), kNoEntry);
  for (size_t i = 0; i < columns_.size(); ++i) {
    const auto found = std::lower_bound(names_.begin(), names_.end(), columns_[i]);
    if (found == names_.end() || *found != columns_[i]) continue;
    entry_of_cell_[i] = static_cast<size_t>(found - names_.begin());
  }
  if (mapping_->format == TableFormat::kNdjson) return;
  for (const std::string& name : mapping_->used_columns) {
    const auto times = std::count(columns_.begin(), columns_.end(), name);
    if (times == 1 || !header_problem_.empty()) continue;
    const std::string nearest = nearest_name(name, columns_);
    header_problem_ = fmt::format(
        "header: column {} is there {} times; {}read the file with the mapping made for it",
        in_quotes(name), times,
        nearest.empty() ? "" : fmt::format("did you mean \"{}\"? ", nearest));
  }
}

void MappingDecoder::adopt_header(std::string_view record) {
  if (!mapping_->header_in_file || has_columns_) return;
  record = without_mark(without_line_end(record));
  Arena arena(4096);
  std::vector<std::string_view> cells;
  std::string problem;
  if (!reader_.read(record, arena, cells, problem)) {
    header_problem_ = fmt::format("header: {}; mend the file's first row", problem);
  }
  take_columns({cells.begin(), cells.end()});
}

void MappingDecoder::decode(std::string_view bytes, int64_t first_position, Arena& arena,
                            DecodedSink& sink) {
  validator_.refresh();
  const Framing framing = mapping_->framing();
  for (int64_t position = first_position; !bytes.empty(); ++position) {
    const size_t length = first_record_at_end(bytes, framing);
    const std::string_view row = without_line_end(bytes.substr(0, length));
    bytes.remove_prefix(length);
    if (!has_columns_) {
      adopt_header(row);
    } else if (!is_blank(without_mark(row))) {
      ++counts_.rows;
      if (read_row(without_mark(row), arena)) {
        tell_row(row, position, arena, sink);
      } else {
        reject_row(row, position, arena, sink);
      }
    }
  }
}

bool MappingDecoder::refuse(std::string_view reason, std::string message) {
  rejection_.reason = reason;
  rejection_.message = std::move(message);
  return false;
}

bool MappingDecoder::read_row(std::string_view row, Arena& arena) {
  if (!header_problem_.empty()) return refuse(reasons::kBadHeader, header_problem_);
  if (row.size() > kMaxRecordBytes) {
    return refuse(reasons::kTooLarge,
                  fmt::format("row: {} bytes; send at most {}", row.size(), kMaxRecordBytes));
  }
  if (!simdjson::validate_utf8(row.data(), row.size())) {
    return refuse(reasons::kBadUtf8,
                  fmt::format("row (byte {}): is not UTF-8; convert the file to that encoding",
                              first_bad_utf8(row)));
  }
  std::string problem;
  if (mapping_->format == TableFormat::kNdjson) {
    if (!json_rows_.read(row, arena, members_, problem)) {
      return refuse(reasons::kBadRow, fmt::format("row: {}; send one object a line", problem));
    }
    take_members(arena);
    return true;
  }
  for (cel::Entry& entry : entries_) entry.value = cel::Value::of_string("");
  if (!reader_.read(row, arena, cells_, problem)) {
    return refuse(reasons::kBadRow, fmt::format("row: {}; mend it, or set `quoting: off` when "
                                                "quotes mean nothing in this file",
                                                problem));
  }
  if (cells_.size() != columns_.size()) {
    return refuse(reasons::kBadRow,
                  fmt::format("row: has {} cells, but there are {} columns; quote cells that hold "
                              "the delimiter",
                              cells_.size(), columns_.size()));
  }
  for (size_t i = 0; i < cells_.size(); ++i) {
    if (entry_of_cell_[i] != kNoEntry) {
      entries_[entry_of_cell_[i]].value = cel::Value::of_string(cells_[i]);
    }
  }
  return true;
}

// Every row has its own names, and events keep texts of it: all of it lives in the arena.
void MappingDecoder::take_members(Arena& arena) {
  const std::vector<std::string>& used = mapping_->used_columns;
  const std::span<cel::Entry> row = arena.array<cel::Entry>(used.size() + members_.size());
  size_t count = 0;
  for (const std::string& name : used) {
    row[count++] = {cel::Value::of_string(name), cel::Value::of_string("")};
  }
  for (const auto& [name, text] : members_) {
    if (!mapping_->whole_row && !std::binary_search(used.begin(), used.end(), name)) continue;
    row[count++] = {cel::Value::of_string(name), cel::Value::of_string(text)};
  }
  const auto less = [](const cel::Entry& a, const cel::Entry& b) {
    return a.key.text() < b.key.text();
  };
  std::stable_sort(row.begin(), row.begin() + static_cast<ptrdiff_t>(count), less);
  // Of a name that is there more than once the last counts.
  size_t kept = 0;
  for (size_t i = 0; i < count; ++i) {
    if (kept != 0 && row[kept - 1].key.text() == row[i].key.text()) --kept;
    row[kept++] = row[i];
  }
  row_ = row.first(kept);
}

// The first cell that is not empty begins with the mark: HXL puts its hashtags under the header.
bool MappingDecoder::is_marked() const {
  if (mapping_->skip_rows_starting_with.empty()) return false;
  const auto first = std::find_if(cells_.begin(), cells_.end(),
                                  [](std::string_view cell) { return !cell.empty(); });
  return first != cells_.end() && first->starts_with(mapping_->skip_rows_starting_with);
}

void MappingDecoder::reject_row(std::string_view row, int64_t position, Arena& arena,
                                DecodedSink& sink) {
  ++counts_.rows_rejected;
  count(counts_.rejected, rejection_.reason);
  rejection_.message += fmt::format(" (mapping {})", mapping_->name);
  tell_rejection(row, position, rejection_, arena, sink);
}

void MappingDecoder::skip_row(std::string_view row, int64_t position, std::string_view reason,
                              DecodedSink& sink) {
  ++counts_.rows_skipped;
  count(counts_.skipped, reason);
  tell_skip(row, position, reason, sink);
}

void MappingDecoder::evaluate_lets(Arena& arena) {
  const size_t first = kFirstMapSlot + mapping_->value_maps.size();
  for (size_t i = 0; i < mapping_->lets.size(); ++i) {
    const auto& [name, let] = mapping_->lets[i];
    let_problems_[i].clear();
    if (!evaluate(let, name, arena, variables_[first + i])) let_problems_[i] = rejection_.message;
  }
}

void MappingDecoder::tell_row(std::string_view row, int64_t position, Arena& arena,
                              DecodedSink& sink) {
  if (is_marked()) {
    skip_row(row, position, reasons::kMarkedRow, sink);
    return;
  }
  variables_[kRowSlot] = cel::Value::of_map(row_);
  variables_[kIndicatorSlot] = cel::Value::of_string("");
  evaluate_lets(arena);
  for (const SkipRule& skip : mapping_->skips) {
    cel::Value held;
    if (!evaluate(skip.when, "skip", arena, held)) {
      reject_row(row, position, arena, sink);
      return;
    }
    if (held.kind() == cel::Kind::kBool && held.boolean()) {
      skip_row(row, position, skip.reason, sink);
      return;
    }
  }
  size_t events = 0;
  size_t rejected = 0;
  bool lacks_value = false;
  Rejection first_rejection;
  for (const EventTemplate& event : mapping_->events) {
    Decoded told;
    switch (make_event(event, arena, told.event)) {
      case TemplateEnd::kEvent:
        told.verdict = Verdict::kEvent;
        told.position = position;
        told.raw = row;
        ++events;
        ++counts_.events;
        sink.on_record(told);
        break;
      case TemplateEnd::kNotMeant:
        break;
      case TemplateEnd::kSkipped:
        lacks_value = true;
        count(counts_.templates_skipped, reasons::kNoValue);
        break;
      case TemplateEnd::kRejected:
        count(counts_.templates_rejected, rejection_.reason);
        if (rejected++ == 0) {
          first_rejection = {rejection_.reason,
                             fmt::format("{}.{}", event.label, rejection_.message)};
        }
        break;
    }
  }
  if (rejected != 0) {
    rejection_ = std::move(first_rejection);
    if (rejected > 1) rejection_.message += fmt::format("; {} more of its events", rejected - 1);
    reject_row(row, position, arena, sink);
  } else if (events != 0) {
    ++counts_.rows_with_events;
  } else {
    skip_row(row, position, lacks_value ? reasons::kNoValue : reasons::kNoTemplate, sink);
  }
}

std::string_view MappingDecoder::cell(std::string_view column) const {
  const auto found = std::lower_bound(
      row_.begin(), row_.end(), column,
      [](const cel::Entry& entry, std::string_view name) { return entry.key.text() < name; });
  return found == row_.end() || found->key.text() != column ? std::string_view()
                                                            : found->value.text();
}

}  // namespace tocsin::ingest
