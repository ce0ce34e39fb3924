#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/daemon_status.h"
#include "ingest/raw_batch.h"
#include "ingest/symbols.h"
#include "storage/store.h"

namespace tocsin::daemon {
class Backups;
}

namespace tocsin::daemon::http {

// What the API needs of the daemon; the app implements it, tests replace it.
// Thread-safety: called on the server's thread and on that which reads for it; status() and
// reload() on the former alone.
class Backend {
 public:
  virtual ~Backend() = default;

  // kFull: the queue has no room at the moment. kPaused: why_paused() says why nothing is taken.
  enum class Taken { kYes, kFull, kPaused };
  // Puts a batch into the queue without waiting. Its on_committed is called exactly once when
  // taken, and `batch` is left as it was when not.
  virtual Taken push(ingest::RawBatch& batch) = 0;
  virtual std::string why_paused() = 0;
  virtual std::shared_ptr<const ingest::CurrentSymbols> symbols() = 0;

  // Whether the records of a stream are rows that a mapping makes events of.
  virtual bool is_mapped(std::string_view stream) const = 0;

  // nullptr while there is none; missing() says why. It stays open as long as this is held, so not
  // for longer than a request takes.
  virtual std::shared_ptr<storage::Store> store() = 0;
  // nullptr when none are configured, or while there is no store. Held as the store is.
  virtual std::shared_ptr<Backups> backups() = 0;
  virtual DaemonStatus status() = 0;
  // What is still waited for; empty: ready for work.
  virtual std::vector<std::string> missing() = 0;

  struct ReloadReport {
    bool accepted = false;
    std::string bundle;  // hash of the rules in force afterwards
    std::vector<std::string>
        diagnostics;  // all of them, warnings too, as `tocsin check` words them
  };
  // Loads the rules anew; `done` may be called on any thread, later.
  virtual void reload(std::function<void(ReloadReport)> done) = 0;
};

}  // namespace tocsin::daemon::http
