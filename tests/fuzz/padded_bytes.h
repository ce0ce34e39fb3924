#pragma once

#include <cstring>
#include <memory>
#include <string_view>

#include "ingest/record_decoder.h"

namespace tocsin::ingest {

// A copy of exactly the promised size, so that the sanitizer sees a read too far.
class PaddedBytes {
 public:
  explicit PaddedBytes(std::string_view bytes)
      : size_(bytes.size()), bytes_(new char[bytes.size() + kPadding]()) {
    if (size_ != 0) std::memcpy(bytes_.get(), bytes.data(), size_);
  }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  const size_t size_;
  const std::unique_ptr<char[]> bytes_;
};

}  // namespace tocsin::ingest
