#include "daemon/backups.h"

#include <fmt/format.h>

#include <chrono>

namespace tocsin::daemon {
namespace {

WallTime wall_now() { return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now()); }

}  // namespace

Backups::Backups(Options options, storage::Store& store, Metrics& metrics, Log& log)
    : options_(std::move(options)),
      store_(store),
      metrics_(metrics),
      log_(log),
      worker_(std::make_unique<http::Worker>("toc-backup")) {
  const auto kept = list();
  if (!kept) {
    log_.warn("the backups cannot be listed",
              {{"folder", options_.folder}, {"error", kept.error().message}});
  }
  const bool has_any = kept && !kept->backups.empty();
  metrics_.expect_backups(has_any ? kept->backups.back().taken : WallTime{});
}

Backups::~Backups() { stop(); }

void Backups::stop() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  worker_.reset();  // waits for it
}

std::optional<uint64_t> Backups::begin() {
  const std::scoped_lock lock(mutex_);
  if (ending_ || (run_ && !run_->ended)) return std::nullopt;
  run_ = Run{.number = run_ ? run_->number + 1 : 1, .started = wall_now()};
  worker_->post([this] { take(); });
  return run_->number;
}

std::optional<Backups::Run> Backups::last() const {
  const std::scoped_lock lock(mutex_);
  return run_;
}

Result<storage::BackupList> Backups::list() {
  const std::unique_lock folder(folder_mutex_, std::try_to_lock);
  if (!folder) {
    const std::scoped_lock lock(mutex_);
    return listed_;
  }
  auto list = storage::list_backups(options_.folder);
  if (!list && list.error().code == ErrorCode::kNotFound) return storage::BackupList{};
  if (!list) return list;
  const std::scoped_lock lock(mutex_);
  listed_ = *list;
  return list;
}

Result<storage::Backup> Backups::copy() {
  const std::scoped_lock folder(folder_mutex_);
  return store_.back_up(
      {.folder = options_.folder, .keep = options_.keep, .progress = [this](auto done, auto of) {
         const std::scoped_lock lock(mutex_);
         run_->done_bytes = done;
         run_->of_bytes = of;
         return !ending_;
       }});
}

void Backups::take() {
  const auto begin = std::chrono::steady_clock::now();
  const Result<storage::Backup> backup = copy();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const WallTime now = wall_now();
  metrics_.backup_ended(backup.has_value(), now);
  if (backup) {
    log_.info("backup taken", {{"number", std::to_string(backup->number)},
                               {"folder", options_.folder},
                               {"bytes", std::to_string(backup->bytes)},
                               {"journal", std::to_string(backup->last_seq)},
                               {"seconds", fmt::format("{:.1f}", took.count())}});
  } else {
    log_.error("no backup was taken; those before it stay",
               {{"folder", options_.folder},
                {"error", backup.error().message},
                {"hint", backup.error().code == ErrorCode::kCorrupt
                             ? "the data folder is damaged: `tocsin verify`, then restore the last "
                               "good backup"
                             : "mend the folder, then `tocsin backup` again"}});
  }
  const std::scoped_lock lock(mutex_);
  run_->ended = now;
  if (backup) {
    run_->backup = backup->number;
    run_->done_bytes = run_->of_bytes;
  } else {
    run_->error = backup.error().message;
  }
}

}  // namespace tocsin::daemon
