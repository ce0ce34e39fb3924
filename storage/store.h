#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/model/alert.h"
#include "rules/model/arena.h"
#include "rules/model/catalogue.h"
#include "rules/model/event.h"
#include "rules/model/hash.h"
#include "rules/model/result.h"
#include "storage/backup.h"

namespace tocsin::storage {

// A record of the journal beside events: what time or people decided, so that a replay of the
// journal meets the same decisions at the same place.
struct Control {
  enum class Kind : uint8_t {
    kAdvance = 0,
    kActivate = 1,
    kEndSource = 2,
    kExpectSource = 3,
    kRevise = 4,  // what the corrections and late events before it change is decided here
    kLeavePartition = 5
  };  // persistent, do not renumber
  Kind kind = Kind::kAdvance;
  std::string source;      // of all but kRevise; of kActivate how (daemon/activation_record.h)
  EventTime time{};        // of kAdvance
  std::string bundle;      // of kActivate: hash of the bundle, hex
  uint16_t partition = 0;  // of kLeavePartition
};

// What is left of an event whose content retention has erased: nothing that tells who, where or
// what.
struct ErasedEvent {
  Tlp tlp = Tlp::kRed;
  Operation op = Operation::kAssert;
  EventTime day{};  // 00:00 UTC of the day on which it happened
  // Of a correction or retraction, its event_key: what it revises must not come back. Else zero.
  Hash128 key;
  friend bool operator==(const ErasedEvent&, const ErasedEvent&) = default;
};

inline constexpr size_t kTlps = 5;

// One line of the alert log.
struct AlertRecord {
  Hash128 alert;
  uint32_t seq = 0;
  bool open = true;    // false when the transition ended the alert
  bool notify = true;  // false for shadow rules: recorded, not sent
  std::string json;    // alert/1, canonical bytes without newline
};

// An input that became no event.
struct DeadLetter {
  std::string
      reason;  // closed list, label of tocsin_dead_letters_total: "syntax", "unknown_indicator"…
  std::string message;   // for people: what, where, what to do
  std::string stream;    // where it came from: "http", "kafka/topic/3", "file/NAME"
  int64_t position = 0;  // line, offset or row there
  WallTime at{};
  std::string raw;      // the bytes as they came, cut at 64 KiB
  uint64_t number = 0;  // given by the store, from 1
};

// Everything one commit makes durable, all or nothing. Filled by the pipeline, reused.
class Batch {
 public:
  virtual ~Batch() = default;
  // Appends to the journal and gives the event its number; numbers go up by one.
  virtual JournalSeq append(const Event& event) = 0;
  virtual JournalSeq append(const Control& control) = 0;
  // A transition that the log has already (same alert, seq not above the last) is left out when it
  // is the same bytes; with others the commit is kInvalid, and nothing of it is written.
  virtual void put_alert(AlertRecord record) = 0;
  virtual void put_dead_letter(DeadLetter letter) = 0;
  // Next position to read of a stream ("kafka/topic/3", "file/…"): opaque text of its source.
  virtual void put_position(std::string_view stream, std::string_view position) = 0;
  // Engine state, with the checkpoint that it belongs to.
  virtual void put_state(std::string_view key, std::string_view value) = 0;  // empty value deletes
  virtual void mark_checkpoint() = 0;  // state is as of the last append of this batch
  virtual size_t events() const = 0;
  // Of memory, about: journal records before packing, and all else that is put, with its keys. What
  // a commit is bounded by, since events alone say little of dead letters.
  virtual size_t bytes() const = 0;
  virtual bool empty() const = 0;
};

// An entry to be sent to a sink.
struct OutboxEntry {
  uint64_t number = 0;  // order of commit, the key for done()
  Hash128 alert;
  uint32_t seq = 0;
  WallTime committed{};
  std::string json;
};

struct StoreStatistics {
  uint64_t journal_events = 0;  // erased ones too
  JournalSeq last_seq = 0;
  uint64_t alerts_open = 0;
  uint64_t alert_records = 0;
  uint64_t dead_letters = 0;
  uint64_t dead_letters_dropped = 0;  // because there were too many, since the opening
  uint64_t disk_bytes = 0;
  std::map<std::string, uint64_t> outbox_depth;  // by sink
  std::map<std::string, double> engine;          // RocksDB's own, by property name
};

// The durable truth: journal, alert log, outbox, positions, dead letters, engine state.
//
// commit() is atomic and, with durability `commit`, on the disk when it returns. After a failed
// commit the store refuses everything with kUnavailable until reopened: the outcome is unknown.
// Thread-safety: begin/commit from one thread; reading calls from any thread.
class Store {
 public:
  virtual ~Store() = default;

  // The catalogue turns names into ids when journal records are read back; call before reading
  // events, and again when the catalogue changes.
  virtual void set_catalogue(std::shared_ptr<const Catalogue> catalogue) = 0;

  // kUnavailable after a failed write, or when work in the background has failed: it must be
  // reopened. kCorrupt when that has met damage.
  virtual Status health() const = 0;

  // The one batch, emptied.
  virtual Batch& begin() = 0;
  virtual Status commit(Batch& batch, WallTime now) = 0;

  virtual JournalSeq last_seq() const = 0;
  // Of the oldest record that retention has left; last_seq() + 1 when there is none.
  virtual JournalSeq first_seq() const = 0;

  // Calls for each record with seq >= from in order until one returns false. Of event, control and
  // erased one is there; none when the catalogue no longer knows the event's names.
  struct JournalRecord {
    JournalSeq seq = 0;
    const Event* event = nullptr;  // valid during the call
    const Control* control = nullptr;
    const ErasedEvent* erased = nullptr;
    WallTime committed{};
  };
  virtual Status read_journal(JournalSeq from,
                              const std::function<bool(const JournalRecord&)>& each) const = 0;
  // The same for the records that are revisions of one event (event_key), in order. Reads ids and
  // the chunks that they name; of chunks whose ids retention has dropped, every record.
  virtual Status read_revisions(Hash128 event,
                                const std::function<bool(const JournalRecord&)>& each) const = 0;
  // The event of one number, copied into `arena`; kNotFound when dropped or erased by retention.
  virtual Result<Event> read_event(JournalSeq seq, Arena& arena) const = 0;

  // Ids for dedupe: (source, id) hashed, with the revision and time of every event accepted since
  // `since` (by event time); for rebuilding the dedupe index at start.
  struct SeenId {
    Hash128 key;
    uint32_t rev;
    EventTime time;
  };
  virtual Status read_seen_ids(EventTime since,
                               const std::function<void(const SeenId&)>& each) const = 0;

  // Checkpoint: the seq that saved state is as of (0: none), and its entries.
  virtual JournalSeq checkpoint_seq() const = 0;
  virtual Status read_state(
      const std::function<void(std::string_view key, std::string_view value)>& each) const = 0;
  // One of them; nullopt: there is none.
  virtual Result<std::optional<std::string>> get_state(std::string_view key) const = 0;

  // The last one committed. Cannot fail, or a source would begin anew: positions are read when the
  // store is opened, and kept.
  virtual std::optional<std::string> position(std::string_view stream) const = 0;

  // Small named values (instance id, bundles). nullopt: there is none; an error: nobody knows.
  virtual Result<std::optional<std::string>> meta(std::string_view name) const = 0;
  virtual Status put_meta(std::string_view name, std::string_view value) = 0;

  // Alerts. `latest` gives the last transition of each alert, newest commit first.
  struct AlertQuery {
    bool open_only = false;
    size_t limit = 1000;
    uint64_t before = UINT64_MAX;  // paging: only with an order number below this
  };
  struct StoredAlert {
    uint64_t order = 0;  // order of commit of its last transition
    Hash128 alert;
    uint32_t seq = 0;
    bool open = true;
    bool notify = true;
    std::string json;
  };
  virtual Status read_alerts(const AlertQuery& query,
                             const std::function<bool(const StoredAlert&)>& each) const = 0;
  // The last transition of each alert whose id, in hexadecimal digits, begins so: by id, at most
  // `limit`. kInvalid when that is not one to 32 digits.
  virtual Result<std::vector<StoredAlert>> find_alerts(std::string_view beginning,
                                                       size_t limit) const = 0;
  // All transitions of one alert, by seq.
  virtual Result<std::vector<std::string>> read_alert(Hash128 alert) const = 0;
  // The alert log in commit order, from an order number on.
  virtual Status read_alert_log(uint64_t from,
                                const std::function<bool(const StoredAlert&)>& each) const = 0;

  // Outbox. Sinks are known by name; a sink gets what is committed while it is declared, beginning
  // with the next commit. declare_sinks gives the whole list and holds over restarts; what a sink
  // that is no longer in it has not sent is kept until it comes back or the alert is dropped.
  // read_outbox: by rising number; kNotFound for a sink that was never declared.
  virtual Status declare_sinks(const std::vector<std::string>& sinks) = 0;
  virtual Result<std::vector<OutboxEntry>> read_outbox(std::string_view sink,
                                                       size_t limit) const = 0;
  virtual Status done(std::string_view sink, const std::vector<uint64_t>& numbers) = 0;

  virtual Status read_dead_letters(uint64_t from,
                                   const std::function<bool(const DeadLetter&)>& each) const = 0;
  virtual Status remove_dead_letters(const std::vector<uint64_t>& numbers) = 0;

  // Drops journal records, closed alerts and dead letters older than these (by commit time);
  // zero keeps for ever. Never dropped: records after the checkpoint, open alerts, alerts that a
  // declared sink has not yet sent. Journal records go by whole chunks. What a wrong clock stamped
  // later than `now` goes with what was committed after it. Dead letters also go when there are
  // more than the store was opened for.
  struct Retention {
    Milliseconds journal{0};
    Milliseconds closed_alerts{0};
    Milliseconds dead_letters{0};
    // Ids of events that happened before this no longer matter for dedupe (read_seen_ids). They are
    // kept apart from the journal, which may be dropped sooner.
    EventTime seen_ids = kMinEventTime;
  };
  virtual Status apply_retention(const Retention& retention, WallTime now) = 0;

  // Retention by marking: erases the content of events, and drops closed alerts, that are older
  // than their marking may be kept (by commit time). A stricter marking is never kept longer than a
  // laxer one. Each call does a bounded part of it, between two commits. Never touched: records
  // after the checkpoint, open alerts, alerts that a declared sink has not yet sent.
  struct ByMarking {
    std::array<Milliseconds, kTlps> limits{};  // index: Tlp; zero: for ever
    bool any() const;
    // The shortest of those up to the marking; zero: for ever.
    Milliseconds limit(Tlp marking) const;
    friend bool operator==(const ByMarking&, const ByMarking&) = default;
  };
  struct Erasure {
    ByMarking journal;
    ByMarking closed_alerts;
    std::function<Tlp(std::string_view json)> marking_of{};  // of an alert's text
    bool any() const { return journal.any() || closed_alerts.any(); }
  };
  struct Erased {
    uint64_t events = 0;
    uint64_t alerts = 0;
    bool more = false;  // another call goes on
  };
  virtual Result<Erased> erase_marked(const Erasure& erasure, WallTime now) = 0;
  // Has the disk give up the bytes of what was erased since the last time. Takes long (compaction),
  // and ends soon when `cancelled`; what is left then is done by the next call.
  virtual Status purge_erased(std::atomic<bool>& cancelled) = 0;
  // No event that happened from then on was erased; kMinEventTime: none was.
  virtual EventTime erased_before() const = 0;

  // A backup of everything that is committed, as of some moment before it returns; commits go on
  // meanwhile. kInvalid for a store without a disk, kUnavailable when the disk does not answer,
  // kCorrupt when what is to be copied is damaged: then nothing is backed up.
  virtual Result<Backup> back_up(const BackupOptions& options) = 0;

  virtual StoreStatistics statistics() const = 0;
};

}  // namespace tocsin::storage
