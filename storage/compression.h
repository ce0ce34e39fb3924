#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "storage/bytes.h"

namespace tocsin::storage {

// How a journal chunk's body is packed. Part of the persistent format, do not renumber.
enum class Compression : uint8_t { kNone = 0, kLz4 = 1, kZstd = 2 };

// Packs with contexts that are kept, so that a call allocates nothing.
// Thread-safety: one thread at a time.
class Compressor {
 public:
  // `level` of zstd, 1 (fast) to 19; other methods ignore it.
  Compressor(Compression method, int level);
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  // Appends the packed bytes to `to`.
  void compress(std::string_view bytes, ByteBuffer& to);
  Compression method() const { return method_; }

 private:
  struct Contexts;
  const Compression method_;
  const int level_;
  std::unique_ptr<Contexts> contexts_;
};

// Unpacks into exactly `size` bytes at `to`; false when the input is not that.
// Thread-safety: any thread.
bool decompress(Compression method, std::string_view bytes, char* to, size_t size);

}  // namespace tocsin::storage
