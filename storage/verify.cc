#include "storage/verify.h"

#include <fmt/format.h>
#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <rocksdb/file_checksum.h>

#include <filesystem>
#include <numeric>

#include "storage/log_durability.h"
#include "storage/manifest_check.h"
#include "storage/open_beside_owner.h"
#include "storage/verify_rows.h"
#include "storage/wal_check.h"
#include "storage/whole_file.h"

// The files; the rows in them are in verify_rows.h.
namespace tocsin::storage {
namespace {

constexpr std::string_view kFileCode = "T0530";
constexpr std::string_view kOpenCode = "T0531";
constexpr size_t kReadBytes = size_t{1} << 20;

class FolderCheck {
 public:
  FolderCheck(const std::string& folder, VerifyObserver& observer)
      : folder_(folder), observer_(observer), env_(rocksdb::Env::Default()) {}

  Result<VerifiedFolder> run() {
    std::error_code ignored;
    if (!std::filesystem::is_directory(folder_, ignored)) {
      return not_found(fmt::format("open data folder {}: there is none", folder_));
    }
    const bool is_listed = verify_manifest();
    if (Status status = verify_logs(); !status) return status.error();
    // The logs are judged already, and what they hold up to the damage is good.
    const auto tables = open_beside_owner({.path = folder_, .read_only = true}, env_,
                                          /*judge_logs=*/false);
    if (!tables && tables.error().code == ErrorCode::kCorrupt) {
      damaged(kOpenCode, folder_, tables.error().message);
    }
    if (!tables && !is_damaged_) return tables.error();
    if (!tables) return verify_unlisted_tables();
    verify_table_files(**tables);
    // Of a list that cannot be trusted, no row can be missed.
    if (is_listed) verify_rows(**tables, observer_, seen_);
    return seen_;
  }

 private:
  void damaged(std::string_view code, std::string where, std::string what) {
    is_damaged_ = true;
    observer_.damaged(
        {std::string(code), std::move(where), std::move(what), std::string(kRestore)});
  }

  // False when it is damaged.
  bool verify_manifest() {
    Status status = check_manifest(folder_);
    // The owner may just have begun a new one.
    if (!status && status.error().code == ErrorCode::kNotFound) status = check_manifest(folder_);
    if (!status && status.error().code == ErrorCode::kCorrupt) {
      damaged(kFileCode, folder_, status.error().message);
      return false;
    }
    if (status) ++seen_.files;
    return true;
  }

  Status verify_logs() {
    const Result<std::optional<Durability>> told = read_log_durability(folder_);
    if (!told && told.error().code != ErrorCode::kCorrupt) return told.error();
    if (!told) damaged(kFileCode, folder_ + "/DURABILITY", told.error().message);
    // The stricter when it is not known: damage is told already.
    const Durability logs = told ? told->value_or(Durability::kCommit) : Durability::kCommit;
    const Result<std::vector<std::string>> files = wal_files(folder_);
    if (!files) return files.error();
    for (const std::string& file : *files) {
      const Result<std::string> log = read_whole_file(file);
      if (!log && log.error().code == ErrorCode::kNotFound) continue;  // has become tables
      if (!log) return log.error();
      ++seen_.files;
      seen_.bytes += log->size();
      const WalVerdict verdict = judge_wal(*log, logs == Durability::kCommit);
      if (verdict.end != WalEnd::kDamaged) continue;
      damaged(kFileCode, file,
              fmt::format("damaged at byte {}; commits behind it are lost", verdict.offset));
    }
    return Status::ok();
  }

  void verify_table_files(const RocksDbKeyValue& tables) {
    const std::vector<rocksdb::LiveFileMetaData> files = tables.table_files();
    const uint64_t all = std::accumulate(
        files.begin(), files.end(), uint64_t{0},
        [](uint64_t sum, const rocksdb::LiveFileMetaData& file) { return sum + file.size; });
    uint64_t done = 0;
    for (const rocksdb::LiveFileMetaData& file : files) {
      const std::string path = folder_ + file.name;
      const rocksdb::Status status = file.file_checksum_func_name == kChecksum
                                         ? compare_checksum(path, file, done, all)
                                         : rocksdb::VerifySstFileChecksum({}, {}, path);
      ++seen_.files;
      seen_.bytes += file.size;
      observer_.progress("files", done += file.size, all);
      std::error_code ignored;
      if (status.ok() || !std::filesystem::exists(path, ignored)) continue;  // merged meanwhile
      damaged(kFileCode, path,
              fmt::format("of table {}: {}", file.column_family_name, status.ToString()));
    }
  }

  // What opening stumbled over is one of them; another may be damaged too.
  Result<VerifiedFolder> verify_unlisted_tables() {
    std::error_code problem;
    for (std::filesystem::directory_iterator entry(folder_, problem), end; !problem && entry != end;
         entry.increment(problem)) {
      if (entry->path().extension() != ".sst") continue;
      ++seen_.files;
      const rocksdb::Status status = rocksdb::VerifySstFileChecksum({}, {}, entry->path().string());
      std::error_code ignored;
      if (status.ok() || !std::filesystem::exists(entry->path(), ignored)) continue;
      damaged(kFileCode, entry->path().string(), status.ToString());
    }
    return seen_;
  }

  // Of the whole file, with the one that the MANIFEST has.
  rocksdb::Status compare_checksum(const std::string& path, const rocksdb::LiveFileMetaData& file,
                                   uint64_t done, uint64_t all) {
    std::unique_ptr<rocksdb::SequentialFile> reader;
    rocksdb::Status status = env_->NewSequentialFile(path, &reader, {});
    if (!status.ok()) return status;
    const auto checksum =
        rocksdb::GetFileChecksumGenCrc32cFactory()->CreateFileChecksumGenerator({});
    std::string buffer(kReadBytes, '\0');
    uint64_t size = 0;
    for (rocksdb::Slice bytes(" "); !bytes.empty();) {
      status = reader->Read(buffer.size(), &bytes, buffer.data());
      if (!status.ok()) return status;
      checksum->Update(bytes.data(), bytes.size());
      size += bytes.size();
      observer_.progress("files", done + size, all);
    }
    checksum->Finalize();
    if (size != file.size) {
      return rocksdb::Status::Corruption(
          fmt::format("it has {} bytes, {} were written", size, file.size));
    }
    if (checksum->GetChecksum() != file.file_checksum) {
      return rocksdb::Status::Corruption("its checksum is wrong");
    }
    return rocksdb::Status::OK();
  }

  static constexpr std::string_view kChecksum = "FileChecksumCrc32c";

  const std::string folder_;
  VerifyObserver& observer_;
  rocksdb::Env* const env_;
  VerifiedFolder seen_;
  bool is_damaged_ = false;
};

}  // namespace

Result<VerifiedFolder> verify_folder(const std::string& path, VerifyObserver& observer) {
  return FolderCheck(path, observer).run();
}

}  // namespace tocsin::storage
