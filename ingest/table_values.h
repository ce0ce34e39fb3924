#pragma once

#include <string_view>

#include "ingest/event_draft.h"
#include "rules/cel/value.h"
#include "rules/model/arena.h"

// What cells of tables, and the expressions over them, mean as values of an event.
namespace tocsin::ingest {

// A finite number that is all of the text.
bool read_number(std::string_view text, double& number);

// Times as tables write them: RFC 3339, 2011-03-18, 20110318, 20110318043000, 2011-03, 2011.
bool read_table_time(std::string_view text, EventTime& time);

// For messages: "a text".
std::string_view kind_name(const cel::Value& value);

// Scalars as text; false for lists and the like.
bool to_text(const cel::Value& value, Arena& arena, std::string_view& text);

// A table's text as the type that the indicator declares for the attr, where it can be read as
// that.
AttrValue as_declared(std::string_view text, AttrType type);

}  // namespace tocsin::ingest
