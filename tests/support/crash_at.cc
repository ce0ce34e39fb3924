// Preloaded into a daemon, ends it by SIGKILL at a chosen call that changes something outside of
// the process: the n-th write, sync, send, rename… of a thread on a kind of file or socket.
//
//   TOCSIN_CRASH="toc-pipeline fdatasync log 3 before"   thread, call, target, number, where
//   TOCSIN_CRASH_TRACE=FILE                              a line for each such call instead
//
// `before`, `after`, or `half`: half of the bytes are written. Targets are the names of files
// without digits ("log", "sst", "MANIFEST-"), and "socket".
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

enum class Where { kNowhere, kBefore, kHalf, kAfter };

struct Plan {
  std::string step;  // "THREAD CALL TARGET"
  long number = 0;
  Where where = Where::kNowhere;
  int trace = -1;
  std::atomic<long> met{0};
};

Plan& plan() {
  static Plan* const the_plan = [] {
    auto* const made = new Plan;  // never destroyed: calls come until the very end
    if (const char* trace = std::getenv("TOCSIN_CRASH_TRACE")) {
      made->trace = open(trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    }
    if (const char* crash = std::getenv("TOCSIN_CRASH")) {
      const std::string text = crash;
      const size_t where = text.rfind(' ');
      const size_t number = text.rfind(' ', where - 1);
      made->step = text.substr(0, number);
      made->number = std::atol(text.c_str() + number);
      const std::string_view word = std::string_view(text).substr(where + 1);
      made->where = word == "before" ? Where::kBefore
                    : word == "half" ? Where::kHalf
                                     : Where::kAfter;
    }
    return made;
  }();
  return *the_plan;
}

std::string kind_of(std::string_view path) {
  if (path.starts_with("socket:")) return "socket";
  const size_t slash = path.rfind('/');
  std::string_view name = path.substr(slash == std::string_view::npos ? 0 : slash + 1);
  // "000012.log" and "000012.sst" by what they are, all else by the name.
  const size_t dot = name.find('.');
  const bool is_numbered = dot != std::string_view::npos && dot > 0 &&
                           std::isdigit(static_cast<unsigned char>(name.front())) != 0;
  if (is_numbered) name.remove_prefix(dot + 1);
  std::string kind;
  for (const char c : name) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0 && c != ' ') kind += c;
  }
  return kind.empty() ? "unnamed" : kind;
}

std::string kind_of(int fd) {
  char link[64];
  char path[512];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, sizeof path);
  return size <= 0 ? "closed" : kind_of(std::string_view(path, static_cast<size_t>(size)));
}

// Where the process shall end at this call.
Where meet(const char* call, const std::string& target) {
  Plan& the = plan();
  if (the.trace < 0 && the.where == Where::kNowhere) return Where::kNowhere;
  char thread[16] = {};
  prctl(PR_GET_NAME, thread);
  const std::string step = std::string(thread) + ' ' + call + ' ' + target;
  if (the.trace >= 0) {
    const std::string line = step + '\n';
    syscall(SYS_write, the.trace, line.data(), line.size());
  }
  if (step != the.step || the.met.fetch_add(1) + 1 != the.number) return Where::kNowhere;
  return the.where;
}

void end_here() {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// `half` does half of the call; nullptr where there is no such thing.
template <typename Call, typename Half>
auto around(const char* name, const std::string& target, Call call, Half half) {
  const Where where = meet(name, target);
  if (where == Where::kBefore) end_here();
  if (where == Where::kHalf) {
    half();
    end_here();
  }
  const auto result = call();
  if (where == Where::kAfter) end_here();
  return result;
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* bytes, size_t size) {
  static auto* const call = real<ssize_t(int, const void*, size_t)>("write");
  if (fd == 2) return call(fd, bytes, size);
  return around(
      "write", kind_of(fd), [&] { return call(fd, bytes, size); },
      [&] { call(fd, bytes, size / 2); });
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  static auto* const call = real<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  return around(
      "write", kind_of(fd), [&] { return call(fd, bytes, size, at); },
      [&] { call(fd, bytes, size / 2, at); });
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  return pwrite64(fd, bytes, size, at);
}

ssize_t writev(int fd, const iovec* parts, int count) {
  static auto* const call = real<ssize_t(int, const iovec*, int)>("writev");
  return around(
      "write", kind_of(fd), [&] { return call(fd, parts, count); },
      [&] { call(fd, parts, count / 2); });
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static auto* const call = real<ssize_t(int, const msghdr*, int)>("sendmsg");
  return around(
      "send", kind_of(fd), [&] { return call(fd, message, flags); },
      [&] {
        if (message->msg_iovlen == 0) return;
        ::send(fd, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len / 2, flags);
      });
}

int fsync(int fd) {
  static auto* const call = real<int(int)>("fsync");
  return around(
      "sync", kind_of(fd), [&] { return call(fd); }, [] {});
}

int fdatasync(int fd) {
  static auto* const call = real<int(int)>("fdatasync");
  return around(
      "sync", kind_of(fd), [&] { return call(fd); }, [] {});
}

int rename(const char* from, const char* to) {
  static auto* const call = real<int(const char*, const char*)>("rename");
  return around(
      "rename", kind_of(std::string_view(to)), [&] { return call(from, to); }, [] {});
}

int unlink(const char* path) {
  static auto* const call = real<int(const char*)>("unlink");
  return around(
      "unlink", kind_of(std::string_view(path)), [&] { return call(path); }, [] {});
}

int ftruncate64(int fd, off64_t size) {
  static auto* const call = real<int(int, off64_t)>("ftruncate64");
  return around(
      "truncate", kind_of(fd), [&] { return call(fd, size); }, [] {});
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

}  // extern "C"
