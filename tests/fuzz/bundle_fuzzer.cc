#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "rules/load/bundle_text.h"
#include "rules/load/rule_loader.h"
#include "rules/model/check.h"

// A bundle as it is stored: catalogue files, rule files, and the tables and lists that they name.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tocsin;
  constexpr size_t kLongest = 16 * 1024;
  if (size > kLongest) return 0;
  const auto text = rules::parse_bundle_text({reinterpret_cast<const char*>(data), size});
  if (!text) return 0;
  const auto again = rules::parse_bundle_text(rules::serialize(*text));
  TOCSIN_CHECK(again && *again == *text);
  TOCSIN_CHECK(rules::content_hash(*again) == rules::content_hash(*text));

  Diagnostics diagnostics;
  const auto bundle = rules::load_bundle(*text, diagnostics);
  TOCSIN_CHECK((bundle == nullptr) == diagnostics.has_errors());
  for (const Diagnostic& d : diagnostics.all()) {
    TOCSIN_CHECK(!d.code.empty() && !d.message.empty());
  }
  return 0;
}
