#include "daemon/data_paths.h"

#include <cstdlib>
#include <filesystem>

namespace tocsin::daemon {

std::string default_data_path(std::string_view name) {
  namespace fs = std::filesystem;
  if (const char* home = std::getenv("TOCSIN_HOME"); home != nullptr && *home != '\0') {
    return (fs::path(home) / name).string();
  }
  std::error_code error;
  if (const fs::path built_from = fs::path(TOCSIN_DATA_ROOT) / name;
      fs::exists(built_from, error)) {
    return built_from.string();
  }
  return (fs::path("/usr/share/tocsin") / name).string();
}

}  // namespace tocsin::daemon
