#include "ingest/inflate.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "ingest/record_decoder.h"

namespace tocsin::ingest {
namespace {

constexpr size_t kStep = size_t{64} * 1024;
// A zstd frame may ask for a window of this size and no more: memory is bounded before any output.
constexpr int kMaxWindowLog = 23;

// Appends what one step gave; false and the reason when a limit is passed.
bool append(Inflated& result, const char* data, size_t size, size_t consumed,
            const InflateLimits& limits) {
  if (result.bytes.size() + size > limits.max_bytes) {
    result.error = InflateError::kTooLarge;
    return false;
  }
  result.bytes.append(data, size);
  if (result.bytes.size() > limits.free_bytes &&
      result.bytes.size() / limits.max_ratio > consumed) {
    result.error = InflateError::kRatio;
    return false;
  }
  return true;
}

struct InflateEnd {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

void gunzip(std::string_view compressed, const InflateLimits& limits, Inflated& result) {
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) return;
  const std::unique_ptr<z_stream, InflateEnd> guard(&stream);
  // zlib's interface predates const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  size_t left = compressed.size();
  std::array<char, kStep> out;
  int status = Z_OK;
  while (true) {
    if (stream.avail_in == 0 && left > 0) {
      stream.avail_in = static_cast<uInt>(std::min<size_t>(left, 1u << 30));
      left -= stream.avail_in;
    }
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = kStep;
    status = inflate(&stream, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END) return;
    const size_t consumed = compressed.size() - left - stream.avail_in;
    const size_t made = kStep - stream.avail_out;
    if (!append(result, out.data(), made, consumed, limits)) return;
    if (status == Z_STREAM_END) {
      if (stream.avail_in == 0 && left == 0) break;
      if (inflateReset(&stream) != Z_OK) return;  // another member follows
    } else if (made == 0 && stream.avail_in == 0 && left == 0) {
      return;  // ends inside a member
    }
  }
  result.ok = true;
}

struct FreeStream {
  void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

void unzstd(std::string_view compressed, const InflateLimits& limits, Inflated& result) {
  const std::unique_ptr<ZSTD_DStream, FreeStream> stream(ZSTD_createDStream());
  if (stream == nullptr ||
      ZSTD_isError(ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, kMaxWindowLog)) != 0) {
    return;
  }
  ZSTD_inBuffer in{compressed.data(), compressed.size(), 0};
  std::array<char, kStep> bytes;
  while (true) {
    ZSTD_outBuffer out{bytes.data(), bytes.size(), 0};
    const size_t in_before = in.pos;
    const size_t hint = ZSTD_decompressStream(stream.get(), &out, &in);
    if (ZSTD_isError(hint) != 0) return;
    if (!append(result, bytes.data(), out.pos, in.pos, limits)) return;
    // A frame that ends with the input is whole, also when it has just filled the output: to ask
    // for more would begin another.
    if (hint == 0 && in.pos == in.size) break;
    if (in.pos == in_before && out.pos == 0) return;  // ends inside a frame
  }
  result.ok = true;
}

}  // namespace

Inflated inflate_all(std::string_view compressed, Compression compression,
                     const InflateLimits& limits) {
  Inflated result;
  switch (compression) {
    case Compression::kGzip:
      gunzip(compressed, limits, result);
      break;
    case Compression::kZstd:
      unzstd(compressed, limits, result);
      break;
  }
  result.bytes.reserve(result.bytes.size() + kPadding);
  return result;
}

}  // namespace tocsin::ingest
