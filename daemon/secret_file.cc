#include "daemon/secret_file.h"

#include <fstream>

namespace tocsin::daemon {

Result<std::string> read_secret(const std::string& path) {
  std::ifstream file(path);
  std::string secret;
  if (!std::getline(file, secret)) secret.clear();
  if (!secret.empty() && secret.back() == '\r') secret.pop_back();
  if (secret.empty()) return unavailable("read the secret in " + path + ": nothing there");
  return secret;
}

}  // namespace tocsin::daemon
