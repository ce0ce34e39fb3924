#pragma once

#include <optional>
#include <string>

namespace tocsin::rules {

// What can be read off expressions that compare names with numbers.

// `people >= 50.0` or `people > 50.0` and nothing else.
struct LowerBound {
  std::string variable;
  double value = 0;
};
std::optional<LowerBound> single_lower_bound(const std::string& expression);

// Why an exit holds while its enter does as well ("" when that cannot be seen): for each name that
// both compare with a number, leaving must begin on the other side of entering.
std::string exit_complaint(const std::string& enter, const std::string& exit);

}  // namespace tocsin::rules
