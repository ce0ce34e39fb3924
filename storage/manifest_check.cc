#include "storage/manifest_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "storage/wal_check.h"
#include "storage/whole_file.h"

namespace tocsin::storage {

Result<std::string> manifest_of(const std::string& folder) {
  const std::string current = folder + "/CURRENT";
  Result<std::string> name = read_whole_file(current);
  if (!name) return name.error();
  constexpr std::string_view kPrefix = "MANIFEST-";
  const bool good = name->starts_with(kPrefix) && name->ends_with('\n') &&
                    name->size() > kPrefix.size() + 1 &&
                    std::all_of(name->begin() + kPrefix.size(), name->end() - 1,
                                [](char c) { return c >= '0' && c <= '9'; });
  if (!good) {
    return corrupt(
        fmt::format("read {}: it names no MANIFEST; restore a backup of the data folder", current));
  }
  name->pop_back();
  return folder + "/" + *name;
}

Status check_manifest(const std::string& folder) {
  const Result<std::string> path = manifest_of(folder);
  if (!path) return path.error();
  const Result<std::string> bytes = read_whole_file(*path);
  if (!bytes) return bytes.error();
  // Each write to it is on the disk before the next begins, whatever the durability.
  const WalVerdict verdict = judge_wal(*bytes, /*synced=*/true);
  if (verdict.end != WalEnd::kDamaged) return Status::ok();
  return corrupt(fmt::format(
      "check {}: damaged at byte {}; table files would be forgotten. Restore a backup of the data "
      "folder",
      *path, verdict.offset));
}

}  // namespace tocsin::storage
