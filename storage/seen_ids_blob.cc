#include "storage/seen_ids_blob.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/crc32c.h"

namespace tocsin::storage {
namespace {

constexpr uint32_t kBlobVersion = 1;
constexpr size_t kHeadBytes = 12;  // checksum, version, count
constexpr size_t kKeyBytes = 16;

}  // namespace

void SeenIdsWriter::clear() {
  keys_.clear();
  rest_.clear();
  count_ = 0;
  last_time_ = 0;
  newest_ = kMinEventTime;
}

void SeenIdsWriter::add(Hash128 key, uint32_t rev, EventTime time) {
  keys_.advance_to(write_little(write_little(keys_.room(kKeyBytes), key.high), key.low));
  char* to = write_varint(rest_.room(2 * kMaxVarintBytes), rev);
  to = write_varint(to, zigzag(wrapping_difference(to_ms(time), last_time_)));
  rest_.advance_to(to);
  last_time_ = to_ms(time);
  newest_ = std::max(newest_, time);
  ++count_;
}

void SeenIdsWriter::finish(ByteBuffer& to) const {
  const size_t begin = to.size();
  char* end = to.room(kHeadBytes);
  end = write_little(end, uint32_t{0});
  end = write_little(end, kBlobVersion);
  to.advance_to(write_little(end, count_));
  to.append(keys_.view());
  to.append(rest_.view());
  const std::string_view blob = to.view().substr(begin);
  write_little(to.data() + begin, crc32c(blob.substr(sizeof(uint32_t))));
}

Status read_seen_ids_blob(JournalSeq key, std::string_view blob, EventTime since,
                          const std::function<void(const Store::SeenId&)>& each) {
  ByteReader from(blob);
  const auto checksum = from.little<uint32_t>();
  if (!from.ok() || checksum != crc32c(blob.substr(sizeof checksum))) {
    return corrupt(fmt::format("read ids {}: the checksum is wrong; restore a backup", key));
  }
  const auto version = from.little<uint32_t>();
  const auto count = from.little<uint32_t>();
  ByteReader keys(from.bytes(uint64_t{count} * kKeyBytes));
  if (!from.ok() || version != kBlobVersion) {
    return corrupt(fmt::format("read ids {}: the header makes no sense", key));
  }
  int64_t time = 0;
  for (uint32_t i = 0; i < count; ++i) {
    Store::SeenId id{};
    id.key.high = keys.little<uint64_t>();
    id.key.low = keys.little<uint64_t>();
    id.rev = static_cast<uint32_t>(from.varint());
    time = wrapping_sum(time, from.signed_varint());
    id.time = from_ms(time);
    if (!from.ok()) return corrupt(fmt::format("read ids {}: cut off", key));
    if (id.time >= since) each(id);
  }
  return Status::ok();
}

}  // namespace tocsin::storage
