#pragma once

#include <absl/container/flat_hash_map.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rules/engine.h"
#include "rules/load/bundle_text.h"
#include "rules/told_alerts.h"
#include "storage/verify.h"

namespace tocsin::daemon {

// Judges what storage keeps of the daemon without reading it: texts of alerts, the events that they
// name, saved state and the rules that it belongs to, positions.
// Thread-safety: one thread at a time.
class FolderVerification : public storage::VerifyObserver {
 public:
  using Progress = std::function<void(std::string_view what, uint64_t done, uint64_t of)>;
  explicit FolderVerification(Progress progress) : progress_(std::move(progress)) {}

  // After verify_folder(): what can only be judged when everything was seen.
  void finish(const storage::VerifiedFolder& seen);

  // The first of what was found; a table that is damaged all over tells the same again and again.
  static constexpr size_t kMostDamage = 1000;
  const std::vector<storage::Damage>& damage() const { return damage_; }
  uint64_t damage_count() const { return damage_count_; }
  // Where each input goes on, by stream.
  const std::map<std::string, std::string>& positions() const { return positions_; }
  // What is no damage and yet worth knowing.
  const std::vector<std::string>& remarks() const { return remarks_; }

  void damaged(storage::Damage damage) override;
  void progress(std::string_view what, uint64_t done, uint64_t of) override;
  void on_name(std::string_view name, std::string_view value) override;
  void on_position(std::string_view stream, std::string_view position) override;
  void on_state(std::string_view key, std::string_view value) override;
  void on_alert(const storage::Store::StoredAlert& alert) override;
  void on_event(JournalSeq seq, std::string_view source, const Event& event) override;
  void on_control(JournalSeq seq, const storage::Control& control) override;
  void on_erased(JournalSeq seq, const storage::ErasedEvent& erased,
                 const std::optional<Hash128>& key) override;

 private:
  void found(std::string_view code, std::string where, std::string what);
  void verify_engine_entry(std::string_view key, std::string_view value);
  void compare_open_alerts();
  void verify_evidence(const storage::VerifiedFolder& seen);
  bool has_our_version(const std::string& where, std::string_view value);
  // Of the checkpoint; nullptr when it is not there or does not compile, which is told once.
  rules::Engine* engine();

  const Progress progress_;
  std::vector<storage::Damage> damage_;
  uint64_t damage_count_ = 0;
  std::vector<std::string> remarks_;
  std::map<std::string, std::string> positions_;

  std::map<std::string, rules::BundleText, std::less<>> bundles_;  // by hash
  std::string checkpoint_bundle_;
  std::unique_ptr<rules::Engine> engine_;
  bool engine_was_tried_ = false;
  bool has_older_state_ = false;
  rules::ToldAlerts told_;
  std::set<JournalSeq> unrevised_;         // places, without those that are events
  bool is_to_be_rebuilt_ = false;          // the state is not to be restored
  bool has_bad_state_ = false;             // some of it could not be read
  std::set<Hash128> open_;                 // alerts that the log has open
  std::set<Hash128> untold_;               // those that rules hold and have yet to tell
  EventTime first_event_ = kMinEventTime;  // of those that are left
  // What happened before may have been erased, without its id.
  EventTime erased_before_ = kMinEventTime;
  // Events that alerts name and that the journal has not shown yet.
  struct Evidence {
    std::string alert;  // one that names it
    EventTime time = kMinEventTime;
  };
  absl::flat_hash_map<Hash128, Evidence> evidence_;
};

}  // namespace tocsin::daemon
