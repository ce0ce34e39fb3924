#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "storage/verify.h"

namespace tocsin::storage::testing {

// Keeps what verify_folder() tells.
class RecordingObserver : public VerifyObserver {
 public:
  void damaged(Damage found) override { damage.push_back(std::move(found)); }
  void progress(std::string_view, uint64_t, uint64_t) override {}
  void on_name(std::string_view, std::string_view) override {}
  void on_position(std::string_view, std::string_view) override {}
  void on_state(std::string_view, std::string_view) override {}
  void on_alert(const Store::StoredAlert&) override {}
  void on_event(JournalSeq, std::string_view source, const Event& event) override {
    events.push_back(fmt::format("{}/{}", source, event.id));
  }
  void on_control(JournalSeq, const Control&) override {}
  void on_erased(JournalSeq seq, const ErasedEvent&, const std::optional<Hash128>&) override {
    events.push_back(fmt::format("erased {}", seq));
  }

  // A line each; "" when there is none.
  std::string text() const {
    std::string lines;
    for (const Damage& each : damage) {
      lines += fmt::format("{} {}: {} ({})\n", each.code, each.where, each.what, each.remedy);
    }
    return lines;
  }

  std::vector<Damage> damage;
  std::vector<std::string> events;
};

}  // namespace tocsin::storage::testing
