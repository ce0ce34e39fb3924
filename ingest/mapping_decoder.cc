#include "ingest/mapping_decoder.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>

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

bool read_number(std::string_view text, double& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && std::isfinite(number);
}

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void count(MappingCounts::ByReason& counts, std::string_view reason) {
  const auto found = counts.find(reason);
  if (found != counts.end()) {
    ++found->second;
  } else {
    counts.emplace(reason, 1);
  }
}

std::string_view kind_name(const cel::Value& value) {
  switch (value.kind()) {
    case cel::Kind::kNull:
      return "null";
    case cel::Kind::kBool:
      return "a bool";
    case cel::Kind::kInt:
    case cel::Kind::kUint:
      return "an int";
    case cel::Kind::kDouble:
      return "a double";
    case cel::Kind::kString:
      return "a text";
    case cel::Kind::kTimestamp:
      return "a timestamp";
    case cel::Kind::kList:
      return "a list";
    case cel::Kind::kMap:
      return "a map";
    case cel::Kind::kBytes:
    case cel::Kind::kDuration:
    case cel::Kind::kType:
      break;
  }
  return "another kind of value";
}

// Scalars as text; false for lists and the like.
bool to_text(const cel::Value& value, Arena& arena, std::string_view& text) {
  switch (value.kind()) {
    case cel::Kind::kString:
      text = value.text();
      return true;
    case cel::Kind::kInt:
      text = arena.copy(fmt::format("{}", value.integer()));
      return true;
    case cel::Kind::kUint:
      text = arena.copy(fmt::format("{}", value.unsigned_integer()));
      return true;
    case cel::Kind::kDouble:
      text = arena.copy(fmt::format("{}", value.real()));
      return true;
    case cel::Kind::kBool:
      text = value.boolean() ? "true" : "false";
      return true;
    case cel::Kind::kNull:
      text = {};
      return true;
    default:
      return false;
  }
}

// A table's text as the type that the indicator declares for the attr, where it can be read as
// that.
AttrValue as_declared(std::string_view text, AttrType type) {
  double number = 0;
  switch (type) {
    case AttrType::kString:
      break;
    case AttrType::kInt:
      // Tables that went through floating point write 3.0.
      if (read_number(text, number) && number == std::floor(number) && std::abs(number) < 9e15) {
        return static_cast<int64_t>(number);
      }
      break;
    case AttrType::kDouble:
      if (read_number(text, number)) return number;
      break;
    case AttrType::kBool:
      if (text == "true" || text == "1" || text == "1.0") return true;
      if (text == "false" || text == "0" || text == "0.0") return false;
      break;
  }
  return text;
}

}  // namespace

bool read_table_time(std::string_view text, EventTime& time) {
  if (read_event_time(text, time)) return true;
  if (text.size() == 7 && text[4] == '-') return read_event_time(fmt::format("{}-01", text), time);
  if (!all_digits(text)) return false;
  if (text.size() == 4) return read_event_time(fmt::format("{}-01-01", text), time);
  if (text.size() != 8 && text.size() != 14) return false;
  std::string written =
      fmt::format("{}-{}-{}", text.substr(0, 4), text.substr(4, 2), text.substr(6, 2));
  if (text.size() == 14) {
    written += fmt::format("T{}:{}:{}Z", text.substr(8, 2), text.substr(10, 2), text.substr(12, 2));
  }
  return read_event_time(written, time);
}

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

bool MappingDecoder::any_empty(const std::vector<std::string>& columns) const {
  return std::any_of(columns.begin(), columns.end(),
                     [&](const std::string& column) { return cell(column).empty(); });
}

bool MappingDecoder::evaluate(const MappedExpression& expression, std::string_view what,
                              Arena& arena, cel::Value& value) {
  if (!expression.program) {
    value = cel::Value::of_string(expression.word);
    return true;
  }
  for (const size_t let : expression.lets) {
    if (let_problems_[let].empty()) continue;
    return refuse(reasons::kBadExpression, fmt::format("{}: {}", what, let_problems_[let]));
  }
  const cel::Outcome outcome = expression.program->run(nullptr, variables_, arena);
  if (outcome.ok()) {
    value = outcome.value;
    return true;
  }
  return refuse(reasons::kBadExpression,
                fmt::format("{}: `{}` gives no value: {}{}{}; guard it with a condition, or mend "
                            "the row",
                            what, expression.program->source(), to_string(outcome.error),
                            outcome.detail.empty() ? "" : ", ", outcome.detail));
}

bool MappingDecoder::text_field(const std::optional<MappedExpression>& expression, Field field,
                                Arena& arena, std::string_view& out) {
  if (!expression) return true;
  cel::Value value;
  if (!evaluate(*expression, to_string(field), arena, value)) return false;
  if (!to_text(value, arena, out)) {
    return refuse(reasons::kWrongType, fmt::format("{}: is {}, not a text; convert it",
                                                   to_string(field), kind_name(value)));
  }
  if (!out.empty()) draft_.mark(field);
  return true;
}

bool MappingDecoder::number_field(const std::optional<MappedExpression>& expression, Field field,
                                  Arena& arena, double& out, bool* is_null) {
  if (!expression) return true;
  cel::Value value;
  if (!evaluate(*expression, to_string(field), arena, value)) return false;
  switch (value.kind()) {
    case cel::Kind::kNull:
      if (is_null != nullptr) *is_null = true;
      return true;
    case cel::Kind::kInt:
      out = static_cast<double>(value.integer());
      break;
    case cel::Kind::kUint:
      out = static_cast<double>(value.unsigned_integer());
      break;
    case cel::Kind::kDouble:
      out = value.real();
      break;
    case cel::Kind::kString:
      if (value.text().empty()) return true;
      if (!read_number(value.text(), out)) {
        return refuse(reasons::kBadValue,
                      fmt::format("{}: {} is no number; map it to one, or skip such rows",
                                  to_string(field), in_quotes(value.text())));
      }
      break;
    default:
      return refuse(reasons::kWrongType, fmt::format("{}: is {}, not a number; convert it",
                                                     to_string(field), kind_name(value)));
  }
  draft_.mark(field);
  return true;
}

bool MappingDecoder::whole_field(const std::optional<MappedExpression>& expression, Field field,
                                 Arena& arena, int64_t& out) {
  double number = 0;
  if (!number_field(expression, field, arena, number)) return false;
  if (!draft_.has(field)) return true;
  if (!(std::abs(number) <= kMaxValue) || number != std::floor(number)) {
    return refuse(reasons::kBadValue, fmt::format("{}: {} is no whole number; round it, or skip "
                                                  "such rows",
                                                  to_string(field), number));
  }
  out = static_cast<int64_t>(number);
  return true;
}

bool MappingDecoder::time_field(const std::optional<MappedExpression>& expression, Field field,
                                Arena& arena, EventTime& out) {
  if (!expression) return true;
  cel::Value value;
  if (!evaluate(*expression, to_string(field), arena, value)) return false;
  if (value.kind() == cel::Kind::kTimestamp) {
    out =
        EventTime{std::chrono::seconds{value.seconds()} + Milliseconds{value.nanos() / 1'000'000}};
    draft_.mark(field);
    return true;
  }
  std::string_view text;
  if (!to_text(value, arena, text)) {
    return refuse(reasons::kWrongType, fmt::format("{}: is {}, not a time; convert it",
                                                   to_string(field), kind_name(value)));
  }
  if (text.empty()) return true;
  if (!read_table_time(text, out)) {
    return refuse(reasons::kBadTime,
                  fmt::format("{}: {} is no time; give RFC 3339, 2011-03-18, 20110318, 2011-03 or "
                              "2011",
                              to_string(field), in_quotes(text)));
  }
  draft_.mark(field);
  return true;
}

bool MappingDecoder::list_field(const std::vector<MappedExpression>& expressions, Field field,
                                size_t most, Arena& arena, std::span<const std::string_view>& out) {
  if (expressions.empty()) return true;
  const std::span<std::string_view> kept = arena.array<std::string_view>(most);
  size_t held = 0;
  const auto add = [&](const cel::Value& value) {
    std::string_view text;
    if (!to_text(value, arena, text)) {
      return refuse(reasons::kWrongType, fmt::format("{}: an entry is {}, not a text; convert it",
                                                     to_string(field), kind_name(value)));
    }
    if (text.empty()) return true;
    if (held == most) {
      return refuse(reasons::kTooMany, fmt::format("{}: more than {} entries; send at most {}",
                                                   to_string(field), most, most));
    }
    kept[held++] = text;
    return true;
  };
  for (const MappedExpression& expression : expressions) {
    cel::Value value;
    if (!evaluate(expression, to_string(field), arena, value)) return false;
    if (value.kind() == cel::Kind::kList) {
      for (const cel::Value& item : value.items()) {
        if (!add(item)) return false;
      }
    } else if (!add(value)) {
      return false;
    }
  }
  out = kept.first(held);
  return true;
}

bool MappingDecoder::attr_fields(const EventTemplate& event, Arena& arena) {
  const Symbols& symbols = validator_.symbols();
  const auto indicator = symbols.indicators().find(draft_.indicator);
  const std::vector<AttrDeclaration>* declared =
      indicator == symbols.indicators().end()
          ? nullptr
          : &symbols.catalogue().indicator(indicator->second).attrs;
  for (const auto& [name, expression] : event.attrs) {
    cel::Value value;
    if (!evaluate(expression, name, arena, value)) return false;
    Attr attr{.key = name, .slot = kUndeclaredAttr, .value = {}};
    switch (value.kind()) {
      case cel::Kind::kNull:
        continue;
      case cel::Kind::kBool:
        attr.value = value.boolean();
        break;
      case cel::Kind::kInt:
        attr.value = value.integer();
        break;
      case cel::Kind::kDouble:
        attr.value = value.real();
        break;
      case cel::Kind::kString: {
        if (value.text().empty()) continue;
        attr.value = value.text();
        if (declared == nullptr) break;
        const auto found = std::find_if(declared->begin(), declared->end(),
                                        [&](const auto& d) { return d.name == name; });
        if (found != declared->end()) attr.value = as_declared(value.text(), found->type);
        break;
      }
      default:
        return refuse(
            reasons::kAttrType,
            fmt::format("attrs.{}: is {}; give a text, number or bool", name, kind_name(value)));
    }
    draft_.attrs.push_back(attr);
  }
  return true;
}

// An empty cell is a value that is not known, not an error, also where it went through double().
// A null says that the event has no value and is to be kept.
MappingDecoder::TemplateEnd MappingDecoder::value_field(const EventTemplate& event, Arena& arena) {
  if (!event.value) return TemplateEnd::kEvent;
  bool is_null = false;
  if (!number_field(event.value, Field::kValue, arena, draft_.value, &is_null)) {
    const bool unknown =
        rejection_.reason == reasons::kBadExpression && any_empty(event.value->columns);
    return unknown ? TemplateEnd::kSkipped : TemplateEnd::kRejected;
  }
  return draft_.has(Field::kValue) || is_null ? TemplateEnd::kEvent : TemplateEnd::kSkipped;
}

MappingDecoder::TemplateEnd MappingDecoder::make_event(const EventTemplate& event, Arena& arena,
                                                       Event& made) {
  draft_.clear();
  draft_.source = mapping_->source;
  draft_.mark(Field::kSource);
  if (!text_field(event.indicator, Field::kIndicator, arena, draft_.indicator)) {
    return TemplateEnd::kRejected;
  }
  variables_[kIndicatorSlot] = cel::Value::of_string(draft_.indicator);
  if (event.when) {
    cel::Value held;
    if (!evaluate(*event.when, "when", arena, held)) return TemplateEnd::kRejected;
    if (held.kind() != cel::Kind::kBool || !held.boolean()) return TemplateEnd::kNotMeant;
  }
  const TemplateEnd valued = value_field(event, arena);
  if (valued != TemplateEnd::kEvent) return valued;
  const bool read =
      text_field(event.id, Field::kId, arena, draft_.id) &&
      text_field(event.region, Field::kRegion, arena, draft_.region) &&
      text_field(event.unit, Field::kUnit, arena, draft_.unit) &&
      text_field(event.tlp, Field::kTlp, arena, draft_.tlp) &&
      text_field(event.time_precision, Field::kTimePrecision, arena, draft_.time_precision) &&
      time_field(event.time, Field::kTime, arena, draft_.time) &&
      time_field(event.time_end, Field::kTimeEnd, arena, draft_.time_end) &&
      number_field(event.confidence, Field::kConfidence, arena, draft_.confidence) &&
      number_field(event.lat, Field::kLat, arena, draft_.lat) &&
      number_field(event.lon, Field::kLon, arena, draft_.lon) &&
      whole_field(event.geo_precision, Field::kGeoPrecision, arena, draft_.geo_precision) &&
      list_field(event.actors, Field::kActors, kMaxActors, arena, draft_.actors) &&
      list_field(event.tags, Field::kTags, kMaxTags, arena, draft_.tags) &&
      attr_fields(event, arena);
  if (!read) return TemplateEnd::kRejected;
  if (mapping_->lag && draft_.has(Field::kTime)) {
    draft_.time = apply_lag(draft_.time, *mapping_->lag);
  }
  return validator_.finish(draft_, arena, made, rejection_) ? TemplateEnd::kEvent
                                                            : TemplateEnd::kRejected;
}

}  // namespace tocsin::ingest
