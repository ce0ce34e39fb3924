#include "storage/whole_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace tocsin::storage {
namespace {

constexpr mode_t kOwnerOnly = 0600;

// A file handle that closes itself.
class Handle {
 public:
  Handle(const std::string& path, int flags) : fd_(::open(path.c_str(), flags, kOwnerOnly)) {}
  ~Handle() {
    if (fd_ >= 0) ::close(fd_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

 private:
  int fd_;
};

Error failed(std::string_view attempted, const std::string& path, int error) {
  const std::string message =
      fmt::format("{} {}: {}", attempted, path, std::generic_category().message(error));
  return error == ENOENT ? not_found(message) : unavailable(message);
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

Result<std::string> read_whole_file(const std::string& path) {
  const Handle file(path, O_RDONLY | O_CLOEXEC);
  if (!file.is_open()) return failed("open", path, errno);
  struct stat info {};
  if (::fstat(file.fd(), &info) != 0) return failed("look at", path, errno);
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = ::read(file.fd(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path, errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  bytes.resize(size);
  return bytes;
}

Status write_whole_file(const std::string& path, std::string_view bytes) {
  const std::string fresh = path + ".new";
  {
    const Handle file(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC);
    if (!file.is_open()) return failed("make", fresh, errno);
    if (!write_all(file.fd(), bytes) || ::fsync(file.fd()) != 0) {
      return failed("write", fresh, errno);
    }
  }
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return failed("replace", path, errno);
  const std::string folder = path.substr(0, path.find_last_of('/') + 1);
  return sync_file(folder.empty() ? "." : folder);
}

Status sync_file(const std::string& path) {
  const Handle file(path, O_RDONLY | O_CLOEXEC);
  if (!file.is_open() || ::fsync(file.fd()) != 0) return failed("sync", path, errno);
  return Status::ok();
}

}  // namespace tocsin::storage
