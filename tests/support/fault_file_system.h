#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <ostream>
#include <set>
#include <string>
#include <vector>

namespace tocsin {

// A test that fails each operation in turn takes many minutes under a sanitizer: there it fails
// every fourth.
inline constexpr int kFaultStride = TOCSIN_FAULT_STRIDE;

// The real file system, until the n-th operation that changes something: that one fails, and all
// after it, as on a full, dying or read-only disk, or once. Knows what a power cut would leave.
//
// Thread-safety: any thread; power_off() and power_on() while no file is being opened.
class FaultFileSystem : public rocksdb::FileSystemWrapper {
 public:
  enum class Fault { kNoSpace, kIoError, kReadOnly, kNoPower };
  // Kinds of operations, to be joined by |.
  static constexpr unsigned kWrite = 1;  // half of the bytes get there
  static constexpr unsigned kSync = 2;   // of a file or a folder
  static constexpr unsigned kOpen =
      4;  // of a file to be written; of one to be read too, with kIoError
  static constexpr unsigned kRename = 8;
  static constexpr unsigned kRemove = 16;
  static constexpr unsigned kAll = kWrite | kSync | kOpen | kRename | kRemove;

  FaultFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultFileSystem"; }

  // The `nth` of these operations from now (1: the next) and all after it; with `once` that alone.
  void fail_from(int nth, Fault fault, unsigned operations = kWrite | kSync, bool once = false);
  void repair();
  // Whether anything has failed since fail_from().
  bool has_failed() const;
  // So many of these have been asked for since the start, or the last call of count_anew().
  int counted(unsigned operations = kAll) const;
  void count_anew();

  // Bytes at the beginning of a file that are on the disk for good.
  uint64_t synced_bytes(const std::string& name) const;

  // What is left of the bytes of a file that were written and not synced.
  enum class Tail { kGone, kHalf, kZeros };
  // From the `nth` operation on nothing reaches the disk any more. Then, once everything is closed,
  // power_on() leaves the folders as a power cut does: without what was not synced, and with names
  // as they were when their folder was synced last.
  void power_off(int nth) { fail_from(nth, Fault::kNoPower, kAll); }
  void power_on(Tail tail);

  using Options = rocksdb::FileOptions;
  using Io = rocksdb::IOOptions;
  using Debug = rocksdb::IODebugContext;
  using Status = rocksdb::IOStatus;
  Status NewWritableFile(const std::string& name, const Options& options,
                         std::unique_ptr<rocksdb::FSWritableFile>* file, Debug* debug) override;
  Status NewSequentialFile(const std::string& name, const Options& options,
                           std::unique_ptr<rocksdb::FSSequentialFile>* file, Debug* debug) override;
  Status NewRandomAccessFile(const std::string& name, const Options& options,
                             std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                             Debug* debug) override;
  Status NewDirectory(const std::string& name, const Io& options,
                      std::unique_ptr<rocksdb::FSDirectory>* folder, Debug* debug) override;
  Status RenameFile(const std::string& from, const std::string& to, const Io& options,
                    Debug* debug) override;
  Status DeleteFile(const std::string& name, const Io& options, Debug* debug) override;
  Status LockFile(const std::string& name, const Io& options, rocksdb::FileLock** lock,
                  Debug* debug) override;

 private:
  class File;
  class Folder;
  // What a name was before its folder was last synced; "" stands for no file.
  struct Before {
    std::string content;
    bool existed = false;
  };

  Status next(unsigned operation);
  bool fails_reads() const;
  void note_size(const std::string& name, uint64_t size);
  void note_synced(const std::string& name, uint64_t size);
  void note_change_of(const std::string& name);
  void note_folder_synced(const std::string& folder);

  mutable std::mutex mutex_;
  // All guarded by mutex_:
  bool armed_ = false;
  bool failed_ = false;
  int left_ = 0;
  bool once_ = false;
  unsigned operations_ = 0;
  Fault fault_ = Fault::kNoSpace;
  std::map<unsigned, int> counted_;
  struct Bytes {
    uint64_t size = 0;
    uint64_t synced = 0;
  };
  std::map<std::string, Bytes> files_;  // that were written since the last power cut
  std::map<std::string, Before> changed_names_;
};

// What a test has the disk do at one operation after the other.
struct Trouble {
  int number;
  const char* name;
  FaultFileSystem::Fault fault;
  bool once = false;
  FaultFileSystem::Tail tail = FaultFileSystem::Tail::kGone;  // of a power cut
};
inline void PrintTo(const Trouble& trouble, std::ostream* to) { *to << trouble.name; }

}  // namespace tocsin
