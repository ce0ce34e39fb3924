#include "storage/compression.h"

#include <lz4.h>
#include <zstd.h>

#include "rules/model/check.h"

namespace tocsin::storage {

struct Compressor::Contexts {
  struct FreeZstd {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  std::unique_ptr<ZSTD_CCtx, FreeZstd> zstd;
  std::unique_ptr<char[]> lz4;
};

Compressor::Compressor(Compression method, int level)
    : method_(method), level_(level), contexts_(std::make_unique<Contexts>()) {
  if (method_ == Compression::kZstd) {
    contexts_->zstd.reset(ZSTD_createCCtx());
    TOCSIN_CHECK(contexts_->zstd != nullptr);
  } else if (method_ == Compression::kLz4) {
    contexts_->lz4 = std::make_unique<char[]>(static_cast<size_t>(LZ4_sizeofState()));
  }
}

Compressor::~Compressor() = default;

void Compressor::compress(std::string_view bytes, ByteBuffer& to) {
  switch (method_) {
    case Compression::kNone:
      to.append(bytes);
      return;
    case Compression::kLz4: {
      const int size = static_cast<int>(bytes.size());
      const int bound = LZ4_compressBound(size);
      TOCSIN_CHECK(bound > 0);
      char* end = to.room(static_cast<size_t>(bound));
      const int packed = LZ4_compress_fast_extState(contexts_->lz4.get(), bytes.data(), end, size,
                                                    bound, /*acceleration=*/1);
      TOCSIN_CHECK(packed > 0);
      to.advance_to(end + packed);
      return;
    }
    case Compression::kZstd: {
      const size_t bound = ZSTD_compressBound(bytes.size());
      char* end = to.room(bound);
      const size_t packed =
          ZSTD_compressCCtx(contexts_->zstd.get(), end, bound, bytes.data(), bytes.size(), level_);
      TOCSIN_CHECK(ZSTD_isError(packed) == 0);
      to.advance_to(end + packed);
      return;
    }
  }
}

bool decompress(Compression method, std::string_view bytes, char* to, size_t size) {
  switch (method) {
    case Compression::kNone:
      if (bytes.size() != size) return false;
      write_bytes(to, bytes);
      return true;
    case Compression::kLz4:
      return LZ4_decompress_safe(bytes.data(), to, static_cast<int>(bytes.size()),
                                 static_cast<int>(size)) == static_cast<int>(size);
    case Compression::kZstd:
      return ZSTD_decompress(to, size, bytes.data(), bytes.size()) == size;
  }
  return false;
}

}  // namespace tocsin::storage
