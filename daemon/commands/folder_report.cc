#include "daemon/commands/folder_report.h"

#include <fmt/format.h>

namespace tocsin::daemon {

FolderVerification::Progress FolderProgress::callback() {
  return [this](std::string_view what, uint64_t done, uint64_t of) {
    if (shown_ != what) {
      bar_.reset();  // before the next begins on its line
      bar_ = std::make_unique<ProgressBar>(fmt::format("verify {:8}", what));
      shown_ = what;
    }
    bar_->show(done, of);
  };
}

std::string damage_text(const FolderVerification& found) {
  std::string text;
  for (const storage::Damage& damage : found.damage()) {
    text += fmt::format("{}: error {}: {}\n    hint: {}\n", damage.where, damage.code, damage.what,
                        damage.remedy);
  }
  if (found.damage_count() > found.damage().size()) {
    text += fmt::format("and {} more\n", found.damage_count() - found.damage().size());
  }
  for (const std::string& remark : found.remarks()) text += fmt::format("note: {}\n", remark);
  return text;
}

}  // namespace tocsin::daemon
