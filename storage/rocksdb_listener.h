#pragma once

#include <rocksdb/env.h>
#include <rocksdb/listener.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace tocsin::storage {

// Remembers the first error of RocksDB's work in the background, and keeps RocksDB from mending it
// by itself: whether what was acknowledged is still on the disk can only be told by opening anew.
// (In 7.8 its own way back writes on in a log whose last write failed, which ends the process.)
//
// Thread-safety: any thread.
class BackgroundErrors : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override;
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason, rocksdb::Status error,
                            bool* auto_recovery) override;
  rocksdb::Status first() const;

 private:
  mutable std::mutex mutex_;
  rocksdb::Status first_;  // guarded by mutex_
};

// Hands on what RocksDB would write into files of its own beside the data. On a full disk these
// cannot be written either, and 7.8 ends the process when it tries a second time.
// `tell` is called from any thread; empty: nobody hears.
std::shared_ptr<rocksdb::Logger> make_logger(std::function<void(const std::string& line)> tell);

}  // namespace tocsin::storage
