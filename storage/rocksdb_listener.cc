#include "storage/rocksdb_listener.h"

#include <array>
#include <cstdio>
#include <utility>

namespace tocsin::storage {
namespace {

constexpr size_t kMaxLine = 1024;

class HandingOn : public rocksdb::Logger {
 public:
  explicit HandingOn(std::function<void(const std::string& line)> tell)
      : Logger(rocksdb::InfoLogLevel::WARN_LEVEL), tell_(std::move(tell)) {}
  using Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    if (!tell_) return;
    std::array<char, kMaxLine> line;
    const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
    if (length > 0) tell_(line.data());
  }

 private:
  const std::function<void(const std::string& line)> tell_;
};

}  // namespace

void BackgroundErrors::OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) {
  const std::lock_guard lock(mutex_);
  if (first_.ok()) first_ = *error;
}

void BackgroundErrors::OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                                            bool* auto_recovery) {
  *auto_recovery = false;
}

rocksdb::Status BackgroundErrors::first() const {
  const std::lock_guard lock(mutex_);
  return first_;
}

std::shared_ptr<rocksdb::Logger> make_logger(std::function<void(const std::string& line)> tell) {
  return std::make_shared<HandingOn>(std::move(tell));
}

}  // namespace tocsin::storage
