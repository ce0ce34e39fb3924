#include "daemon/alert_log.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>

namespace tocsin::daemon {
namespace {

// alert/1 has a fixed key order: the id follows the format.
constexpr std::string_view kBeforeId = R"({"format":"alert/1","id":")";
constexpr size_t kIdDigits = 32;

std::string_view id_of(std::string_view line) {
  if (!line.starts_with(kBeforeId) || line.size() < kBeforeId.size() + kIdDigits) return {};
  return line.substr(kBeforeId.size(), kIdDigits);
}

}  // namespace

Result<std::vector<std::string>> read_alert_from_log(const std::string& path, std::string_view id) {
  std::ifstream file(path);
  if (!file) return unavailable(fmt::format("read alert log {}: {}", path, std::strerror(errno)));
  std::map<std::string, std::vector<std::string>> found;
  for (std::string line; std::getline(file, line);) {
    const std::string_view of = id_of(line);
    if (!of.empty() && of.starts_with(id)) found[std::string(of)].push_back(std::move(line));
  }
  if (found.empty()) return not_found(fmt::format("no alert in {} begins with `{}`", path, id));
  if (found.size() > 1) {
    std::vector<std::string> ids;
    for (const auto& [whole, lines] : found) ids.push_back(whole);
    if (ids.size() > 10) ids.resize(10);
    return invalid(fmt::format("`{}` begins several alerts: {}; give more of the id", id,
                               fmt::join(ids, ", ")));
  }
  return std::move(found.begin()->second);
}

}  // namespace tocsin::daemon
