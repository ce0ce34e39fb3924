#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <thread>

#include "daemon/app.h"
#include "daemon/commands/commands.h"

// The half of App that follows a failure of the store: down with the station, up with another.
namespace tocsin::daemon {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kFirstWait{1};
constexpr std::chrono::seconds kLongestWait{60};
// What has worked for so long has worked; what fails sooner has only seemed to.
constexpr std::chrono::seconds kGoodSpell{60};
constexpr std::chrono::milliseconds kLeasePoll{1};

}  // namespace

Status App::open_station() {
  Result<std::unique_ptr<Station>> opened =
      Station::open({.config = config_,
                     .log = log_,
                     .metrics = metrics_,
                     .disk = disk_,
                     .rules = rules_,
                     .mirrors = mirrors_,
                     .symbols = symbols_,
                     .open_store = open_store_,
                     .is_stopping = [this] { return stop_requested_.load(); }},
                    instance_);
  if (!opened) return opened.error();
  std::shared_ptr<Station> fresh = std::move(*opened);
  instance_ = fresh->instance();
  ++station_number_;
  const std::scoped_lock lock(mutex_);
  station_ = std::move(fresh);
  return Status::ok();
}

Status App::start_station() {
  opened_at_ = steady_clock::now();
  return station()->start([this, number = station_number_](const Error& error) {
    boost::asio::post(main_, [this, number, error] {
      if (number == station_number_ && station() && !stop_requested_) lose_station(error);
    });
  });
}

void App::close_station(std::string away, bool comes_back) {
  std::shared_ptr<Station> last;
  {
    const std::scoped_lock lock(mutex_);
    last = std::exchange(station_, nullptr);
    away_ = std::move(away);
  }
  if (!last) return;
  last->stop(Milliseconds(0));
  if (comes_back) mirrors_.go_on_alone();
  // Requests that are under way have it for a moment; the store must be closed before it is opened.
  while (last.use_count() > 1) std::this_thread::sleep_for(kLeasePoll);
}

void App::lose_station(const Error& error) {
  metrics_.commit_failed();
  failed_at_ = steady_clock::now();
  if (failed_at_ - opened_at_ >= kGoodSpell) reopen_wait_ = std::chrono::seconds(0);
  const bool is_damaged = error.code == ErrorCode::kCorrupt;
  close_station("the store has failed: " + error.message, /*comes_back=*/!is_damaged);
  if (is_damaged) return end_damaged(error);
  log_.error("the store has failed; it is opened again until that works",
             {{"error", error.message},
              {"hint",
               "make room on the disk, or see to it; what was acknowledged is safe, senders keep "
               "the rest"}});
  reopen_later(error);
}

void App::reopen_later(const Error& error) {
  reopen_wait_ = reopen_wait_.count() == 0 ? kFirstWait : std::min(2 * reopen_wait_, kLongestWait);
  {
    const std::scoped_lock lock(mutex_);
    away_ = fmt::format("the store has failed and is opened again every {} s: {}",
                        reopen_wait_.count(), error.message);
  }
  reopen_timer_.expires_after(reopen_wait_);
  reopen_timer_.async_wait([this](boost::system::error_code aborted) {
    if (!aborted && !stop_requested_) reopen();
  });
}

void App::reopen() {
  disk_.look();
  Status status = open_station();
  if (status) status = start_station();
  if (stop_requested_) return;
  if (status) {
    ++reopened_;
    const std::chrono::duration<double> away = steady_clock::now() - failed_at_;
    log_.info("the store is open again", {{"after_seconds", fmt::format("{:.1f}", away.count())}});
    return;
  }
  const bool is_damaged = status.error().code == ErrorCode::kCorrupt;
  close_station("the store has failed: " + status.error().message, /*comes_back=*/!is_damaged);
  if (is_damaged) return end_damaged(status.error());
  log_.warn("the store cannot be opened again yet",
            {{"error", status.error().message},
             {"hint", "make room, or see to the disk and its mount; no restart is needed"}});
  reopen_later(status.error());
}

void App::end_damaged(const Error& error) {
  log_.error("the store is damaged; stopping",
             {{"error", error.message}, {"hint", "restore a backup of the data folder"}});
  exit_code_ = kEnvironment;
  // Whoever waits for rules to be loaded is still told.
  boost::asio::post(main_, [this] { main_.stop(); });
}

}  // namespace tocsin::daemon
