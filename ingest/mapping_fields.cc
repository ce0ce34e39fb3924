// Expressions of a mapping over one row → the fields of an event.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ingest/mapping_decoder.h"
#include "ingest/reasons.h"
#include "ingest/table_values.h"

namespace tocsin::ingest {

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
        const auto found = std::find_if(
            declared->begin(), declared->end(),
            [wanted = std::string_view(name)](const auto& d) { return d.name == wanted; });
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
