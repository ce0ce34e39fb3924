#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rules/model/diagnostic.h"
#include "rules/yaml/document.h"

namespace tocsin::rules {

// What a file of ours may hold, as a table: the one place from which both the check of a file's
// shape and its JSON Schema for editors come, so that the two cannot disagree.
//
// A value; built once per format by rule_schema(), catalogue_schema() and the like.
struct Schema {
  enum class Kind : uint8_t {
    kText,
    kInteger,
    kNumber,
    kBoolean,
    kWord,        // one of `words`
    kSpan,        // "7d", "18mo"
    kExactSpan,   // "7d": no calendar unit
    kTime,        // RFC 3339 or a date
    kBytes,       // "64MiB"
    kExpression,  // CEL
    kTemplate,    // text with {{ holes }}
    kName,        // kebab-case
    kPackage,     // kebab-case parts joined by dots
    kIdentifier,  // as in CEL
    kList,        // of `item`
    kMapping,     // `fields` and nothing else
    kDictionary,  // any key that `key` allows, each with an `item`
    kEither,      // the first of `alternatives` that the node's form allows
    kAnything,
  };
  struct Field;

  Kind kind = Kind::kText;
  std::string name;   // of a mapping, for messages: "measure"
  std::string about;  // one line, for editors
  int64_t min = 0;    // of kInteger
  int64_t max = INT32_MAX;
  bool exclusive_zero = false;         // of kNumber and spans: must be above 0
  std::vector<std::string> words;      // of kWord
  std::vector<Field> fields;           // of kMapping
  std::vector<Schema> alternatives;    // of kEither
  std::shared_ptr<const Schema> item;  // of kList, kDictionary
  std::shared_ptr<const Schema> key;   // of kDictionary
  bool extensions = false;             // of kMapping: `x-…` keys are allowed
  bool not_empty = false;              // of kList, kDictionary
};

struct Schema::Field {
  enum class Presence : uint8_t {
    kOptional,
    kRequired,
    kNotYet,  // part of the language, refused by this version with a word that says so
  };
  std::string name;
  Schema schema;
  Presence presence = Presence::kOptional;
};

// Builders, so that a format reads as a table.
Schema text(std::string about = {});
Schema integer(int64_t min, int64_t max, std::string about = {});
Schema number(std::string about = {});
Schema boolean(std::string about = {});
Schema word(std::vector<std::string> words, std::string about = {});
Schema of_kind(Schema::Kind kind, std::string about = {});
Schema list_of(Schema item, std::string about = {});
Schema dictionary_of(Schema item, std::string about = {});
Schema mapping(std::string name, std::vector<Schema::Field> fields, std::string about = {});
Schema either(std::vector<Schema> alternatives, std::string about = {});
Schema anything(std::string about = {});
Schema::Field required(std::string name, Schema schema);
Schema::Field optional(std::string name, Schema schema);
Schema::Field not_yet(std::string name);

// Tells everything in `node` that does not have the shape of the schema. `where` names the node.
void check_shape(const yaml::Node& node, const Schema& schema, const std::string& where,
                 Diagnostics& diagnostics);

// JSON Schema (draft 2020-12) of a format, pretty-printed, keys in the order of the table.
std::string to_json_schema(const Schema& schema, const std::string& title);

// "64MiB", "500KiB", "1GiB", "4096"; nullopt when malformed.
std::optional<uint64_t> parse_bytes(std::string_view text);
bool is_kebab(std::string_view text);
bool is_package(std::string_view text);
bool is_identifier(std::string_view text);

}  // namespace tocsin::rules
