#include "storage/private_folder.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace tocsin::storage {
namespace {

constexpr mode_t kOwnerOnly = 0700;

}  // namespace

Status make_private_folder(const std::string& path) {
  std::error_code problem;
  if (std::filesystem::is_directory(path, problem)) return Status::ok();
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, problem);
  if (::mkdir(path.c_str(), kOwnerOnly) == 0 || errno == EEXIST) return Status::ok();
  return unavailable(fmt::format("make folder {}: {}", path, std::strerror(errno)));
}

}  // namespace tocsin::storage
