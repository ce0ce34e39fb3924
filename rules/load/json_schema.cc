#include "rules/load/schema.h"
#include "rules/model/json_text.h"

namespace tocsin::rules {

namespace {

using Kind = Schema::Kind;

// Writes one JSON object, a member a line.
class ObjectWriter {
 public:
  explicit ObjectWriter(int indent) : indent_(indent) {}
  void add(std::string_view key, const std::string& json) {
    text_ += text_.empty() ? "{\n" : ",\n";
    text_ += std::string(static_cast<size_t>(indent_) + 2, ' ') + json_string(key) + ": " + json;
  }
  std::string done() const {
    if (text_.empty()) return "{}";
    return text_ + "\n" + std::string(static_cast<size_t>(indent_), ' ') + "}";
  }

 private:
  int indent_;
  std::string text_;
};

template <typename Items, typename Print>
std::string array(const Items& items, Print print) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + print(item);
  return "[" + text + "]";
}

std::string pattern_of(Kind kind) {
  switch (kind) {
    case Kind::kSpan:
      return "^[0-9]+(ms|s|m|h|d|w|mo|q|y)$";
    case Kind::kExactSpan:
      return "^[0-9]+(ms|s|m|h|d|w)$";
    case Kind::kTime:
      return "^[0-9]{4}-[0-9]{2}-[0-9]{2}";
    case Kind::kName:
      return "^[a-z][a-z0-9]*(-[a-z0-9]+)*$";
    case Kind::kPackage:
      return "^[a-z][a-z0-9]*(-[a-z0-9]+)*(\\.[a-z][a-z0-9]*(-[a-z0-9]+)*)*$";
    case Kind::kIdentifier:
      return "^[A-Za-z_][A-Za-z0-9_]*$";
    default:
      return {};
  }
}

std::string print(const Schema& schema, int indent);

void add_mapping(ObjectWriter& out, const Schema& schema, int indent) {
  ObjectWriter properties(indent + 2);
  std::vector<std::string> required_names;
  for (const Schema::Field& field : schema.fields) {
    if (field.presence == Schema::Field::Presence::kNotYet) continue;
    properties.add(field.name, print(field.schema, indent + 4));
    if (field.presence == Schema::Field::Presence::kRequired) required_names.push_back(field.name);
  }
  out.add("type", json_string("object"));
  out.add("properties", properties.done());
  if (schema.extensions) {
    ObjectWriter extensions(indent + 2);
    extensions.add("^x-", "{}");
    out.add("patternProperties", extensions.done());
  }
  if (!required_names.empty()) out.add("required", array(required_names, json_string));
  out.add("additionalProperties", "false");
}

void add_collection(ObjectWriter& out, const Schema& schema, int indent) {
  const bool is_list = schema.kind == Kind::kList;
  out.add("type", json_string(is_list ? "array" : "object"));
  if (!is_list && schema.key->kind != Kind::kText) {
    out.add("propertyNames", print(*schema.key, indent + 2));
  }
  out.add(is_list ? "items" : "additionalProperties", print(*schema.item, indent + 2));
  if (schema.not_empty) out.add(is_list ? "minItems" : "minProperties", "1");
}

// Texts that look like numbers or truth values are texts to us and not to an editor's YAML.
void add_text(ObjectWriter& out, const Schema& schema) {
  if (schema.kind == Kind::kText) {
    out.add("type", "[\"string\", \"number\", \"boolean\"]");
  } else {
    out.add("type",
            schema.kind == Kind::kBytes ? "[\"string\", \"integer\"]" : json_string("string"));
  }
  const std::string pattern = pattern_of(schema.kind);
  if (!pattern.empty()) out.add("pattern", json_string(pattern));
}

std::string print(const Schema& schema, int indent) {
  ObjectWriter out(indent);
  if (!schema.about.empty()) out.add("description", json_string(schema.about));
  switch (schema.kind) {
    case Kind::kMapping:
      add_mapping(out, schema, indent);
      break;
    case Kind::kList:
    case Kind::kDictionary:
      add_collection(out, schema, indent);
      break;
    case Kind::kEither:
      out.add("anyOf",
              array(schema.alternatives, [&](const Schema& s) { return print(s, indent + 2); }));
      break;
    case Kind::kWord:
      out.add("enum", array(schema.words, json_string));
      break;
    case Kind::kInteger:
      out.add("type", json_string("integer"));
      out.add("minimum", std::to_string(schema.min));
      out.add("maximum", std::to_string(schema.max));
      break;
    case Kind::kNumber:
      out.add("type", json_string("number"));
      if (schema.exclusive_zero) out.add("exclusiveMinimum", "0");
      break;
    case Kind::kBoolean:
      out.add("type", json_string("boolean"));
      break;
    case Kind::kAnything:
      break;
    default:
      add_text(out, schema);
      break;
  }
  return out.done();
}

}  // namespace

std::string to_json_schema(const Schema& schema, const std::string& title) {
  const std::string body = print(schema, 0);
  return "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"title\": " +
         json_string(title) + ",\n" + body.substr(2) + "\n";
}

}  // namespace tocsin::rules
