#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "daemon/chronicle.h"
#include "daemon/sharded_engine.h"
#include "rules/engine.h"
#include "storage/store.h"

namespace tocsin::daemon {

// Rules that are loaded anew, judged aside on what the journal holds while those before them serve.
//
// build() reads the journal up to a place as it stands there, in order of time, catch_up() the rest
// as it came; then the engine is where one is that was fed the same.
// Thread-safety: build() on any thread, beside the store's owner; all else when it has returned.
class Shadow {
 public:
  // `told_from`: since when the journal holds every event. `begin`: identities of the rules, and of
  // the signals and armings that they read, that are judged; null: all. `goes_on` is asked now and
  // then, on whichever thread reads.
  Shadow(const storage::Store& store, std::shared_ptr<const rules::Bundle> bundle, rules::Emit emit,
         std::shared_ptr<const std::set<std::string>> begin, EventTime told_from,
         Chronicle::KeyOf key_of, JournalSeq up_to, std::function<bool()> goes_on);

  // kUnavailable when stop() was called, or it is not to go on.
  Status build();
  // From any thread.
  void stop() { stopped_ = true; }

  // The records after those up to `to`. Corrections and late events among them are left to be
  // revised: their places are added to `unrevised`. kUnavailable when it is not to go on: it is of
  // no more use then.
  Status catch_up(JournalSeq to, std::vector<JournalSeq>& unrevised);

  // Decides what is decided there already.
  void reach(const ShardedEngine& serving) { serving.bring_up(engine_, decided_); }

  JournalSeq built_up_to() const { return up_to_; }
  rules::Engine& engine() { return engine_; }
  // The last transition of each alert that is open.
  std::vector<AlertTransition> open_alerts() const;

 private:
  const storage::Store& store_;
  const std::shared_ptr<const rules::Bundle> bundle_;
  const JournalSeq up_to_;
  const std::function<bool()> goes_on_;
  std::atomic<bool> stopped_ = false;
  Chronicle chronicle_;
  rules::Engine engine_;
  rules::Engine::Transitions decided_;
};

// Identities of the rules, signals and armings of `next` that begin anew when it follows `old`:
// there was none of that identity and shape; and of the signals and armings that such rules read.
std::set<std::string> beginning_with(const rules::Bundle& old, const rules::Bundle& next);

}  // namespace tocsin::daemon
