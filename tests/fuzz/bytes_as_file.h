#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "rules/model/check.h"

namespace tocsin {

// Bytes under a path, for what reads a file; they are never on a disk.
class BytesAsFile {
 public:
  explicit BytesAsFile(std::string_view bytes) : file_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    TOCSIN_CHECK(file_ >= 0);
    TOCSIN_CHECK(::write(file_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  ~BytesAsFile() { ::close(file_); }
  BytesAsFile(const BytesAsFile&) = delete;
  BytesAsFile& operator=(const BytesAsFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  const int file_;
};

}  // namespace tocsin
