#pragma once

#include <cstdint>
#include <string>

namespace tocsin::storage {

// A log of the store whose last write a crash or a power cut left torn.
struct TornLog {
  std::string file;
  uint64_t bytes = 0;  // from that write on, which is left out
};

}  // namespace tocsin::storage
