#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/daemon_status.h"
#include "rules/model/vocabulary.h"
#include "rules/rule.h"

namespace tocsin::daemon {

// The rules that are in force, whatever becomes of the store, and how the last load of them went.
//
// Thread-safety: any thread.
class RulesInForce {
 public:
  struct Rules {
    std::shared_ptr<const rules::Bundle> bundle;
    std::string text;  // what rules/load can make `bundle` from again
  };
  Rules present() const;
  void put(Rules rules);
  // The levels that a rule has, lowest first; empty when the rule is not known.
  std::vector<Level> levels_of(const std::string& rule) const;

  // `diagnostics` as `tocsin check` words them.
  void remember_load(bool accepted, std::vector<std::string> diagnostics);
  ReloadStatus last_load() const;

 private:
  mutable std::mutex mutex_;
  Rules rules_;        // guarded by mutex_
  ReloadStatus load_;  // guarded by mutex_
};

}  // namespace tocsin::daemon
