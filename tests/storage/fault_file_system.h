#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace tocsin::storage::testing {

// The real file system, until the n-th write or sync to a file: that one and all after it fail, as
// on a full or dying disk. Knows what a power cut would leave of each file.
class FaultFileSystem : public rocksdb::FileSystemWrapper {
 public:
  enum class Fault { kNoSpace, kIoError };

  FaultFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultFileSystem"; }

  // From the `nth` write (1: the next) on.
  void fail_from(int nth, Fault fault) {
    fault_ = fault;
    left_ = nth;
    armed_ = true;
  }
  void repair() { armed_ = false; }
  // Bytes at the beginning of a file that are on the disk for good.
  uint64_t synced_bytes(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = synced_.find(name);
    return found == synced_.end() ? 0 : found->second;
  }
  // Writes and syncs since the start.
  int writes() const { return writes_; }

  rocksdb::IOStatus next_write() {
    ++writes_;
    if (!armed_ || --left_ > 0) return rocksdb::IOStatus::OK();
    return fault_ == Fault::kNoSpace ? rocksdb::IOStatus::NoSpace("No space left on device")
                                     : rocksdb::IOStatus::IOError("Input/output error");
  }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override {
    std::unique_ptr<rocksdb::FSWritableFile> real;
    rocksdb::IOStatus status = FileSystemWrapper::NewWritableFile(name, options, &real, debug);
    if (status.ok()) *file = std::make_unique<FaultFile>(std::move(real), *this, name);
    return status;
  }

 private:
  class FaultFile : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    FaultFile(std::unique_ptr<rocksdb::FSWritableFile> real, FaultFileSystem& system,
              std::string name)
        : FSWritableFileOwnerWrapper(std::move(real)), system_(system), name_(std::move(name)) {}

    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      rocksdb::IOStatus status = system_.next_write();
      if (status.ok()) {
        size_ += data.size();
        return FSWritableFileOwnerWrapper::Append(data, options, debug);
      }
      // Half of it got there.
      FSWritableFileOwnerWrapper::Append({data.data(), data.size() / 2}, options, debug)
          .PermitUncheckedError();
      return status;
    }
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             const rocksdb::DataVerificationInfo&,
                             rocksdb::IODebugContext* debug) override {
      return Append(data, options, debug);
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
      rocksdb::IOStatus status = system_.next_write();
      if (!status.ok()) return status;
      system_.note_synced(name_, size_);
      return FSWritableFileOwnerWrapper::Sync(options, debug);
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                            rocksdb::IODebugContext* debug) override {
      rocksdb::IOStatus status = system_.next_write();
      if (!status.ok()) return status;
      system_.note_synced(name_, size_);
      return FSWritableFileOwnerWrapper::Fsync(options, debug);
    }

   private:
    FaultFileSystem& system_;
    const std::string name_;
    uint64_t size_ = 0;
  };

  void note_synced(const std::string& name, uint64_t size) {
    const std::lock_guard lock(mutex_);
    synced_[name] = size;
  }

  std::atomic<bool> armed_{false};
  std::atomic<int> left_{0};
  std::atomic<int> writes_{0};
  Fault fault_ = Fault::kNoSpace;
  mutable std::mutex mutex_;  // guards:
  std::map<std::string, uint64_t> synced_;
};

}  // namespace tocsin::storage::testing
