#include "daemon/rebuild.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <fmt/format.h>

#include <algorithm>

#include "rules/model/hash.h"

namespace tocsin::daemon {
namespace {

using State = std::map<std::string, std::string>;

size_t shards_of(const State& state) {
  constexpr std::string_view kPrefix = "shard/";
  const auto found = state.lower_bound(std::string(kPrefix));
  if (found == state.end() || !found->first.starts_with(kPrefix)) return 1;
  return std::max<size_t>(1, std::strtoul(found->first.c_str() + kPrefix.size(), nullptr, 10));
}

// A key with its bytes of numbers readable.
std::string readable(std::string_view key) {
  std::string text;
  for (const char c : key) {
    if (c >= ' ' && c <= '~') {
      text += c;
    } else {
      fmt::format_to(std::back_inserter(text), "\\x{:02x}", static_cast<uint8_t>(c));
    }
  }
  return text;
}

class Comparison {
 public:
  Comparison(storage::Store& store, const RebuildOptions& options)
      : store_(store), options_(options) {}

  Result<RebuildReport> run() {
    if (store_.first_seq() > 1) {
      return invalid(fmt::format(
          "retention has dropped the records before {}: state that rests on them cannot be "
          "computed again",
          store_.first_seq()));
    }
    if (store_.erased_before() != kMinEventTime) {
      return invalid(fmt::format(
          "retention has erased the content of marked events that happened before {}: state that "
          "rests on them cannot be computed again",
          format_date(store_.erased_before())));
    }
    if (Status status = read_state(); !status) return status.error();
    if (Status status = read_log(); !status) return status.error();
    const Result<std::string> text = Pipeline::rules_at_checkpoint(store_);
    if (!text) return text.error();
    const auto bundle = options_.compile(*text);
    if (bundle == nullptr) {
      return invalid(
          "the rules that the saved state belongs to are not kept or no longer compile; start the "
          "daemon once with rules that load, or use the tocsin that wrote the folder");
    }
    Pipeline pipeline(store_, bundle, *text, {.shards = shards_of(saved_), .revision_share = 0});
    report_.records = store_.last_seq();
    report_.checkpoint = store_.checkpoint_seq();
    if (Status status = recompute(pipeline, 0, report_.checkpoint); !status) return status.error();
    compare_state();
    Status status = recompute(pipeline, report_.checkpoint, report_.records);
    if (!status) return status.error();
    if (status = compare_alerts(pipeline.undecided_to()); !status) return status.error();
    // Where the two differ, what is told next is numbered after what was told.
    if (status = pipeline.follow_log(); !status) return status.error();
    take_state(pipeline);
    return std::move(report_);
  }

 private:
  void differ(std::string what) {
    if (++report_.differences <= options_.told_differences) {
      report_.first_differences.push_back(std::move(what));
    }
  }

  Status recompute(Pipeline& pipeline, JournalSeq from, JournalSeq to) {
    const Pipeline::Told told = [this](Hash128 alert, uint32_t seq, const std::string& json) {
      decided_[{alert, seq}] = hash128(json);
    };
    const Pipeline::Progress progress = [&](uint64_t done, uint64_t) {
      return !options_.progress || options_.progress(from + done, report_.records);
    };
    Status status = pipeline.recompute(to, options_.compile, progress, told, report_.warning);
    if (status) take_state(pipeline);
    return status;
  }

  void take_state(Pipeline& pipeline) {
    pipeline.save([this](std::string_view key, std::string_view value) {
      if (value.empty()) {
        report_.state.erase(std::string(key));
      } else {
        report_.state.insert_or_assign(std::string(key), value);
      }
    });
  }

  Status read_state() {
    return store_.read_state([this](std::string_view key, std::string_view value) {
      if (!Pipeline::is_of_the_journal(key)) return;
      saved_.insert_or_assign(std::string(key), value);
    });
  }

  Status read_log() {
    uint64_t first = 0;
    uint64_t last = 0;
    uint64_t kept = 0;
    Status status = store_.read_alert_log(0, [&](const storage::Store::StoredAlert& stored) {
      if (kept++ == 0) first = stored.order;
      last = stored.order;
      logged_.insert(stored.alert);
      return true;
    });
    is_log_whole_ = kept != 0 && first == 1 && last == kept;
    return status;
  }

  // What was known of an alert that retention has dropped depends on when that was.
  bool is_of_dropped_alert(std::string_view key) const {
    Hash128 alert;
    return !is_log_whole_ && Pipeline::is_of_told_alert(key, alert) && !logged_.contains(alert);
  }

  void compare_state() {
    report_.state_entries = saved_.size();
    for (const auto& [key, value] : saved_) {
      if (is_of_dropped_alert(key)) continue;
      const auto found = report_.state.find(key);
      if (found == report_.state.end()) {
        differ(fmt::format("state {}: saved, but the journal gives none", readable(key)));
      } else if (found->second != value) {
        differ(fmt::format("state {}: {} bytes are saved, the journal gives {} others",
                           readable(key), value.size(), found->second.size()));
      }
    }
    for (const auto& [key, value] : report_.state) {
      if (!saved_.contains(key) && !is_of_dropped_alert(key)) {
        differ(fmt::format("state {}: the journal gives it, but it is not saved", readable(key)));
      }
    }
  }

  Status compare_alerts(uint64_t undecided_to) {
    Status status = store_.read_alert_log(0, [&](const storage::Store::StoredAlert& stored) {
      if (stored.order <= undecided_to) {
        ++report_.undecided;
        return true;
      }
      ++report_.transitions;
      const auto found = decided_.find({stored.alert, stored.seq});
      if (found == decided_.end()) {
        differ(fmt::format("alert {} seq {}: told, but the journal gives no such transition",
                           to_hex(stored.alert), stored.seq));
        return true;
      }
      if (found->second != hash128(stored.json)) {
        differ(fmt::format("alert {} seq {}: the journal gives other words or numbers",
                           to_hex(stored.alert), stored.seq));
      }
      decided_.erase(found);
      return true;
    });
    if (!status) return status;
    for (const auto& [key, hash] : decided_) {
      if (!is_log_whole_) {
        ++report_.forgotten;
        continue;
      }
      differ(fmt::format("alert {} seq {}: the journal gives it, but it was never told",
                         to_hex(key.first), key.second));
    }
    return Status::ok();
  }

  storage::Store& store_;
  const RebuildOptions& options_;
  RebuildReport report_;
  State saved_;
  absl::flat_hash_set<Hash128> logged_;
  bool is_log_whole_ = false;
  absl::flat_hash_map<std::pair<Hash128, uint32_t>, Hash128> decided_;  // JSON, hashed
};

}  // namespace

Result<RebuildReport> rebuild(storage::Store& store, const RebuildOptions& options) {
  return Comparison(store, options).run();
}

Status replace_state(storage::Store& store, const RebuildReport& report, WallTime now) {
  storage::Batch& batch = store.begin();
  std::vector<std::string> gone;
  Status status = store.read_state([&](std::string_view key, std::string_view) {
    if (Pipeline::is_of_the_journal(key)) gone.emplace_back(key);
  });
  if (!status) return status;
  for (const std::string& key : gone) {
    if (!report.state.contains(key)) batch.put_state(key, {});
  }
  for (const auto& [key, value] : report.state) batch.put_state(key, value);
  batch.mark_checkpoint();
  return store.commit(batch, now);
}

}  // namespace tocsin::daemon
