#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/cel/program.h"

// What to say to whoever wrote a name that there is not.
namespace tocsin::cel {

// "did you mean e.value?", or "" when nothing is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& names,
                         std::string_view prefix = {});
// "one of: a, b, c"; the first of long lists.
std::string names_listed(std::string_view opening, const std::vector<std::string>& names,
                         std::string_view prefix = {});
// For e.NAME: the field or attr that was meant, or all fields.
std::string field_hint(std::string_view name, const Catalogue& catalogue);
// For NAME(…) and x.NAME(…), which is no function, or not called so.
std::string function_hint(std::string_view name, bool is_method, const Environment& environment);
// For a text that is no id of a region: the region of that name, or the id near it.
std::string region_hint(std::string_view text, const Catalogue& catalogue);

}  // namespace tocsin::cel
