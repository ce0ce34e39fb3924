#include "daemon/event_json.h"

#include "daemon/alert_json.h"
#include "rules/model/json_text.h"

namespace tocsin::daemon {
namespace {

class ObjectWriter {
 public:
  ObjectWriter() { text_.reserve(512); }

  void text(std::string_view name, std::string_view value) {
    key(name);
    append_json_string(text_, value);
  }
  void number(std::string_view name, double value) {
    key(name);
    append_json_number(text_, value);
  }
  void integer(std::string_view name, int64_t value) {
    key(name);
    text_ += std::to_string(value);
  }
  void texts(std::string_view name, std::span<const std::string_view> values) {
    key(name);
    text_ += '[';
    for (const std::string_view value : values) {
      if (text_.back() != '[') text_ += ',';
      append_json_string(text_, value);
    }
    text_ += ']';
  }
  void attrs(std::span<const Attr> attrs) {
    key("attrs");
    text_ += '{';
    for (const Attr& attr : attrs) {
      if (text_.back() != '{') text_ += ',';
      append_json_string(text_, attr.key);
      text_ += ':';
      std::visit([this](const auto& value) { append(value); }, attr.value);
    }
    text_ += '}';
  }
  std::string finish() && {
    text_ += '}';
    return std::move(text_);
  }

 private:
  void key(std::string_view name) {
    text_ += text_.empty() ? '{' : ',';
    append_json_string(text_, name);
    text_ += ':';
  }
  void append(std::monostate) { text_ += "null"; }
  void append(bool value) { text_ += value ? "true" : "false"; }
  void append(int64_t value) { text_ += std::to_string(value); }
  void append(double value) {
    const size_t before = text_.size();
    append_json_number(text_, value);
    // A double stays a double when it is read back.
    if (text_.find_first_of(".en", before) == std::string::npos) text_ += ".0";
  }
  void append(std::string_view value) { append_json_string(text_, value); }

  std::string text_;
};

}  // namespace

std::string write_event(const Event& event, const Catalogue& catalogue) {
  ObjectWriter to;
  to.text("id", event.id);
  if (event.rev != 0) to.integer("rev", event.rev);
  if (event.op != Operation::kAssert) to.text("op", to_string(event.op));
  to.text("source", catalogue.source(event.source).name);
  to.text("indicator", catalogue.indicator(event.indicator).name);
  to.text("time", format_time(event.told_time()));
  if (event.has_time_end) to.text("time_end", format_time(event.time_end));
  if (event.time_precision != TimePrecision::kExact) {
    to.text("time_precision", to_string(event.time_precision));
  }
  to.text("region", catalogue.region(event.region).id);
  if (event.geo_precision != 1) to.integer("geo_precision", event.geo_precision);
  if (event.has_value()) to.number("value", event.value);
  to.number("confidence", event.confidence);
  if (!event.actors.empty()) to.texts("actors", event.actors);
  if (!event.tags.empty()) to.texts("tags", event.tags);
  if (!event.attrs.empty()) to.attrs(event.attrs);
  to.text("tlp", to_string(event.tlp));
  if (event.has_position()) {
    to.number("lat", event.lat);
    to.number("lon", event.lon);
  }
  return std::move(to).finish();
}

}  // namespace tocsin::daemon
