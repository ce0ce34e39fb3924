#include "daemon/alert_log_sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tocsin::daemon {
namespace {

// More than one batch of the largest alerts, so that whatever a crash left unmarked lies inside.
constexpr off_t kTailBytes = 16 << 20;

// 0, or errno.
int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

bool read_all(int fd, off_t from, std::string& to) {
  for (size_t done = 0; done < to.size();) {
    const ssize_t got =
        ::pread(fd, to.data() + done, to.size() - done, from + static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<size_t>(got);
  }
  return true;
}

// A new name is on the disk only when its folder is.
bool sync_folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool good = ::fsync(fd) == 0;
  ::close(fd);
  return good;
}

}  // namespace

AlertLogSink::AlertLogSink(std::string name, std::string path, OnTorn on_torn)
    : name_(std::move(name)), path_(std::move(path)), on_torn_(std::move(on_torn)) {}

AlertLogSink::~AlertLogSink() { close(); }

void AlertLogSink::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Error AlertLogSink::failure(const char* what) const {
  return unavailable(std::string(what) + " " + path_ + ": " + std::strerror(errno));
}

bool AlertLogSink::is_moved_away() const {
  struct stat here {};
  struct stat there {};
  if (::fstat(fd_, &here) != 0 || ::stat(path_.c_str(), &there) != 0) return true;
  return here.st_ino != there.st_ino || here.st_dev != there.st_dev;
}

Status AlertLogSink::open_if_needed() {
  if (fd_ >= 0 && is_moved_away()) close();
  return fd_ >= 0 ? Status::ok() : open();
}

Status AlertLogSink::open() {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd_ < 0) return failure("open");
  if (!sync_folder_of(path_)) {
    const Error error = failure("sync the folder of");
    close();
    return error;
  }
  Status status = read_tail();
  if (!status) close();
  return status;
}

Status AlertLogSink::read_tail() {
  tail_.clear();
  struct stat file {};
  if (::fstat(fd_, &file) != 0) return failure("stat");
  if (!S_ISREG(file.st_mode) || file.st_size == 0) return Status::ok();
  const off_t from = std::max<off_t>(0, file.st_size - kTailBytes);
  std::string tail(static_cast<size_t>(file.st_size - from), '\0');
  if (!read_all(fd_, from, tail)) return failure("read the end of");
  const size_t last_end = tail.rfind('\n');
  const size_t whole = last_end == std::string::npos ? 0 : last_end + 1;
  if (whole != tail.size() && (from == 0 || whole > 0)) {
    if (::ftruncate(fd_, from + static_cast<off_t>(whole)) != 0)
      return failure("cut half a line off");
    if (on_torn_) on_torn_(tail.size() - whole);
  }
  for (size_t begin = 0; begin < whole;) {
    const size_t end = tail.find('\n', begin);
    tail_.insert(hash128(std::string_view(tail).substr(begin, end - begin)));
    begin = end + 1;
  }
  // What is found here counts as delivered, and may be of a process that was killed before it could
  // sync it.
  return ::fdatasync(fd_) == 0 ? Status::ok() : failure("sync");
}

Status AlertLogSink::deliver(const std::vector<Notification>& notifications) {
  if (Status status = open_if_needed(); !status) return status;
  // In order, so what a crash left unmarked comes first; from the first new one on nothing is
  // known.
  size_t known = 0;
  while (known < notifications.size() && tail_.contains(hash128(notifications[known].json)))
    ++known;
  if (known == notifications.size()) return Status::ok();
  std::string lines;
  for (; known < notifications.size(); ++known) lines += notifications[known].json + '\n';
  Status status = append(lines);
  if (status) tail_.clear();
  return status;
}

Status AlertLogSink::send_heartbeat(const std::string& json) {
  if (Status status = open_if_needed(); !status) return status;
  return append(json + "\n");
}

Status AlertLogSink::append(const std::string& lines) {
  struct stat before {};
  if (::fstat(fd_, &before) != 0) return failure("stat");
  const int error = write_all(fd_, lines);
  // A pipe has nothing to sync.
  if (error == 0 && (::fdatasync(fd_) == 0 || errno == EINVAL)) return Status::ok();
  if (error != 0) errno = error;
  const Error problem = failure("append to");
  // All or none. Where this fails too, opening the file again looks at what its end holds.
  const int truncated = ::ftruncate(fd_, before.st_size);
  static_cast<void>(truncated);
  close();
  return problem;
}

}  // namespace tocsin::daemon
