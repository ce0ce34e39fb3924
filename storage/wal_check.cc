#include "storage/wal_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/whole_file.h"

namespace tocsin::storage {
namespace {

constexpr size_t kBlockBytes = 32768;
constexpr size_t kHeaderBytes = 7;  // checksum 4, length 2, type 1
constexpr size_t kSectorBytes = 512;
constexpr uint8_t kFull = 1;
constexpr uint8_t kFirst = 2;
constexpr uint8_t kLast = 4;

// RocksDB stores checksums masked, since a log may hold checksummed bytes itself.
uint32_t masked(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }

struct Fragment {
  uint32_t checksum;
  size_t length;
  uint8_t type;
};

Fragment header_at(std::string_view log, size_t at) {
  ByteReader from(log.substr(at, kHeaderBytes));
  Fragment fragment{};
  fragment.checksum = from.little<uint32_t>();
  fragment.length = from.little<uint16_t>();
  fragment.type = from.little<uint8_t>();
  return fragment;
}

size_t block_end(size_t at, size_t size) {
  return std::min(size, (at / kBlockBytes + 1) * kBlockBytes);
}

bool checksum_fits(std::string_view log, size_t at, size_t length, uint32_t checksum) {
  // Of the type byte and what follows it.
  return masked(crc32c(log.substr(at + kHeaderBytes - 1, length + 1))) == checksum;
}

bool is_whole(std::string_view log, size_t at) {
  const Fragment fragment = header_at(log, at);
  return fragment.type != 0 && at + kHeaderBytes + fragment.length <= block_end(at, log.size()) &&
         checksum_fits(log, at, fragment.length, fragment.checksum);
}

// Where the first fragment stands that cannot be read; nullopt when all can.
std::optional<size_t> first_unreadable(std::string_view log) {
  size_t at = 0;
  while (at < log.size()) {
    if (kBlockBytes - at % kBlockBytes < kHeaderBytes) {
      at = (at / kBlockBytes + 1) * kBlockBytes;  // too short for a header: filled up with zeros
      continue;
    }
    if (log.size() - at < kHeaderBytes || !is_whole(log, at)) return at;
    at += kHeaderBytes + header_at(log, at).length;
  }
  return std::nullopt;
}

struct Behind {
  bool any = false;        // a readable fragment
  bool new_write = false;  // one that begins a later write
};

Behind readable_behind(std::string_view log, size_t at) {
  Behind behind;
  for (size_t q = at + 1; q + kHeaderBytes < log.size() && !behind.new_write; ++q) {
    const auto type = static_cast<uint8_t>(log[q + kHeaderBytes - 1]);
    if (type < kFull || type > kLast) continue;  // most are none: tell so at once
    if (header_at(log, q).length == 0 || !is_whole(log, q)) continue;
    behind.any = true;
    behind.new_write = type == kFull || type == kFirst;
  }
  return behind;
}

// Pages of an unfinished write that never reached the disk read as zeros.
bool has_hole(std::string_view log, size_t at) {
  const size_t end = block_end(at, log.size());
  for (size_t sector = (at + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
       sector + kSectorBytes <= end; sector += kSectorBytes) {
    const std::string_view bytes = log.substr(sector, kSectorBytes);
    if (bytes.find_first_not_of('\0') == std::string_view::npos) return true;
  }
  return log.substr(at, end - at).find_first_not_of('\0') == std::string_view::npos;
}

}  // namespace

WalVerdict judge_wal(std::string_view log, bool synced) {
  const std::optional<size_t> found = first_unreadable(log);
  if (!found) return {WalEnd::kClean, log.size()};
  const size_t at = *found;
  const WalVerdict torn{WalEnd::kTorn, at};
  const WalVerdict damaged{WalEnd::kDamaged, at};
  const Behind behind = readable_behind(log, at);
  const bool hole = has_hole(log, at);
  if (behind.new_write) return hole && !synced ? torn : damaged;
  if (hole) return torn;
  if (behind.any) return damaged;
  if (log.size() - at < kHeaderBytes) return torn;
  const Fragment fragment = header_at(log, at);
  if (at + kHeaderBytes + fragment.length <= log.size()) return damaged;  // whole, but not itself
  // Cut off, unless it is the length that lies.
  const size_t left = log.size() - at - kHeaderBytes;
  return checksum_fits(log, at, left, fragment.checksum) ? damaged : torn;
}

Result<std::vector<std::string>> wal_files(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code problem;
  for (std::filesystem::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    if (entry->path().extension() == ".log") files.push_back(entry->path().string());
  }
  if (problem) return unavailable(fmt::format("list {}: {}", folder, problem.message()));
  std::ranges::sort(files);
  return files;
}

Result<std::vector<TornLog>> check_wal(const std::string& folder, bool synced) {
  Result<std::vector<std::string>> files = wal_files(folder);
  if (!files) return files.error();
  std::vector<TornLog> torn;
  for (const std::string& file : *files) {
    Result<std::string> log = read_whole_file(file);
    if (!log) return log.error();
    const WalVerdict verdict = judge_wal(*log, synced);
    if (verdict.end == WalEnd::kDamaged) {
      return corrupt(fmt::format(
          "check log {}: damaged at byte {}; acknowledged events would be lost. Restore a backup "
          "of the data folder",
          file, verdict.offset));
    }
    if (verdict.end == WalEnd::kTorn) torn.push_back({file, log->size() - verdict.offset});
  }
  return torn;
}

}  // namespace tocsin::storage
