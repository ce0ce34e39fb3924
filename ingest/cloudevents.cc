#include "ingest/cloudevents.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <fmt/format.h>
#include <simdjson.h>

#include "ingest/reasons.h"
#include "ingest/record_decoder.h"
#include "ingest/record_splitter.h"
#include "rules/model/json_text.h"
#include "rules/model/utf8.h"

namespace tocsin::ingest {
namespace {

namespace ondemand = simdjson::ondemand;

// An event of the largest size with room for its envelope.
constexpr size_t kMaxEnvelopeBytes = kMaxEventBytes + size_t{16} * 1024;

// The attributes of the specification that are looked at.
enum Attribute : unsigned {
  kSpecVersion,
  kCloudId,
  kCloudSource,
  kType,
  kCloudTime,
  kContentType,
  kAttributes
};
constexpr std::array<std::string_view, kAttributes> kAttributeNames{
    "specversion", "id", "source", "type", "time", "datacontenttype"};

bool is_json_type(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  return absl::EqualsIgnoreCase(
             absl::StripAsciiWhitespace(absl::string_view(type.data(), type.size())),
             "application/json") ||
         absl::EndsWithIgnoreCase(absl::string_view(type.data(), type.size()), "+json");
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// As the HTTP binding of CloudEvents 1.0 (3.1.3.2) wants: quotes around all of it and backslashes
// inside them go first, then percent signs with two digits become bytes. What is no UTF-8 then is
// refused with the envelope.
std::string decoded_value(std::string_view value) {
  const bool is_quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  if (is_quoted) value = value.substr(1, value.size() - 2);
  std::string text;
  for (size_t i = 0; i < value.size(); ++i) {
    const int high = value[i] == '%' && i + 2 < value.size() ? hex_digit(value[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(value[i + 2]) : -1;
    if (low >= 0) {
      text += static_cast<char>(high * 16 + low);
      i += 2;
    } else if (is_quoted && value[i] == '\\' && i + 1 < value.size()) {
      text += value[++i];
    } else {
      text += value[i];
    }
  }
  return text;
}

// The attribute's name when the header is one of CloudEvents: `ce_id` or `ce-id` is "id".
std::string attribute_of(std::string_view header) {
  std::string name = absl::AsciiStrToLower(absl::string_view(header.data(), header.size()));
  if (!name.starts_with("ce_") && !name.starts_with("ce-")) return {};
  return name.substr(3);
}

}  // namespace

class EnvelopeReader::Parser {
 public:
  bool read(std::string_view text, Arena& arena, std::string_view& data, EnvelopeDefaults& defaults,
            Rejection& rejection) {
    rejection_ = &rejection;
    for (std::string_view& attribute : attributes_) attribute = {};
    data = {};
    if (text.size() > kMaxEnvelopeBytes) {
      return refuse(reasons::kTooLarge, fmt::format("envelope: {} bytes; send at most {}",
                                                    text.size(), kMaxEnvelopeBytes));
    }
    if (!read_members(text, arena, data)) return false;
    if (!check()) return false;
    if (data.empty()) {
      return refuse(reasons::kBadEnvelope, "data: is missing; put the event/1 object there");
    }
    defaults = {attributes_[kCloudId], attributes_[kCloudSource], attributes_[kCloudTime]};
    return true;
  }

 private:
  bool refuse(std::string_view reason, std::string message) {
    rejection_->reason = reason;
    rejection_->message = std::move(message);
    return false;
  }

  bool not_json(std::string_view text, simdjson::error_code error) {
    if (error == simdjson::UTF8_ERROR) {
      return refuse(reasons::kBadUtf8, fmt::format("envelope (byte {}): is not UTF-8; send the "
                                                   "text in that encoding",
                                                   first_bad_utf8(text)));
    }
    return refuse(reasons::kSyntax,
                  fmt::format("envelope (byte 0): is not a JSON object ({}); send a CloudEvent in "
                              "the JSON format",
                              simdjson::error_message(error)));
  }

  bool read_members(std::string_view text, Arena& arena, std::string_view& data) {
    ondemand::document document;
    auto error = json_.iterate(text.data(), text.size(), text.size() + kPadding).get(document);
    if (error != simdjson::SUCCESS) return not_json(text, error);
    ondemand::object object;
    error = document.get_object().get(object);
    if (error != simdjson::SUCCESS) return not_json(text, error);
    for (auto result : object) {
      ondemand::field field;
      std::string_view key;
      error = std::move(result).get(field);
      if (error == simdjson::SUCCESS) error = field.unescaped_key().get(key);
      if (error != simdjson::SUCCESS) return not_json(text, error);
      if (!read_member(key, field.value(), arena, data)) return false;
    }
    const char* rest = nullptr;
    if (document.current_location().get(rest) != simdjson::OUT_OF_BOUNDS) {
      return not_json(text, simdjson::TAPE_ERROR);
    }
    return true;
  }

  bool read_member(std::string_view key, ondemand::value value, Arena& arena,
                   std::string_view& data) {
    const char first = value.raw_json_token().front();
    if (key == "data") {
      if (!data.empty()) return twice(key);
      ondemand::object object;
      if (first != '{' || value.get_object().get(object) != simdjson::SUCCESS ||
          object.raw_json().get(data) != simdjson::SUCCESS) {
        return refuse(reasons::kBadEnvelope,
                      "data: is no JSON object; send the event/1 object there, not as text");
      }
      return true;
    }
    if (key == "data_base64") {
      return refuse(reasons::kBadEnvelope,
                    "data_base64: cannot be read; send the event/1 object under data");
    }
    for (size_t i = 0; i < kAttributeNames.size(); ++i) {
      if (key != kAttributeNames[i]) continue;
      if (attributes_[i].data() != nullptr) return twice(key);
      std::string_view text;
      if (first != '"' || value.get_string().get(text) != simdjson::SUCCESS) {
        return refuse(reasons::kBadEnvelope, fmt::format("{}: is no text; send one", key));
      }
      // Text also when empty: a null pointer means that the attribute was not there.
      attributes_[i] = text.empty() ? std::string_view("") : arena.copy(text);
      return true;
    }
    if (first == '{' || first == '[') {
      return refuse(reasons::kBadEnvelope,
                    fmt::format("{}: extension attributes are texts, numbers or bools; send one "
                                "of these or put it under data.attrs",
                                in_quotes(key)));
    }
    return true;
  }

  bool twice(std::string_view key) {
    return refuse(reasons::kDuplicateField,
                  fmt::format("{}: is there twice in the envelope; send it once", key));
  }

  bool check() {
    if (attributes_[kSpecVersion].data() == nullptr) {
      return refuse(reasons::kBadEnvelope,
                    "specversion: is missing; send a CloudEvent with specversion 1.0, or plain "
                    "event/1 with another content type");
    }
    if (attributes_[kSpecVersion] != "1.0") {
      return refuse(reasons::kBadEnvelope, fmt::format("specversion: {} cannot be read; send 1.0",
                                                       in_quotes(attributes_[kSpecVersion])));
    }
    for (const Attribute attribute : {kCloudId, kCloudSource, kType}) {
      if (!attributes_[attribute].empty()) continue;
      return refuse(reasons::kBadEnvelope,
                    fmt::format("{}: is missing or empty; CloudEvents 1.0 requires it",
                                kAttributeNames[attribute]));
    }
    if (!attributes_[kContentType].empty() && !is_json_type(attributes_[kContentType])) {
      return refuse(reasons::kBadEnvelope,
                    fmt::format("datacontenttype: {} cannot be read; send application/json",
                                in_quotes(attributes_[kContentType])));
    }
    return true;
  }

  ondemand::parser json_;
  std::array<std::string_view, kAttributes> attributes_;
  Rejection* rejection_ = nullptr;
};

EnvelopeReader::EnvelopeReader() : parser_(std::make_unique<Parser>()) {}
EnvelopeReader::~EnvelopeReader() = default;

bool EnvelopeReader::read(std::string_view envelope, Arena& arena, std::string_view& data,
                          EnvelopeDefaults& defaults, Rejection& rejection) {
  return parser_->read(envelope, arena, data, defaults, rejection);
}

bool is_binary_cloud_event(std::span<const Header> headers) {
  return std::any_of(headers.begin(), headers.end(), [](const Header& header) {
    return attribute_of(header.first) == "specversion";
  });
}

std::string structured_from_binary(std::span<const Header> headers, HeaderCoding coding,
                                   std::string_view payload) {
  std::string out = "{";
  for (const Header& header : headers) {
    std::string name = attribute_of(header.first);
    const bool is_encoded = coding == HeaderCoding::kPercent && !name.empty();
    if (name.empty() &&
        absl::EqualsIgnoreCase(absl::string_view(header.first.data(), header.first.size()),
                               "content-type")) {
      name = "datacontenttype";
    }
    if (name.empty() || name == "data" || name == "data_base64") continue;
    append_json_string(out, name);
    out += ':';
    append_json_string(out, is_encoded ? decoded_value(header.second) : std::string(header.second));
    out += ',';
  }
  out += "\"data\":";
  out += without_mark(payload);
  out += '}';
  return out;
}

}  // namespace tocsin::ingest
