#include "tests/support/fault_file_system.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

namespace tocsin {
namespace {

namespace fs = std::filesystem;
using rocksdb::IOStatus;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// RocksDB names a folder with and without a slash behind it.
std::string folder_of(const std::string& name) {
  return fs::path(name).parent_path().lexically_normal().string();
}

IOStatus error_of(FaultFileSystem::Fault fault) {
  IOStatus status;
  switch (fault) {
    case FaultFileSystem::Fault::kNoSpace:
      status = IOStatus::NoSpace("No space left on device");
      status.SetRetryable(true);  // as the real one says
      return status;
    case FaultFileSystem::Fault::kIoError:
      return IOStatus::IOError("Input/output error");
    case FaultFileSystem::Fault::kReadOnly:
      return IOStatus::IOError("Read-only file system");
    case FaultFileSystem::Fault::kNoPower:
      return IOStatus::IOError("No power");
  }
  return status;
}

}  // namespace

class FaultFileSystem::File : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(std::unique_ptr<rocksdb::FSWritableFile> real, FaultFileSystem& system, std::string name)
      : FSWritableFileOwnerWrapper(std::move(real)), system_(system), name_(std::move(name)) {}

  IOStatus Append(const rocksdb::Slice& data, const Io& options, Debug* debug) override {
    IOStatus status = system_.next(kWrite);
    const size_t written = status.ok() ? data.size() : data.size() / 2;
    const IOStatus real =
        FSWritableFileOwnerWrapper::Append({data.data(), written}, options, debug);
    if (!real.ok()) return real;
    size_ += written;
    system_.note_size(name_, size_);
    return status;
  }
  IOStatus Append(const rocksdb::Slice& data, const Io& options,
                  const rocksdb::DataVerificationInfo&, Debug* debug) override {
    return Append(data, options, debug);
  }
  // What a power cut leaves is said here; to wait for the real disk would only take time.
  IOStatus Sync(const Io&, Debug*) override {
    IOStatus status = system_.next(kSync);
    if (status.ok()) system_.note_synced(name_, size_);
    return status;
  }
  IOStatus Fsync(const Io& options, Debug* debug) override { return Sync(options, debug); }

 private:
  FaultFileSystem& system_;
  const std::string name_;
  uint64_t size_ = 0;
};

class FaultFileSystem::Folder : public rocksdb::FSDirectoryWrapper {
 public:
  Folder(std::unique_ptr<rocksdb::FSDirectory> real, FaultFileSystem& system, std::string name)
      : FSDirectoryWrapper(std::move(real)), system_(system), name_(std::move(name)) {}

  IOStatus Fsync(const Io&, Debug*) override {
    IOStatus status = system_.next(kSync);
    if (status.ok()) system_.note_folder_synced(name_);
    return status;
  }
  IOStatus FsyncWithDirOptions(const Io& options, Debug* debug,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  FaultFileSystem& system_;
  const std::string name_;
};

void FaultFileSystem::fail_from(int nth, Fault fault, unsigned operations, bool once) {
  const std::scoped_lock lock(mutex_);
  armed_ = true;
  failed_ = false;
  left_ = nth;
  once_ = once;
  operations_ = operations;
  fault_ = fault;
}

void FaultFileSystem::repair() {
  const std::scoped_lock lock(mutex_);
  armed_ = false;
}

bool FaultFileSystem::has_failed() const {
  const std::scoped_lock lock(mutex_);
  return failed_;
}

int FaultFileSystem::counted(unsigned operations) const {
  const std::scoped_lock lock(mutex_);
  int sum = 0;
  for (const auto& [operation, count] : counted_) {
    if ((operation & operations) != 0) sum += count;
  }
  return sum;
}

void FaultFileSystem::count_anew() {
  const std::scoped_lock lock(mutex_);
  counted_.clear();
}

IOStatus FaultFileSystem::next(unsigned operation) {
  const std::scoped_lock lock(mutex_);
  ++counted_[operation];
  if (!armed_ || (operation & operations_) == 0 || --left_ > 0) return IOStatus::OK();
  failed_ = true;
  if (once_) armed_ = false;
  return error_of(fault_);
}

bool FaultFileSystem::fails_reads() const {
  const std::scoped_lock lock(mutex_);
  return armed_ && fault_ == Fault::kIoError;
}

uint64_t FaultFileSystem::synced_bytes(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = files_.find(name);
  return found == files_.end() ? 0 : found->second.synced;
}

void FaultFileSystem::note_size(const std::string& name, uint64_t size) {
  const std::scoped_lock lock(mutex_);
  files_[name].size = size;
}

void FaultFileSystem::note_synced(const std::string& name, uint64_t size) {
  const std::scoped_lock lock(mutex_);
  files_[name].synced = size;
}

void FaultFileSystem::note_change_of(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  if (changed_names_.contains(name)) return;
  Before before;
  before.existed = fs::exists(name);
  if (before.existed) before.content = read_file(name);
  changed_names_.emplace(name, std::move(before));
}

void FaultFileSystem::note_folder_synced(const std::string& folder) {
  const std::scoped_lock lock(mutex_);
  const std::string synced = folder_of(folder + "/.");
  std::erase_if(changed_names_, [&](const auto& each) { return folder_of(each.first) == synced; });
}

void FaultFileSystem::power_on(Tail tail) {
  const std::scoped_lock lock(mutex_);
  armed_ = false;
  for (const auto& [name, bytes] : files_) {
    if (bytes.synced >= bytes.size || !fs::exists(name)) continue;
    std::string content = read_file(name);
    const uint64_t half = bytes.synced + (bytes.size - bytes.synced) / 2;
    content.resize(tail == Tail::kHalf ? half : bytes.synced);
    if (tail == Tail::kZeros) content.resize(bytes.size, '\0');
    write_file(name, content);
  }
  for (const auto& [name, before] : changed_names_) {
    if (before.existed) {
      write_file(name, before.content);
    } else {
      fs::remove(name);
    }
  }
  files_.clear();
  changed_names_.clear();
}

IOStatus FaultFileSystem::NewWritableFile(const std::string& name, const Options& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* file,
                                          Debug* debug) {
  IOStatus status = next(kOpen);
  if (!status.ok()) return status;
  note_change_of(name);
  std::unique_ptr<rocksdb::FSWritableFile> real;
  status = FileSystemWrapper::NewWritableFile(name, options, &real, debug);
  if (!status.ok()) return status;
  note_synced(name, 0);
  note_size(name, 0);
  *file = std::make_unique<File>(std::move(real), *this, name);
  return status;
}

// Reading changes nothing, and a full or read-only disk can be read.
IOStatus FaultFileSystem::NewSequentialFile(const std::string& name, const Options& options,
                                            std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                            Debug* debug) {
  if (fails_reads()) {
    if (IOStatus status = next(kOpen); !status.ok()) return status;
  }
  return FileSystemWrapper::NewSequentialFile(name, options, file, debug);
}

IOStatus FaultFileSystem::NewRandomAccessFile(const std::string& name, const Options& options,
                                              std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                              Debug* debug) {
  if (fails_reads()) {
    if (IOStatus status = next(kOpen); !status.ok()) return status;
  }
  return FileSystemWrapper::NewRandomAccessFile(name, options, file, debug);
}

IOStatus FaultFileSystem::NewDirectory(const std::string& name, const Io& options,
                                       std::unique_ptr<rocksdb::FSDirectory>* folder,
                                       Debug* debug) {
  std::unique_ptr<rocksdb::FSDirectory> real;
  IOStatus status = FileSystemWrapper::NewDirectory(name, options, &real, debug);
  if (status.ok()) *folder = std::make_unique<Folder>(std::move(real), *this, name);
  return status;
}

IOStatus FaultFileSystem::RenameFile(const std::string& from, const std::string& to,
                                     const Io& options, Debug* debug) {
  IOStatus status = next(kRename);
  if (!status.ok()) return status;
  note_change_of(from);
  note_change_of(to);
  status = FileSystemWrapper::RenameFile(from, to, options, debug);
  if (!status.ok()) return status;
  const std::scoped_lock lock(mutex_);
  if (const auto moved = files_.extract(from); !moved.empty()) files_[to] = moved.mapped();
  return status;
}

IOStatus FaultFileSystem::DeleteFile(const std::string& name, const Io& options, Debug* debug) {
  IOStatus status = next(kRemove);
  if (!status.ok()) return status;
  note_change_of(name);
  return FileSystemWrapper::DeleteFile(name, options, debug);
}

IOStatus FaultFileSystem::LockFile(const std::string& name, const Io& options,
                                   rocksdb::FileLock** lock, Debug* debug) {
  IOStatus status = next(kOpen);
  if (!status.ok()) return status;
  return FileSystemWrapper::LockFile(name, options, lock, debug);
}

}  // namespace tocsin
