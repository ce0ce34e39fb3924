#pragma once

#include <memory>
#include <string>

#include "daemon/folder_verification.h"
#include "daemon/terminal.h"

namespace tocsin::daemon {

// Progress of verify_folder() on a terminal.
// Thread-safety: one thread.
class FolderProgress {
 public:
  // Holds as long as this.
  FolderVerification::Progress callback();
  void finish() { bar_.reset(); }

 private:
  std::string shown_;
  std::unique_ptr<ProgressBar> bar_;
};

// Each place that is damaged, and what to do; then the remarks.
std::string damage_text(const FolderVerification& found);

}  // namespace tocsin::daemon
