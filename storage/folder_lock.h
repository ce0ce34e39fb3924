#pragma once

#include <rocksdb/env.h>

#include <string>

namespace tocsin::storage {

// RocksDB's own lock of a folder, held as long as the object: of a data folder so that nobody
// writes to the logs while they are judged, of a folder of backups so that one works in it at a
// time.
class FolderLock {
 public:
  FolderLock(const std::string& folder, rocksdb::Env* env)
      : env_(env), status_(env->LockFile(folder + "/LOCK", &lock_)) {}
  ~FolderLock() {
    if (lock_ != nullptr) env_->UnlockFile(lock_).PermitUncheckedError();
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  // Not OK when another process, or another object, holds it.
  const rocksdb::Status& status() const { return status_; }

 private:
  rocksdb::Env* const env_;
  rocksdb::FileLock* lock_ = nullptr;
  const rocksdb::Status status_;
};

}  // namespace tocsin::storage
