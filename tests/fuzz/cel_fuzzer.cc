#include <cstddef>
#include <cstdint>

#include "tests/fuzz/cel_fuzz_target.h"

// Any bytes as an expression of the rule language.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static tocsin::cel::SmallWorld world;
  constexpr size_t kLongest = 4096;
  if (size > kLongest) return 0;
  tocsin::cel::check_any_expression({reinterpret_cast<const char*>(data), size}, world);
  return 0;
}
