#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "daemon/http/backend.h"
#include "rules/model/catalogue.h"
#include "storage/memory_store.h"
#include "tests/daemon/alert_texts.h"

namespace tocsin::daemon {

// A daemon without a pipeline: keeps batches, answers them as it is told.
class FakeBackend final : public http::Backend {
 public:
  FakeBackend() { store_->set_catalogue(std::make_shared<Catalogue>()); }

  Taken push(ingest::RawBatch& batch) override {
    const std::scoped_lock lock(mutex_);
    if (taken != Taken::kYes) return taken;
    bodies_.push_back(batch.bytes.substr(0, batch.size));
    keep_refused = batch.keep_refused;
    if (hold) {
      held_.push_back(std::move(batch.on_committed));
      held_changed_.notify_all();
    } else if (!receipts.empty()) {
      const ingest::Receipt next = receipts.front();
      receipts.pop_front();
      batch.on_committed(next);
    } else {
      batch.on_committed(receipt);
    }
    return Taken::kYes;
  }
  std::string why_paused() override { return paused_because; }
  std::shared_ptr<const ingest::CurrentSymbols> symbols() override { return symbols_; }
  bool is_mapped(std::string_view stream) const override { return stream == mapped_stream; }
  std::shared_ptr<storage::Store> store() override {
    if (before_store) before_store();
    return store_is_away ? nullptr : store_;
  }
  std::shared_ptr<Backups> backups() override { return configured_backups; }
  DaemonStatus status() override {
    DaemonStatus status;
    status.version = "test";
    status.missing = missing_;
    status.store = store_->statistics();
    status.alerts = open_alerts;
    status.pipeline = pipeline;
    status.awaited_sources = awaited_sources;
    return status;
  }
  std::vector<std::string> missing() override { return missing_; }
  void reload(std::function<void(ReloadReport)> done) override { done(reload_report); }

  void commit(const std::vector<AlertText>& alerts,
              const std::vector<storage::DeadLetter>& letters = {}) {
    storage::Batch& batch = store_->begin();
    for (const AlertText& alert : alerts) batch.put_alert(alert.record());
    for (const storage::DeadLetter& letter : letters) batch.put_dead_letter(letter);
    const Status status = store_->commit(batch, WallTime{});
    if (!status) throw std::runtime_error(status.error().message);
  }

  // As it was when it was made.
  void start_anew() {
    const std::scoped_lock lock(mutex_);
    bodies_.clear();
    store_ = storage::make_memory_store();
    store_->set_catalogue(std::make_shared<Catalogue>());
  }

  // Set before requests are made.
  Taken taken = Taken::kYes;
  std::string paused_because;
  bool store_is_away = false;
  bool hold = false;
  std::function<void()> before_store;
  std::string mapped_stream;
  std::deque<ingest::Receipt> receipts;  // of the first batches
  ingest::Receipt receipt;               // of the others
  std::shared_ptr<const OpenAlerts> open_alerts;
  std::shared_ptr<const PipelineSnapshot> pipeline;
  std::vector<std::string> awaited_sources;
  ReloadReport reload_report;
  std::shared_ptr<Backups> configured_backups;
  std::vector<std::string> missing_;

  bool keep_refused = true;  // of the last batch

  std::vector<std::string> bodies() {
    const std::scoped_lock lock(mutex_);
    return bodies_;
  }
  // Waits for the first batch that is held, and takes its answer away.
  std::function<void(const ingest::Receipt&)> take_held() {
    std::unique_lock lock(mutex_);
    held_changed_.wait(lock, [&] { return !held_.empty(); });
    auto first = std::move(held_.front());
    held_.erase(held_.begin());
    return first;
  }

 private:
  std::mutex mutex_;
  std::condition_variable held_changed_;
  std::vector<std::string> bodies_;                                // guarded by mutex_
  std::vector<std::function<void(const ingest::Receipt&)>> held_;  // guarded by mutex_
  std::shared_ptr<storage::Store> store_ = storage::make_memory_store();
  std::shared_ptr<const ingest::CurrentSymbols> symbols_ =
      std::make_shared<ingest::CurrentSymbols>(std::make_shared<Catalogue>());
};

}  // namespace tocsin::daemon
