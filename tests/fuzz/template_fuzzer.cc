#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "rules/model/check.h"
#include "rules/model/utf8.h"
#include "rules/template.h"
#include "tests/cel/small_world.h"

// Any bytes as the text of an alert.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tocsin;
  constexpr size_t kLongest = 4096;
  if (size > kLongest) return 0;
  static cel::SmallWorld world;
  const std::string text(reinterpret_cast<const char*>(data), size);
  Diagnostics diagnostics;
  const auto compiled =
      rules::Template::compile(text, {"fuzz", 1, 1}, world.environment(), diagnostics);
  TOCSIN_CHECK(compiled.has_value() != diagnostics.has_errors());
  for (const Diagnostic& d : diagnostics.all()) {
    TOCSIN_CHECK(d.place.line >= 1 && !d.message.empty());
  }
  if (!compiled) return 0;
  TOCSIN_CHECK(compiled->source() == text);
  Arena arena;
  const std::string rendered =
      compiled->render(&world.event(), world.values(), *parse_time("2026-03-02"), arena);
  TOCSIN_CHECK(rendered.size() <= 8192);
  if (first_bad_utf8(text) == text.npos) TOCSIN_CHECK(first_bad_utf8(rendered) == rendered.npos);
  return 0;
}
