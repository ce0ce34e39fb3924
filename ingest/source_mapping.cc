#include "ingest/source_mapping.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "ingest/row_columns.h"
#include "rules/yaml/document.h"

namespace tocsin::ingest {
namespace {

using yaml::Node;

constexpr size_t kMaxSkips = 64;
constexpr size_t kMaxTemplates = 256;

bool is_identifier(std::string_view text) {
  return !text.empty() && !(text.front() >= '0' && text.front() <= '9') &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_';
         });
}

// Fit for a metric label.
bool is_reason(std::string_view text) {
  return !text.empty() && text.size() <= 40 && text.front() >= 'a' && text.front() <= 'z' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

// "violence.state_based": words with dots between, as indicators are named.
bool is_dotted_name(std::string_view text) {
  return text.find('.') != std::string_view::npos && text.front() != '.' && text.back() != '.' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
         });
}

std::string hint_for(std::string_view word, const std::vector<std::string>& names) {
  const std::string nearest = nearest_name(word, names);
  return nearest.empty() ? std::string() : fmt::format("did you mean `{}`?", nearest);
}

// Reads one mapping document; keeps going after an error, so that all are told. Made before the
// text is parsed: what is wrong with that alone, as a key that stands twice, counts too.
class MappingLoader {
 public:
  MappingLoader(const Catalogue* catalogue, Diagnostics& diagnostics)
      : catalogue_(catalogue), diagnostics_(diagnostics), errors_before_(diagnostics.errors()) {}

  std::shared_ptr<const SourceMapping> load(const Node& root) {
    if (!root.is_mapping()) {
      error("T0401", root.place, "a mapping file is a mapping of keys",
            "begin with `tocsin: mapping/1`");
      return nullptr;
    }
    yaml::refuse_unknown_keys(
        root,
        {"tocsin", "name", "title", "source", "format", "header", "quoting",
         "skip_rows_starting_with", "let", "skip", "values", "publication_lag", "common", "events"},
        "a mapping", diagnostics_);
    read_head(root);
    read_values(root.find("values"));
    read_lag(root.find("publication_lag"));
    declare_variables();
    read_lets(root.find("let"));
    read_skips(root.find("skip"));
    read_events(root);
    check_columns(root);
    if (diagnostics_.errors() != errors_before_) return nullptr;
    return mapping_;
  }

 private:
  void error(std::string code, const Place& place, std::string message, std::string hint = {}) {
    diagnostics_.error(std::move(code), place, std::move(message), std::move(hint));
  }

  std::string required_text(const Node& root, std::string_view key) {
    const Node* const node = root.find(key);
    if (node == nullptr) {
      error("T0402", root.place, fmt::format("`{}` is missing", key));
      return {};
    }
    const auto text = yaml::as_text(*node, fmt::format("`{}`", key), diagnostics_);
    return text.value_or("");
  }

  void read_head(const Node& root) {
    const std::string version = required_text(root, "tocsin");
    if (!version.empty() && version != "mapping/1") {
      error("T0403", root.find("tocsin")->place,
            fmt::format("`{}` is not a format that is known here", version), "write `mapping/1`");
    }
    mapping_->name = required_text(root, "name");
    mapping_->source = required_text(root, "source");
    check_source(root);
    read_format(root);
    read_header(root);
    if (const Node* const node = root.find("skip_rows_starting_with")) {
      mapping_->skip_rows_starting_with =
          yaml::as_text(*node, "`skip_rows_starting_with`", diagnostics_).value_or("");
      if (mapping_->format == TableFormat::kNdjson) {
        error("T0405", node->place, "ndjson has no first cell to look at",
              "take `skip_rows_starting_with` out; `skip` can look at a member");
      }
    }
  }

  void check_source(const Node& root) {
    if (catalogue_ == nullptr || mapping_->source.empty()) return;
    if (catalogue_->find_source(mapping_->source)) return;
    std::vector<std::string> names;
    for (const Source& source : catalogue_->sources()) names.push_back(source.name);
    error("T0404", root.find("source")->place,
          fmt::format("source `{}` is not in the catalogue", mapping_->source),
          hint_for(mapping_->source, names));
  }

  void read_format(const Node& root) {
    const std::string format = required_text(root, "format");
    if (format == "csv") {
      mapping_->format = TableFormat::kCsv;
    } else if (format == "tsv") {
      mapping_->format = TableFormat::kTsv;
      mapping_->csv.delimiter = '\t';
    } else if (format == "ndjson") {
      mapping_->format = TableFormat::kNdjson;
    } else if (!format.empty()) {
      error("T0405", root.find("format")->place, fmt::format("format `{}` is not known", format),
            "use csv, tsv or ndjson");
    }
    const Node* const quoting = root.find("quoting");
    if (quoting == nullptr) return;
    const auto word = yaml::as_text(*quoting, "`quoting`", diagnostics_).value_or("on");
    if (word != "on" && word != "off") {
      error("T0406", quoting->place, fmt::format("quoting `{}` is not known", word),
            "use on or off");
    }
    mapping_->csv.quoting = word == "on";
  }

  void read_header(const Node& root) {
    const Node* const header = root.find("header");
    if (mapping_->format == TableFormat::kNdjson) {
      mapping_->header_in_file = false;
      if (header != nullptr) {
        error("T0407", header->place, "ndjson has no header", "take `header` out");
      }
      return;
    }
    if (header == nullptr || (header->is_scalar() && header->scalar == "true")) return;
    if (!header->is_sequence()) {
      error("T0407", header->place, "`header` is neither true nor a list of column names",
            "write `header: true` when the file's first row names the columns");
      return;
    }
    mapping_->header_in_file = false;
    mapping_->columns =
        yaml::as_texts(*header, "`header`", diagnostics_).value_or(std::vector<std::string>());
    const std::set<std::string> unique(mapping_->columns.begin(), mapping_->columns.end());
    if (unique.size() != mapping_->columns.size()) {
      error("T0407", header->place, "two columns have the same name");
    }
  }

  std::string_view keep(std::string text) {
    mapping_->texts_.push_back(std::make_unique<std::string>(std::move(text)));
    return *mapping_->texts_.back();
  }

  void read_values(const Node* values) {
    if (values == nullptr) return;
    if (!values->is_mapping()) {
      error("T0408", values->place, "`values` is a mapping of names to tables");
      return;
    }
    for (const Node::Entry& entry : values->entries) {
      if (!is_identifier(entry.key) || entry.key == "row" || entry.key == "indicator") {
        error("T0408", entry.key_place, fmt::format("`{}` cannot name a value map", entry.key),
              "use letters, digits and _, and neither `row` nor `indicator`");
        continue;
      }
      if (!entry.value.is_mapping()) {
        error("T0408", entry.value.place,
              fmt::format("value map `{}` is not a mapping of text to text", entry.key));
        continue;
      }
      std::vector<std::pair<std::string, std::string>> pairs;
      for (const Node::Entry& item : entry.value.entries) {
        const auto text = yaml::as_text(item.value, fmt::format("`{}`", item.key), diagnostics_);
        if (text) pairs.emplace_back(item.key, *text);
      }
      std::sort(pairs.begin(), pairs.end());
      auto entries = std::make_unique<std::vector<cel::Entry>>();
      for (auto& [key, value] : pairs) {
        const auto key_value = cel::Value::of_string(keep(std::move(key)));
        entries->push_back({key_value, cel::Value::of_string(keep(std::move(value)))});
      }
      mapping_->value_maps.push_back(entry.key);
      mapping_->value_map_values.push_back(cel::Value::of_map(*entries));
      mapping_->entries_.push_back(std::move(entries));
    }
  }

  void read_lag(const Node* node) {
    if (node == nullptr) return;
    PublicationLag lag;
    if (node->is_mapping()) {
      yaml::refuse_unknown_keys(*node, {"until"}, "`publication_lag`", diagnostics_);
      const Node* const until = node->find("until");
      if (until != nullptr && until->is_scalar()) {
        // Read as a date of a leap year: 02-29 is a day.
        const auto date = parse_time("2000-" + until->scalar);
        if (date && until->scalar.size() == 5) {
          const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(*date)};
          lag.next_year = std::chrono::month_day{day.month(), day.day()};
        }
      }
    } else if (node->is_scalar()) {
      if (const auto span = parse_span(node->scalar)) lag.span = *span;
    }
    if (lag.span.is_zero() && !lag.next_year) {
      error("T0409", node->place, "`publication_lag` is neither a span nor a day of the next year",
            "write `90d`, or `{until: 04-01}` for 1 April of the year after");
      return;
    }
    mapping_->lag = lag;
  }

  void declare_variables() {
    const cel::Type text_map = cel::Type::map(cel::Type::Tag::kString, cel::Type::Tag::kString);
    environment_.catalogue = catalogue_;
    environment_.variables.push_back({"row", text_map});
    environment_.variables.push_back({"indicator", cel::Type::Tag::kString});
    for (const std::string& name : mapping_->value_maps) {
      environment_.variables.push_back({name, text_map});
    }
  }

  std::optional<MappedExpression> expression(const Node& node, std::string_view what) {
    if (!node.is_scalar()) {
      error("T0410", node.place, fmt::format("{} is not an expression", what),
            "write one CEL expression, in quotes when it holds `: ` or ` #`");
      return std::nullopt;
    }
    MappedExpression mapped;
    mapped.program = cel::Program::compile(node.raw, node.places, environment_, diagnostics_);
    if (!mapped.program) return std::nullopt;
    RowColumns columns = row_columns(*mapped.program);
    mapping_->whole_row = mapping_->whole_row || columns.whole_row;
    for (const std::string& column : columns.names) used_.emplace(column, node.place);
    mapped.columns = std::move(columns.names);
    for (size_t i = 0; i < mapping_->lets.size(); ++i) {
      if (mapped.program->analysis().variables.contains(mapping_->lets[i].first)) {
        const MappedExpression& let = mapping_->lets[i].second;
        mapped.lets.push_back(i);
        mapped.columns.insert(mapped.columns.end(), let.columns.begin(), let.columns.end());
      }
    }
    return mapped;
  }

  std::optional<MappedExpression> condition(const Node& node, std::string_view what) {
    auto mapped = expression(node, what);
    if (!mapped) return std::nullopt;
    const cel::Type::Tag tag = mapped->program->type().tag();
    if (tag != cel::Type::Tag::kBool && tag != cel::Type::Tag::kDyn) {
      error("T0411", node.place,
            fmt::format("{} is {}, not a bool", what, cel::to_string(mapped->program->type())),
            "compare it with something");
      return std::nullopt;
    }
    return mapped;
  }

  void read_lets(const Node* lets) {
    if (lets == nullptr) return;
    if (!lets->is_mapping()) {
      error("T0412", lets->place, "`let` is a mapping of names to expressions");
      return;
    }
    for (const Node::Entry& entry : lets->entries) {
      const auto taken = [&](const cel::Variable& variable) { return variable.name == entry.key; };
      if (!is_identifier(entry.key) ||
          std::any_of(environment_.variables.begin(), environment_.variables.end(), taken)) {
        error("T0412", entry.key_place,
              fmt::format("`{}` cannot be the name of a `let`", entry.key),
              "use letters, digits and _, and no name that is taken");
        continue;
      }
      auto mapped = expression(entry.value, fmt::format("`let.{}`", entry.key));
      // Known even when wrong, so that its users are not told as errors too.
      const cel::Type type = mapped ? mapped->program->type() : cel::Type(cel::Type::Tag::kDyn);
      if (mapped) {
        mapping_->lets.emplace_back(entry.key, std::move(*mapped));
      } else {
        mapping_->lets.emplace_back(entry.key, MappedExpression{});
      }
      environment_.variables.push_back({entry.key, type});
    }
  }

  void read_skips(const Node* skips) {
    if (skips == nullptr) return;
    if (!skips->is_sequence() || skips->items.size() > kMaxSkips) {
      error("T0413", skips->place,
            fmt::format("`skip` is a list of at most {} {{when, reason}}", kMaxSkips));
      return;
    }
    for (const Node& item : skips->items) {
      if (!item.is_mapping() || item.find("when") == nullptr || item.find("reason") == nullptr) {
        error("T0413", item.place, "an entry of `skip` has `when` and `reason`");
        continue;
      }
      yaml::refuse_unknown_keys(item, {"when", "reason"}, "an entry of `skip`", diagnostics_);
      auto when = condition(*item.find("when"), "`when`");
      const auto reason = yaml::as_text(*item.find("reason"), "`reason`", diagnostics_);
      if (reason && !is_reason(*reason)) {
        error("T0413", item.find("reason")->place,
              fmt::format("reason `{}` is not fit for a metric label", *reason),
              "use at most 40 lower-case letters, digits and _");
      }
      if (when && reason) mapping_->skips.push_back({std::move(*when), *reason});
    }
  }

  void read_events(const Node& root) {
    const Node* const events = root.find("events");
    if (events == nullptr || !events->is_sequence() || events->items.empty() ||
        events->items.size() > kMaxTemplates) {
      error("T0414", events == nullptr ? root.place : events->place,
            fmt::format("`events` is a list of 1 to {} event templates", kMaxTemplates));
      return;
    }
    const Node* common = root.find("common");
    if (common != nullptr && !common->is_mapping()) {
      error("T0414", common->place, "`common` is a mapping of fields");
      common = nullptr;
    }
    if (common != nullptr) check_fields(*common);
    for (size_t i = 0; i < events->items.size(); ++i) {
      read_event(events->items[i], common, fmt::format("events[{}]", i));
    }
  }

  void check_fields(const Node& node) {
    yaml::refuse_unknown_keys(
        node,
        {"when", "indicator", "id", "time", "time_end", "time_precision", "region", "value", "unit",
         "confidence", "actors", "tags", "attrs", "tlp", "geo_precision", "lat", "lon"},
        "an event template", diagnostics_);
  }

  void read_event(const Node& node, const Node* common, std::string label) {
    if (!node.is_mapping()) {
      error("T0414", node.place, "an event template is a mapping of fields");
      return;
    }
    check_fields(node);
    EventTemplate event;
    event.label = std::move(label);
    const auto given = [&](std::string_view key) -> const Node* {
      if (const Node* const own = node.find(key)) return own;
      return common == nullptr ? nullptr : common->find(key);
    };
    if (const Node* const when = given("when")) event.when = condition(*when, "`when`");
    const auto field = [&](std::string_view key, std::optional<MappedExpression>& into) {
      if (const Node* const at = given(key)) into = expression(*at, fmt::format("`{}`", key));
    };
    field("id", event.id);
    field("region", event.region);
    field("time", event.time);
    field("time_end", event.time_end);
    field("value", event.value);
    field("unit", event.unit);
    field("confidence", event.confidence);
    field("tlp", event.tlp);
    field("geo_precision", event.geo_precision);
    field("lat", event.lat);
    field("lon", event.lon);
    if (const Node* const at = given("indicator")) event.indicator = indicator(*at);
    if (const Node* const at = given("time_precision")) event.time_precision = precision(*at);
    event.actors = expressions(given("actors"), "actors");
    event.tags = expressions(given("tags"), "tags");
    read_attrs(given("attrs"), event);
    for (const std::string_view key : {"id", "indicator", "region", "time"}) {
      if (given(key) != nullptr) continue;
      error("T0415", node.place, fmt::format("`{}` is missing from {}", key, event.label),
            "every event needs id, indicator, region and time; `common` may give them");
    }
    if (mapping_->lag && event.time_end) {
      error("T0416", node.place, "`time_end` cannot stand beside `publication_lag`",
            "keep the true dates under attrs");
    }
    mapping_->events.push_back(std::move(event));
  }

  // A name as it stands in the catalogue needs no quotes within quotes.
  std::optional<MappedExpression> indicator(const Node& node) {
    if (!node.is_scalar() || !is_dotted_name(node.scalar) || node.scalar.starts_with("row.")) {
      return expression(node, "`indicator`");
    }
    if (catalogue_ != nullptr && !catalogue_->find_indicator(node.scalar)) {
      std::vector<std::string> names;
      for (const Indicator& known : catalogue_->indicators()) names.push_back(known.name);
      error("T0417", node.place, fmt::format("indicator `{}` is not in the catalogue", node.scalar),
            hint_for(node.scalar, names));
    }
    MappedExpression word;
    word.word = node.scalar;
    return word;
  }

  std::optional<MappedExpression> precision(const Node& node) {
    if (!node.is_scalar() || !parse_enum<TimePrecision>(node.scalar)) {
      return expression(node, "`time_precision`");
    }
    MappedExpression word;
    word.word = node.scalar;
    return word;
  }

  std::vector<MappedExpression> expressions(const Node* node, std::string_view what) {
    std::vector<MappedExpression> all;
    if (node == nullptr) return all;
    if (!node->is_sequence()) {
      error("T0410", node->place, fmt::format("`{}` is a list of expressions", what));
      return all;
    }
    for (const Node& item : node->items) {
      if (auto mapped = expression(item, fmt::format("an entry of `{}`", what))) {
        all.push_back(std::move(*mapped));
      }
    }
    return all;
  }

  void read_attrs(const Node* node, EventTemplate& event) {
    if (node == nullptr) return;
    if (!node->is_mapping()) {
      error("T0410", node->place, "`attrs` is a mapping of names to expressions");
      return;
    }
    for (const Node::Entry& entry : node->entries) {
      if (auto mapped = expression(entry.value, fmt::format("`attrs.{}`", entry.key))) {
        event.attrs.emplace_back(entry.key, std::move(*mapped));
      }
    }
  }

  // Columns that the mapping itself lists can be checked before any file is seen.
  void check_columns(const Node& root) {
    for (const auto& [column, place] : used_) {
      mapping_->used_columns.push_back(column);
      if (mapping_->columns.empty() || std::find(mapping_->columns.begin(), mapping_->columns.end(),
                                                 column) != mapping_->columns.end()) {
        continue;
      }
      error("T0418", place, fmt::format("`{}` is no column of `header`", column),
            hint_for(column, mapping_->columns));
    }
    if (mapping_->format != TableFormat::kNdjson && !mapping_->header_in_file &&
        mapping_->columns.empty() && root.find("header") != nullptr) {
      error("T0407", root.find("header")->place, "`header` names no column");
    }
  }

  const Catalogue* catalogue_;
  Diagnostics& diagnostics_;
  const int errors_before_;
  std::shared_ptr<SourceMapping> mapping_ = std::make_shared<SourceMapping>();
  cel::Environment environment_;
  std::map<std::string, Place> used_;  // columns, with one place that names each
};

}  // namespace

EventTime apply_lag(EventTime time, const PublicationLag& lag) {
  if (!lag.next_year) return add(time, lag.span);
  const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(time)};
  std::chrono::year_month_day known{date.year() + std::chrono::years{1}, lag.next_year->month(),
                                    lag.next_year->day()};
  if (!known.ok()) known = known.year() / known.month() / std::chrono::last;  // 29 February
  return EventTime{std::chrono::sys_days{known}};
}

std::shared_ptr<const SourceMapping> load_mapping(const std::string& path,
                                                  const Catalogue* catalogue,
                                                  Diagnostics& diagnostics) {
  MappingLoader loader(catalogue, diagnostics);
  const auto root = yaml::read_document(path, diagnostics);
  return root ? loader.load(*root) : nullptr;
}

std::shared_ptr<const SourceMapping> parse_mapping(std::string_view text, const std::string& file,
                                                   const Catalogue* catalogue,
                                                   Diagnostics& diagnostics) {
  MappingLoader loader(catalogue, diagnostics);
  const auto root = yaml::parse_document(text, file, diagnostics);
  return root ? loader.load(*root) : nullptr;
}

}  // namespace tocsin::ingest
