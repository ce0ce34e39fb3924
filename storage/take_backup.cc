#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <filesystem>
#include <set>

#include "storage/backup_engine.h"
#include "storage/folder_lock.h"
#include "storage/private_folder.h"
#include "storage/rocksdb_key_value.h"

namespace tocsin::storage {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kProgressBytes = uint64_t{1} << 20;
constexpr std::string_view kSharedTables = "shared_checksum";  // BackupEngine's name for them
constexpr std::string_view kNoteBegins = "tocsin backup/1 last_seq=";

// "000123.sst" and "000123_sSESSION_1048576.sst" are the same table of that size.
std::string table_id(std::string_view number, uint64_t size) {
  return fmt::format("{}/{}", number.substr(0, number.find_first_not_of("0123456789")), size);
}

// Of tables that no backup has yet.
uint64_t bytes_to_copy(rocksdb::DB& db, const std::string& folder) {
  std::set<std::string> there;
  std::error_code problem;
  for (fs::directory_iterator entry(fs::path(folder) / kSharedTables, problem), end;
       !problem && entry != end; entry.increment(problem)) {
    std::error_code gone;
    there.insert(table_id(entry->path().filename().string(), entry->file_size(gone)));
  }
  std::vector<rocksdb::LiveFileMetaData> files;
  db.GetLiveFilesMetaData(&files);
  uint64_t bytes = 0;
  for (const rocksdb::LiveFileMetaData& file : files) {
    const std::string_view name = std::string_view(file.name).substr(file.name.find('/') + 1);
    if (!there.contains(table_id(name, file.size))) bytes += file.size;
  }
  return bytes;
}

}  // namespace

rocksdb::BackupEngineOptions engine_options(const std::string& folder) {
  rocksdb::BackupEngineOptions options(folder);
  options.share_table_files = true;
  options.share_files_with_checksum = true;
  options.sync = true;
  options.callback_trigger_interval_size = kProgressBytes;
  return options;
}

std::string encode(const BackupNote& note) {
  return fmt::format("{}{} durability={}", kNoteBegins, note.last_seq,
                     note.durability == Durability::kCommit ? "commit" : "interval");
}

std::optional<BackupNote> decode_backup_note(std::string_view text) {
  if (!text.starts_with(kNoteBegins)) return std::nullopt;
  BackupNote note;
  const char* begin = text.data() + kNoteBegins.size();
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), note.last_seq);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view rest = text.substr(static_cast<size_t>(end - text.data()));
  note.durability =
      rest.starts_with(" durability=interval") ? Durability::kInterval : Durability::kCommit;
  return note;
}

Status check_backup_folder(const std::string& folder) {
  std::error_code problem;
  const bool is_other = fs::is_directory(folder, problem) && !fs::is_empty(folder, problem) &&
                        !fs::exists(fs::path(folder) / "meta", problem);
  // Its own lock may be all that an attempt has left.
  const bool is_begun = fs::exists(fs::path(folder) / "LOCK", problem) &&
                        !fs::exists(fs::path(folder) / "CURRENT", problem);
  if (!is_other || is_begun) return Status::ok();
  return invalid(fmt::format(
      "back up to {}: there is something else in it; give backups a folder of their own", folder));
}

Result<Backup> take_backup(rocksdb::DB& db, const BackupOptions& options, const BackupNote& note) {
  const std::string attempted = fmt::format("back up to {}", options.folder);
  if (Status status = check_backup_folder(options.folder); !status) return status.error();
  if (Status status = make_private_folder(options.folder); !status) return status.error();
  rocksdb::Env* env = rocksdb::Env::Default();
  const FolderLock lock(options.folder, env);
  if (!lock.status().ok()) {
    return unavailable(fmt::format("{}: another backup is being taken there", attempted));
  }
  rocksdb::BackupEngine* opened = nullptr;
  rocksdb::IOStatus status =
      rocksdb::BackupEngine::Open(engine_options(options.folder), env, &opened);
  if (!status.ok()) return translate(status, attempted);
  const std::unique_ptr<rocksdb::BackupEngine> engine(opened);

  const uint64_t all = bytes_to_copy(db, options.folder);
  std::atomic<uint64_t> done{0};
  rocksdb::CreateBackupOptions create;
  create.flush_before_backup = true;
  create.progress_callback = [&] {
    done += kProgressBytes;
    if (options.progress && !options.progress(std::min<uint64_t>(done, all), all)) {
      engine->StopBackup();
    }
  };
  rocksdb::BackupID number = 0;
  status = engine->CreateNewBackupWithMetadata(create, &db, encode(note), &number);
  if (!status.ok()) return translate(status, attempted);
  rocksdb::BackupInfo info;
  if (const rocksdb::Status got = engine->GetBackupInfo(number, &info); !got.ok()) {
    return translate(got, attempted);
  }
  if (options.keep != 0) {
    status = engine->PurgeOldBackups(options.keep);
    if (!status.ok()) {
      return translate(status, fmt::format("{}: backup {} was taken; remove those before it",
                                           attempted, number));
    }
  }
  return Backup{.number = number,
                .taken = WallTime(std::chrono::seconds(info.timestamp)),
                .bytes = info.size,
                .files = info.number_files,
                .last_seq = note.last_seq};
}

}  // namespace tocsin::storage
