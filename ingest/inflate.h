#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "rules/model/result.h"

namespace tocsin::ingest {

enum class Compression { kGzip, kZstd };

// What a compressed body may become. A bomb is stopped at whichever comes first.
struct InflateLimits {
  size_t max_bytes = 64ull << 20;  // of the result
  size_t max_ratio = 200;          // result : input, looked at once the result passes free_bytes
  size_t free_bytes = 1ull << 20;
};

enum class InflateError { kDamaged, kTooLarge, kRatio };

struct Inflated {
  bool ok = false;
  InflateError error = InflateError::kDamaged;  // when not ok
  std::string bytes;                            // reserved for kPadding more
};

// The whole of `compressed` (several gzip members or zstd frames in a row are one text).
Inflated inflate_all(std::string_view compressed, Compression compression,
                     const InflateLimits& limits);

}  // namespace tocsin::ingest
