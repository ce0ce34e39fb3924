#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rules/model/result.h"
#include "storage/store.h"

// Looks through a data folder: every byte of its files, and every promise that its tables make to
// one another (README.md, "Verify"). Changes nothing, also beside the daemon that owns it.
namespace tocsin::storage {

// Something that is not what was written, or contradicts what was written beside it.
struct Damage {
  std::string code;    // stable, by what is damaged: "T0530"; README.md lists them
  std::string where;   // a file, or a table and a key in it
  std::string what;    // what is wrong there
  std::string remedy;  // what to do
};

// Takes what is found, and judges what storage only keeps for others. Called in the order of its
// functions: all names before the first position, and so on.
// Thread-safety: called on the thread that verifies.
class VerifyObserver {
 public:
  virtual ~VerifyObserver() = default;
  virtual void damaged(Damage damage) = 0;
  // Of `what` ("files", "records") so much is done.
  virtual void progress(std::string_view what, uint64_t done, uint64_t of) = 0;

  virtual void on_name(std::string_view name, std::string_view value) = 0;
  virtual void on_position(std::string_view stream, std::string_view position) = 0;
  virtual void on_state(std::string_view key, std::string_view value) = 0;
  // Each transition, by alert and seq.
  virtual void on_alert(const Store::StoredAlert& alert) = 0;
  // Each record, in order. The event's numbers mean nothing: a name is known to the chunk alone.
  virtual void on_event(JournalSeq seq, std::string_view source, const Event& event) = 0;
  virtual void on_control(JournalSeq seq, const Control& control) = 0;
  // `key`: its event_key, where ids or the record still have it.
  virtual void on_erased(JournalSeq seq, const ErasedEvent& erased,
                         const std::optional<Hash128>& key) = 0;
};

// What there was to look at.
struct VerifiedFolder {
  uint64_t files = 0;  // tables, logs, MANIFEST
  uint64_t bytes = 0;  // of them
  JournalSeq first_seq = 0;
  JournalSeq last_seq = 0;
  JournalSeq checkpoint_seq = 0;
  WallTime first_committed{};  // when the first record that is kept was
  uint64_t events = 0;         // with those that were erased
  uint64_t erased = 0;
  uint64_t ids = 0;
  uint64_t alerts = 0;
  uint64_t transitions = 0;
  uint64_t outbox = 0;
  uint64_t dead_letters = 0;
  uint64_t state_entries = 0;
};

// Damage is told to the observer and does not end the look: what can be read is read. An error
// means that nothing is known: kNotFound when there is no data folder, kInvalid when its format is
// another one, kUnavailable when the disk does not answer.
Result<VerifiedFolder> verify_folder(const std::string& path, VerifyObserver& observer);

}  // namespace tocsin::storage
