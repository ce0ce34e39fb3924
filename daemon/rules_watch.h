#pragma once

#include <string>
#include <utility>

namespace tocsin::daemon {

// When files of rules that somebody edits are to be loaded: once they differ from what was loaded
// last, whatever became of that, and two looks have found them the same. So an editor that saves
// several files, or one bit by bit, is waited for.
//
// By what they say, not by their dates: a file that is put back is no change.
// Thread-safety: one thread at a time.
class RulesWatch {
 public:
  void loaded(std::string text) { loaded_ = std::move(text); }
  // Of all files, with what keeps one from being read.
  bool is_to_be_loaded(std::string text) {
    const bool is_still = text == seen_;
    seen_ = std::move(text);
    return is_still && seen_ != loaded_;
  }

 private:
  std::string loaded_;
  std::string seen_;
};

}  // namespace tocsin::daemon
