#include "ingest/json_event.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>

#include "ingest/json_number.h"
#include "ingest/reasons.h"
#include "ingest/record_decoder.h"
#include "rules/model/utf8.h"

namespace tocsin::ingest {
namespace {

namespace ondemand = simdjson::ondemand;

static_assert(kPadding >= simdjson::SIMDJSON_PADDING);

bool is_json_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The token of `value` without the white space behind it.
inline __attribute__((always_inline)) std::string_view token_of(ondemand::value& value) {
  std::string_view token = value.raw_json_token();
  while (!token.empty() && is_json_space(token.back())) token.remove_suffix(1);
  return token;
}

std::string_view kind_of(std::string_view token) {
  switch (token.empty() ? ' ' : token.front()) {
    case '"':
      return "text";
    case '{':
      return "an object";
    case '[':
      return "a list";
    case 't':
    case 'f':
      return "a bool";
    case 'n':
      return "null";
    default:
      return "a number";
  }
}

// Compares with a name of known length, which the compiler turns into one or two loads.
template <size_t N>
bool is(std::string_view key, const char (&name)[N]) {
  return std::memcmp(key.data(), name, N - 1) == 0;
}

constexpr auto kUnknown = static_cast<Field>(kFieldCount);

// Length first: nearly every name has its own.
// A plain byte, since reading back an optional stalls on the two stores that made it.
Field field_named(std::string_view key) {
  switch (key.size()) {
    case 2:
      if (is(key, "id")) return Field::kId;
      if (is(key, "op")) return Field::kOp;
      break;
    case 3:
      if (is(key, "tlp")) return Field::kTlp;
      if (is(key, "lat")) return Field::kLat;
      if (is(key, "lon")) return Field::kLon;
      if (is(key, "rev")) return Field::kRev;
      break;
    case 4:
      if (is(key, "time")) return Field::kTime;
      if (is(key, "unit")) return Field::kUnit;
      if (is(key, "tags")) return Field::kTags;
      break;
    case 5:
      if (is(key, "value")) return Field::kValue;
      if (is(key, "attrs")) return Field::kAttrs;
      break;
    case 6:
      if (is(key, "source")) return Field::kSource;
      if (is(key, "region")) return Field::kRegion;
      if (is(key, "actors")) return Field::kActors;
      break;
    case 8:
      if (is(key, "time_end")) return Field::kTimeEnd;
      break;
    case 9:
      if (is(key, "indicator")) return Field::kIndicator;
      break;
    case 10:
      if (is(key, "confidence")) return Field::kConfidence;
      break;
    case 13:
      if (is(key, "geo_precision")) return Field::kGeoPrecision;
      break;
    case 14:
      if (is(key, "time_precision")) return Field::kTimePrecision;
      break;
    default:
      break;
  }
  return kUnknown;
}

}  // namespace

// The simdjson parser with what one record needs while it is read.
class JsonEventReader::Parser {
 public:
  explicit Parser(std::shared_ptr<const CurrentSymbols> symbols) : validator_(std::move(symbols)) {}

  void refresh() { validator_.refresh(); }

  bool read(std::string_view record, const EnvelopeDefaults& defaults, Arena& arena, Event& event,
            Rejection& rejection) {
    record_ = record;
    arena_ = &arena;
    rejection_ = &rejection;
    draft_.clear();
    draft_.has_bytes = true;
    nested_extra_at_.reset();
    // One look at the whole record spares one at each of its texts.
    has_escapes_ = record.find('\\') != std::string_view::npos;
    if (record.size() > kMaxEventBytes) {
      return refuse(reasons::kTooLarge, fmt::format("record: {} bytes; send at most {}",
                                                    record.size(), kMaxEventBytes));
    }
    return read_object() && apply(defaults) && validator_.finish(draft_, arena, event, rejection);
  }

 private:
  bool refuse(std::string_view reason, std::string message) {
    rejection_->reason = reason;
    rejection_->message = std::move(message);
    return false;
  }

  size_t offset(const char* at) const { return static_cast<size_t>(at - record_.data()); }

  bool read_object() {
    ondemand::document document;
    auto error =
        json_.iterate(record_.data(), record_.size(), record_.size() + kPadding).get(document);
    if (error != simdjson::SUCCESS) return syntax(error, nullptr);
    ondemand::object object;
    error = document.get_object().get(object);
    if (error == simdjson::INCORRECT_TYPE) return no_object();
    if (error != simdjson::SUCCESS) return syntax(error, &document);
    for (auto result : object) {
      if (result.error() != simdjson::SUCCESS) return syntax(result.error(), &document);
      // By reference: copying the pair stalls on a store that is still under way.
      ondemand::field&& field = std::move(result).value_unsafe();
      if (!read_field(field, document)) return false;
    }
    const char* rest = nullptr;
    if (document.current_location().get(rest) != simdjson::OUT_OF_BOUNDS) {
      return syntax(simdjson::TAPE_ERROR, &document);
    }
    return true;
  }

  // The record is another JSON value, or none at all.
  bool no_object() {
    std::string_view text = record_;
    while (!text.empty() && is_json_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_json_space(text.back())) text.remove_suffix(1);
    const bool is_value = text == "null" || text == "true" || text == "false" ||
                          starts_number(text) || text.starts_with('"') || text.starts_with('[');
    if (!is_value) return syntax(simdjson::TAPE_ERROR, nullptr);
    return refuse(
        reasons::kWrongType,
        fmt::format("record (byte 0): is {}; send one JSON object a record", kind_of(text)));
  }

  // What simdjson found wrong, with the byte where that can be told.
  bool syntax(simdjson::error_code error, ondemand::document* document) {
    if (error == simdjson::UTF8_ERROR) {
      return refuse(reasons::kBadUtf8,
                    fmt::format("record (byte {}): is not UTF-8; send the text in that encoding",
                                first_bad_utf8(record_)));
    }
    size_t at = 0;
    const char* where = nullptr;
    if (error == simdjson::UNESCAPED_CHARS) {
      const auto* const found = std::find_if(record_.begin(), record_.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 && !is_json_space(c);
      });
      at = found == record_.end() ? 0 : static_cast<size_t>(found - record_.begin());
    } else if (document != nullptr &&
               document->current_location().get(where) == simdjson::SUCCESS) {
      at = std::min(offset(where), record_.size());
    }
    return refuse(reasons::kSyntax,
                  fmt::format("record (byte {}): is not JSON ({}); send one whole object, "
                              "RFC 8259, a line",
                              at, simdjson::error_message(error)));
  }

  bool syntax_at(std::string_view token, std::string_view what) {
    return refuse(reasons::kSyntax, fmt::format("record (byte {}): {}; send RFC 8259 JSON",
                                                offset(token.data()), what));
  }

  // Key of a field; escapes are allowed, so that "id" written as "\u0069d" is no second name. Its
  // end is found from the value's start: reading it byte by byte costs a mispredicted branch a key.
  bool read_key(ondemand::field& field, std::string_view token, ondemand::document& document,
                std::string_view& key) {
    const char* const first = field.key().raw();
    const char* last = token.data() - 1;
    while (is_json_space(*last)) --last;  // stops at the colon
    --last;
    while (is_json_space(*last)) --last;  // stops at the closing quote
    key = {first, static_cast<size_t>(last - first)};
    if (!has_escapes_) [[likely]]
      return true;
    if (key.find('\\') == std::string_view::npos) return true;
    std::string_view unescaped;
    const auto error = field.unescaped_key().get(unescaped);
    if (error != simdjson::SUCCESS) return syntax(error, &document);
    key = arena_->copy(unescaped);
    return true;
  }

  bool read_field(ondemand::field& field, ondemand::document& document) {
    ondemand::value& value = field.value();
    const std::string_view token = token_of(value);
    std::string_view key;
    if (!read_key(field, token, document, key)) return false;
    const Field known = field_named(key);
    if (known == kUnknown) [[unlikely]]
      return read_extra(key, token, value);
    if (draft_.has(known)) [[unlikely]] {
      return refuse(reasons::kDuplicateField,
                    fmt::format("{} (byte {}): is there twice; send each key once", key,
                                offset(token.data())));
    }
    draft_.at[static_cast<size_t>(known)] = static_cast<uint32_t>(offset(token.data()));
    draft_.mark(known);
    switch (known) {
      case Field::kId:
        return text(known, token, value, draft_.id);
      case Field::kRev:
        return whole(known, token, value, draft_.rev);
      case Field::kOp:
        return text(known, token, value, draft_.op);
      case Field::kSource:
        return text(known, token, value, draft_.source);
      case Field::kIndicator:
        return text(known, token, value, draft_.indicator);
      case Field::kTime:
        return time(known, token, value, draft_.time);
      case Field::kTimeEnd:
        return time(known, token, value, draft_.time_end);
      case Field::kTimePrecision:
        return text(known, token, value, draft_.time_precision);
      case Field::kRegion:
        return text(known, token, value, draft_.region);
      case Field::kGeoPrecision:
        return whole(known, token, value, draft_.geo_precision);
      case Field::kValue:
        return number(known, token, value, draft_.value);
      case Field::kUnit:
        return text(known, token, value, draft_.unit);
      case Field::kConfidence:
        return number(known, token, value, draft_.confidence);
      case Field::kActors:
        return texts(known, token, value, kMaxActors, draft_.actors);
      case Field::kTags:
        return texts(known, token, value, kMaxTags, draft_.tags);
      case Field::kAttrs:
        return read_attrs(token, value, document);
      case Field::kTlp:
        return text(known, token, value, draft_.tlp);
      case Field::kLat:
        return number(known, token, value, draft_.lat);
      case Field::kLon:
        return number(known, token, value, draft_.lon);
    }
    return false;
  }

  bool wrong_type(std::string_view name, std::string_view token, std::string_view wanted) {
    return refuse(reasons::kWrongType,
                  fmt::format("{} (byte {}): is {}, not {}; {}", name, offset(token.data()),
                              kind_of(token), wanted,
                              token == "null" ? "leave the key out when it is not known"
                                              : fmt::format("send {}", wanted)));
  }

  // Reads the text of a string token; false with the rejection set.
  bool unquote(std::string_view token, ondemand::value& value, std::string_view& out) {
    // Something glued to the closing quote is part of the token.
    if (token.size() < 2 || token.back() != '"') return syntax_at(token, "text is not closed");
    const std::string_view inner = token.substr(1, token.size() - 2);
    if (!has_escapes_ || inner.find('\\') == std::string_view::npos) [[likely]] {
      out = inner;
      return true;
    }
    std::string_view unescaped;
    if (value.get_string().get(unescaped) != simdjson::SUCCESS) {
      return syntax_at(token, "text has an escape that JSON does not know");
    }
    out = arena_->copy(unescaped);
    return true;
  }

  bool text(Field field, std::string_view token, ondemand::value& value, std::string_view& out) {
    if (token.empty() || token.front() != '"') {
      return wrong_type(to_string(field), token, "text in quotes");
    }
    return unquote(token, value, out);
  }

  bool time(Field field, std::string_view token, ondemand::value& value, EventTime& out) {
    std::string_view written;
    if (!text(field, token, value, written)) return false;
    if (read_event_time(written, out)) return true;
    return refuse(reasons::kBadTime,
                  fmt::format("{} (byte {}): {} is no time; send RFC 3339 with a zone "
                              "(2011-03-18T00:00:00Z) or a date, year 0001 to 9999",
                              to_string(field), offset(token.data()), in_quotes(written)));
  }

  static bool starts_number(std::string_view token) {
    return !token.empty() &&
           (token.front() == '-' || (token.front() >= '0' && token.front() <= '9'));
  }

  bool number(Field field, std::string_view token, ondemand::value& value, double& out) {
    if (const PlainNumber plain = plain_number(token); plain.is_plain) {
      out = plain.value();
      return true;
    }
    if (!starts_number(token)) return wrong_type(to_string(field), token, "a number");
    return number(to_string(field), token, value, out);
  }

  bool number(std::string_view name, std::string_view token, ondemand::value& value, double& out) {
    double checked = 0;  // simdjson 3.1 misreads 0.… of 20 and more digits, so that it only checks
    if (value.get_double().get(checked) == simdjson::SUCCESS && read_double(token, out))
      return true;
    return refuse(reasons::kBadValue,
                  fmt::format("{} (byte {}): {} is no JSON number of double size; send a finite "
                              "number",
                              name, offset(token.data()), in_quotes(token)));
  }

  bool whole(Field field, std::string_view token, ondemand::value& value, int64_t& out) {
    if (const PlainNumber plain = plain_number(token); plain.is_plain && plain.decimals == 0) {
      out = plain.digits;
      return true;
    }
    if (!starts_number(token)) return wrong_type(to_string(field), token, "a whole number");
    if (value.get_int64().get(out) == simdjson::SUCCESS) return true;
    return refuse(reasons::kBadValue,
                  fmt::format("{} (byte {}): {} is no whole number; send it without fraction or "
                              "exponent",
                              to_string(field), offset(token.data()), in_quotes(token)));
  }

  bool texts(Field field, std::string_view token, ondemand::value& value, size_t most,
             std::span<const std::string_view>& out) {
    if (token.empty() || token.front() != '[') {
      return wrong_type(to_string(field), token, "a list of texts");
    }
    ondemand::array list;
    if (value.get_array().get(list) != simdjson::SUCCESS) {
      return syntax_at(token, "list is not well formed");
    }
    std::array<std::string_view, std::max(kMaxActors, kMaxTags)>& read = list_;
    size_t count = 0;
    for (auto result : list) {
      ondemand::value item;
      if (result.get(item) != simdjson::SUCCESS) {
        return syntax_at(token, "list is not well formed");
      }
      const std::string_view item_token = token_of(item);
      if (count == most) {
        return refuse(reasons::kTooMany, fmt::format("{}: more than {} entries; send at most {}",
                                                     place_of(draft_, field), most, most));
      }
      if (!text(field, item_token, item, read[count])) return false;
      ++count;
    }
    const std::span<std::string_view> kept = arena_->array<std::string_view>(count);
    std::copy_n(read.begin(), count, kept.begin());
    out = kept;
    return true;
  }

  bool read_attrs(std::string_view token, ondemand::value& value, ondemand::document& document) {
    if (token.empty() || token.front() != '{') return wrong_type("attrs", token, "an object");
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) {
      return syntax_at(token, "object is not well formed");
    }
    for (auto result : object) {
      if (result.error() != simdjson::SUCCESS) return syntax(result.error(), &document);
      ondemand::field&& field = std::move(result).value_unsafe();
      ondemand::value& item = field.value();
      const std::string_view item_token = token_of(item);
      std::string_view key;
      if (!read_key(field, item_token, document, key)) return false;
      if (!read_attr(key, item_token, item, draft_.attrs)) return false;
    }
    return true;
  }

  bool read_extra(std::string_view key, std::string_view token, ondemand::value& value) {
    // A nested value can be no attr. What is told first is another fault of the record, if any.
    if (!token.empty() && (token.front() == '{' || token.front() == '[')) {
      if (nested_extra_at_) return true;
      nested_extra_ = key;
      nested_extra_at_ = offset(token.data());
      return true;
    }
    if (draft_.extras.empty()) {
      draft_.first_extra_at = static_cast<uint32_t>(offset(token.data()));
    }
    return read_attr(key, token, value, draft_.extras);
  }

  // One scalar under attrs, as JSON types it; the declared type is enforced by the validator.
  bool read_attr(std::string_view key, std::string_view token, ondemand::value& value,
                 std::vector<Attr>& into) {
    if (into.size() >= kMaxAttrs) {
      return refuse(reasons::kTooMany, fmt::format("attrs: more than {} entries; send at most {}",
                                                   kMaxAttrs, kMaxAttrs));
    }
    Attr& attr = into.emplace_back();
    attr.key = key;
    switch (token.empty() ? ' ' : token.front()) {
      case '"': {
        std::string_view written;
        if (!unquote(token, value, written)) return false;
        attr.value = written;
        return true;
      }
      case 't':
      case 'f': {
        bool flag = false;
        if (value.get_bool().get(flag) != simdjson::SUCCESS) {
          return syntax_at(token, "word is neither true nor false");
        }
        attr.value = flag;
        return true;
      }
      case 'n':
        return token == "null" ? true : syntax_at(token, "word is not null");
      case '{':
      case '[':
        return wrong_type(fmt::format("attrs.{}", key), token, "a text, number, bool or null");
      default:
        return read_attr_number(key, token, value, attr);
    }
  }

  bool read_attr_number(std::string_view key, std::string_view token, ondemand::value& value,
                        Attr& attr) {
    if (!starts_number(token)) return syntax_at(token, "is no JSON value");
    if (const PlainNumber plain = plain_number(token); plain.is_plain) {
      if (plain.decimals == 0) {
        attr.value = plain.digits;
      } else {
        attr.value = plain.value();
      }
      return true;
    }
    int64_t whole_number = 0;
    if (token.find_first_of(".eE") == std::string_view::npos) {
      if (value.get_int64().get(whole_number) == simdjson::SUCCESS) {
        attr.value = whole_number;
        return true;
      }
    }
    double real = 0;
    if (!number(fmt::format("attrs.{}", key), token, value, real)) return false;
    attr.value = real;
    return true;
  }

  // Fills what the event leaves out from the envelope that it came in.
  bool apply(const EnvelopeDefaults& defaults) {
    if (nested_extra_at_) {
      return refuse(reasons::kUnknownField,
                    fmt::format("{} (byte {}): is not a field of event/1; put texts, numbers and "
                                "bools under attrs, nested values cannot be kept",
                                in_quotes(nested_extra_), *nested_extra_at_));
    }
    if (!defaults.id.empty() && !draft_.has(Field::kId)) {
      draft_.id = defaults.id;
      draft_.at[static_cast<size_t>(Field::kId)] = 0;
      draft_.mark(Field::kId);
    }
    if (!defaults.source.empty() && !draft_.has(Field::kSource)) {
      draft_.source = defaults.source;
      draft_.at[static_cast<size_t>(Field::kSource)] = 0;
      draft_.mark(Field::kSource);
    }
    if (!defaults.time.empty() && !draft_.has(Field::kTime)) {
      if (!read_event_time(defaults.time, draft_.time)) {
        return refuse(reasons::kBadTime,
                      fmt::format("time of the envelope: {} is no time; send RFC 3339 with a zone",
                                  in_quotes(defaults.time)));
      }
      draft_.at[static_cast<size_t>(Field::kTime)] = 0;
      draft_.mark(Field::kTime);
    }
    return true;
  }

  EventValidator validator_;
  ondemand::parser json_;
  EventDraft draft_;
  std::array<std::string_view, std::max(kMaxActors, kMaxTags)> list_;  // of the list being read
  std::string_view record_;
  Arena* arena_ = nullptr;
  Rejection* rejection_ = nullptr;
  std::string_view nested_extra_;  // the first unknown key with a nested value
  std::optional<size_t> nested_extra_at_;
  bool has_escapes_ = false;  // a backslash somewhere in the record
};

JsonEventReader::JsonEventReader(std::shared_ptr<const CurrentSymbols> symbols)
    : parser_(std::make_unique<Parser>(std::move(symbols))) {}
JsonEventReader::~JsonEventReader() = default;

void JsonEventReader::refresh() { parser_->refresh(); }

bool JsonEventReader::read(std::string_view record, const EnvelopeDefaults& defaults, Arena& arena,
                           Event& event, Rejection& rejection) {
  return parser_->read(record, defaults, arena, event, rejection);
}

}  // namespace tocsin::ingest
