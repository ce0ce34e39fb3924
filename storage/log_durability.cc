#include "storage/log_durability.h"

#include <fmt/format.h>

#include "storage/whole_file.h"

namespace tocsin::storage {
namespace {

// Part of the persistent format.
constexpr std::string_view kCommit = "commit\n";
constexpr std::string_view kInterval = "interval\n";

std::string path_in(const std::string& folder) { return folder + "/DURABILITY"; }

}  // namespace

Result<std::optional<Durability>> read_log_durability(const std::string& folder) {
  const Result<std::string> text = read_whole_file(path_in(folder));
  if (text && *text == kCommit) return std::optional(Durability::kCommit);
  if (text && *text == kInterval) return std::optional(Durability::kInterval);
  if (text) {
    return corrupt(fmt::format(
        "read {}: neither `commit` nor `interval`; restore a backup of the data folder, or write "
        "the durability that was configured into it",
        path_in(folder)));
  }
  if (text.error().code == ErrorCode::kNotFound) return std::optional<Durability>();
  return text.error();
}

Status write_log_durability(const std::string& folder, Durability durability) {
  return write_whole_file(path_in(folder), durability == Durability::kCommit ? kCommit : kInterval);
}

}  // namespace tocsin::storage
