#include <cstddef>
#include <cstdint>
#include <string>

#include "rules/authoring/rule_format.h"
#include "rules/model/check.h"

// Any bytes as a rule file that is formatted: what comes out says the same, and stays as it is.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tocsin;
  constexpr size_t kLongest = 8 * 1024;
  if (size > kLongest) return 0;
  std::string text(reinterpret_cast<const char*>(data), size);
  while (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // which is left out
  Diagnostics diagnostics;
  const auto formatted = rules::format_rules(text, "rules.yaml", diagnostics);
  TOCSIN_CHECK(formatted.has_value() != diagnostics.has_errors());
  for (const Diagnostic& d : diagnostics.all()) {
    TOCSIN_CHECK(!d.code.empty() && !d.message.empty());
  }
  if (!formatted) return 0;
  TOCSIN_CHECK(rules::says_the_same(text, *formatted));
  const auto again = rules::format_rules(*formatted, "rules.yaml", diagnostics);
  TOCSIN_CHECK(again && *again == *formatted);
  return 0;
}
