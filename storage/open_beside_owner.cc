#include "storage/open_beside_owner.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "storage/log_durability.h"
#include "storage/manifest_check.h"
#include "storage/wal_check.h"

namespace tocsin::storage {
namespace {

namespace fs = std::filesystem;

// An owner under full load takes a log away every few seconds; opening takes less.
constexpr int kAttempts = 20;

Result<std::vector<fs::path>> data_files(const std::string& folder) {
  std::vector<fs::path> files;
  std::error_code problem;
  for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    const fs::path& path = entry->path();
    if (path.extension() == ".log" || path.extension() == ".sst" ||
        path.filename().string().starts_with("MANIFEST-")) {
      files.push_back(path);
    }
  }
  if (problem == std::errc::no_such_file_or_directory) {
    return not_found(fmt::format("open data folder {}: there is none", folder));
  }
  if (problem) return unavailable(fmt::format("list {}: {}", folder, problem.message()));
  std::ranges::sort(files);
  return files;
}

bool has_all_logs(const std::vector<fs::path>& now, const std::vector<fs::path>& before) {
  return std::ranges::all_of(before, [&](const fs::path& file) {
    return file.extension() != ".log" || std::ranges::binary_search(now, file);
  });
}

Status judge(const std::string& folder) {
  const Result<std::optional<Durability>> told = read_log_durability(folder);
  if (!told) return told.error();
  const bool synced = told->value_or(Durability::kCommit) == Durability::kCommit;
  if (const auto torn = check_wal(folder, synced); !torn) return torn.error();
  Status status = check_manifest(folder);
  const bool is_new = !status && status.error().code == ErrorCode::kNotFound;
  return is_new ? Status::ok() : status;
}

}  // namespace

Result<std::unique_ptr<RocksDbKeyValue>> open_beside_owner(const RocksDbOptions& options,
                                                           rocksdb::Env* env, bool judge_logs) {
  for (int attempt = 1;; ++attempt) {
    const Result<std::vector<fs::path>> files = data_files(options.path);
    if (!files) return files.error();
    const Status judged = judge_logs ? judge(options.path) : Status::ok();
    Result<std::unique_ptr<RocksDbKeyValue>> tables =
        judged ? RocksDbKeyValue::open(options, env) : judged.error();
    const Result<std::vector<fs::path>> now = data_files(options.path);
    if (!now) return now.error();
    // Of what was opened the tables are held, and new logs do no harm; of what was not, any file
    // that came or went may be the reason.
    const bool undisturbed = tables ? has_all_logs(*now, *files) : *now == *files;
    if (undisturbed || attempt == kAttempts) {
      if (undisturbed || !tables) return tables;
      return unavailable(
          fmt::format("open data folder {}: its owner takes logs away faster than they are read; "
                      "try again",
                      options.path));
    }
  }
}

}  // namespace tocsin::storage
