#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/journal_writer.h"
#include "storage/store.h"

namespace tocsin::storage {

// What one commit will write, gathered. Buffers of the journal are kept from batch to batch.
//
// Thread-safety: one thread; journal().find() from any.
class PendingBatch : public Batch {
 public:
  PendingBatch(Compression compression, int level) : journal_(compression, level) {}

  // Forgets everything; the next record is number `first`.
  void begin(JournalSeq first);

  JournalSeq append(const Event& event) override { return journal_.append(event); }
  JournalSeq append(const Control& control) override { return journal_.append(control); }
  void put_alert(AlertRecord record) override;
  void put_dead_letter(DeadLetter letter) override;
  void put_position(std::string_view stream, std::string_view position) override;
  void put_state(std::string_view key, std::string_view value) override;
  void mark_checkpoint() override { checkpoint_ = true; }
  size_t events() const override { return journal_.events(); }
  size_t bytes() const override { return journal_.bytes() + bytes_; }
  bool empty() const override;

  using Entries = std::vector<std::pair<std::string, std::string>>;
  JournalWriter& journal() { return journal_; }
  const JournalWriter& journal() const { return journal_; }
  const std::vector<AlertRecord>& alerts() const { return alerts_; }
  const std::vector<DeadLetter>& dead_letters() const { return dead_letters_; }
  const Entries& positions() const { return positions_; }
  const Entries& state() const { return state_; }
  bool is_checkpoint() const { return checkpoint_; }

 private:
  JournalWriter journal_;
  std::vector<AlertRecord> alerts_;
  std::vector<DeadLetter> dead_letters_;
  Entries positions_;
  Entries state_;
  bool checkpoint_ = false;
  size_t bytes_ = 0;  // of all but the journal
};

}  // namespace tocsin::storage
