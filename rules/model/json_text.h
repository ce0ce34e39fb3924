#pragma once

#include <string>
#include <string_view>

namespace tocsin {

// Appends `text` as a JSON string, quotes included. The text must be UTF-8; it is not looked at.
// Part of what stored alerts are written by: the same text always gives the same bytes.
void append_json_string(std::string& to, std::string_view text);

// The same, as a text of its own.
std::string json_string(std::string_view text);

}  // namespace tocsin
