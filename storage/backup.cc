#include "storage/backup.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>

#include "storage/backup_engine.h"
#include "storage/log_durability.h"
#include "storage/private_folder.h"
#include "storage/rocksdb_key_value.h"
#include "storage/whole_file.h"

namespace tocsin::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRestoring = "restoring";

Result<std::unique_ptr<rocksdb::BackupEngineReadOnly>> open_backups(const std::string& folder) {
  std::error_code problem;
  if (!fs::is_directory(fs::path(folder) / "meta", problem)) {
    return not_found(fmt::format("read backups of {}: there are none", folder));
  }
  rocksdb::BackupEngineReadOnly* opened = nullptr;
  const rocksdb::IOStatus status =
      rocksdb::BackupEngineReadOnly::Open(engine_options(folder), rocksdb::Env::Default(), &opened);
  if (!status.ok()) return translate(status, fmt::format("read backups of {}", folder));
  return std::unique_ptr<rocksdb::BackupEngineReadOnly>(opened);
}

BackupList list_of(const rocksdb::BackupEngineReadOnly& engine) {
  BackupList list;
  std::vector<rocksdb::BackupInfo> infos;
  engine.GetBackupInfo(&infos);
  for (const rocksdb::BackupInfo& info : infos) {
    const std::optional<BackupNote> note = decode_backup_note(info.app_metadata);
    if (!note) {
      list.damaged.push_back(info.backup_id);
      continue;
    }
    list.backups.push_back({.number = info.backup_id,
                            .taken = WallTime(std::chrono::seconds(info.timestamp)),
                            .bytes = info.size,
                            .files = info.number_files,
                            .last_seq = note->last_seq});
  }
  std::vector<rocksdb::BackupID> damaged;
  engine.GetCorruptedBackups(&damaged);
  list.damaged.insert(list.damaged.end(), damaged.begin(), damaged.end());
  std::ranges::sort(list.damaged);
  return list;
}

// Empty, or with nothing but what a restore that was not finished has left.
Status check_is_free(const std::string& data) {
  std::error_code problem;
  if (!fs::exists(data, problem)) return Status::ok();
  const bool is_free = fs::is_directory(data, problem) &&
                       (fs::is_empty(data, problem) || is_restore_unfinished(data));
  if (is_free) return Status::ok();
  return invalid(fmt::format(
      "restore to {}: it is not empty; move what is in it away, or name another folder", data));
}

Result<Backup> choose(const rocksdb::BackupEngineReadOnly& engine, const std::string& folder,
                      uint32_t number) {
  const BackupList list = list_of(engine);
  if (number == 0 && !list.backups.empty()) return list.backups.back();
  for (const Backup& backup : list.backups) {
    if (backup.number == number) return backup;
  }
  if (std::ranges::binary_search(list.damaged, number)) {
    return corrupt(fmt::format("restore backup {} of {}: it is damaged; choose another (--list)",
                               number, folder));
  }
  return not_found(
      number == 0 ? fmt::format("restore a backup of {}: there is none", folder)
                  : fmt::format("restore backup {} of {}: there is none (--list)", number, folder));
}

// The order in which files are moved: CURRENT last, since it makes a data folder of them.
Result<std::vector<fs::path>> files_in(const std::string& folder) {
  std::vector<fs::path> files;
  std::error_code problem;
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    files.push_back(entry->path());
  }
  if (problem) return unavailable(fmt::format("list {}: {}", folder, problem.message()));
  std::ranges::stable_partition(files,
                                [](const auto& file) { return file.filename() != "CURRENT"; });
  return files;
}

}  // namespace

Result<BackupList> list_backups(const std::string& folder) {
  const auto engine = open_backups(folder);
  if (!engine) return engine.error();
  return list_of(**engine);
}

std::string restored_folder(const std::string& data) {
  return (fs::path(data) / kRestoring).string();
}

Result<Backup> copy_backup(const std::string& folder, uint32_t number, const std::string& data) {
  if (Status status = check_is_free(data); !status) return status.error();
  const auto engine = open_backups(folder);
  if (!engine) return engine.error();
  Result<Backup> backup = choose(**engine, folder, number);
  if (!backup) return backup;
  const std::string attempted = fmt::format("restore backup {} of {}", backup->number, folder);
  rocksdb::IOStatus status = (*engine)->VerifyBackup(backup->number, /*verify_with_checksum=*/true);
  if (!status.ok())
    return translate(status, attempted + ": it is damaged; choose another (--list)");
  drop_restore(data);
  for (const std::string& made : {data, restored_folder(data)}) {
    if (Status done = make_private_folder(made); !done) return done.error();
  }
  status =
      (*engine)->RestoreDBFromBackup(backup->number, restored_folder(data), restored_folder(data));
  if (!status.ok()) return translate(status, attempted);
  rocksdb::BackupInfo info;
  if (const rocksdb::Status got = (*engine)->GetBackupInfo(backup->number, &info); !got.ok()) {
    return translate(got, attempted);
  }
  Status told = write_log_durability(restored_folder(data),
                                     decode_backup_note(info.app_metadata)->durability);
  if (!told) return told.error();
  return backup;
}

// CURRENT is moved last. With it, the copy's own folder is nothing but a leftover.
bool is_restore_unfinished(const std::string& data) {
  std::error_code ignored;
  return fs::exists(restored_folder(data), ignored) &&
         !fs::exists(fs::path(data) / "CURRENT", ignored);
}

Status finish_restore(const std::string& data) {
  const Result<std::vector<fs::path>> files = files_in(restored_folder(data));
  if (!files) return files.error();
  for (const fs::path& file : *files) {
    if (Status status = sync_file(file.string()); !status) return status;
  }
  for (const fs::path& file : *files) {
    // What makes a data folder of the files must not be there before they are.
    Status status = file.filename() == "CURRENT" ? sync_file(data) : Status::ok();
    if (!status) return status;
    std::error_code problem;
    fs::rename(file, fs::path(data) / file.filename(), problem);
    if (problem) {
      return unavailable(fmt::format("move {} to {}: {}", file.string(), data, problem.message()));
    }
  }
  std::error_code ignored;
  fs::remove(restored_folder(data), ignored);
  return sync_file(data);
}

void drop_restore(const std::string& data) {
  if (!is_restore_unfinished(data)) return;
  // All of it: some files may have moved already. The mark goes last.
  std::error_code problem;
  for (fs::directory_iterator entry(data, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    std::error_code ignored;
    if (entry->path().filename() != kRestoring) fs::remove_all(entry->path(), ignored);
  }
  fs::remove_all(restored_folder(data), problem);
}

}  // namespace tocsin::storage
