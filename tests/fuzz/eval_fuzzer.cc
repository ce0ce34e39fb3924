#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/eval_batch.h"
#include "rules/model/check.h"

// Any bytes as a line for `tocsin eval --batch`: one line of JSON answers it, with an `id` and one
// of value, error and unsupported.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tocsin;
  constexpr size_t kLongest = 4096;
  if (size > kLongest) return 0;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  for (const bool by_reference : {false, true}) {
    const std::string answer = daemon::answer_eval_line(line, /*conformance=*/true, by_reference);
    TOCSIN_CHECK(answer.find('\n') == std::string::npos);
    simdjson::dom::parser parser;
    simdjson::dom::object object;
    TOCSIN_CHECK(parser.parse(answer).get(object) == simdjson::SUCCESS);
    TOCSIN_CHECK(object["id"].error() == simdjson::SUCCESS);
    int said = 0;
    for (const char* key : {"value", "error", "unsupported"}) {
      said += object[key].error() == simdjson::SUCCESS ? 1 : 0;
    }
    TOCSIN_CHECK(said == 1);
  }
  return 0;
}
