#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

#include "rules/cel/value.h"
#include "rules/model/arena.h"
#include "rules/model/result.h"

namespace tocsin::daemon {

// JSON → value as people write it: whole numbers are int, others double, objects are maps with text
// keys. Texts are copied into the arena.
Result<cel::Value> value_of_json(const simdjson::dom::element& json, Arena& arena);

// TYPED of `tocsin eval --batch` → value: {"int": "3"}, {"list": [TYPED…]}, {"map": [[TYPED,
// TYPED]…]} and so on.
Result<cel::Value> value_of_typed_json(const simdjson::dom::element& json, Arena& arena);

// The reverse.
std::string to_typed_json(const cel::Value& value);

// A text as a JSON string.
std::string json_quote(std::string_view text);

}  // namespace tocsin::daemon
