#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rules/model/result.h"

namespace tocsin::rules {

// What an engine has saved, to be read back one entry at a time: groups that lie idle are put out
// of memory and found here again (Engine::cool).
//
// Has each entry as it was committed last. Thread-safety: any thread; shards read side by side.
class SavedState {
 public:
  virtual ~SavedState() = default;
  // By a key that save() put; nullopt: there is no such entry.
  virtual Result<std::optional<std::string>> read(std::string_view key) const = 0;
};

}  // namespace tocsin::rules
