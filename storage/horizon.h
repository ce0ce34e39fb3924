#pragma once

#include <cstdint>

#include "rules/model/time.h"

namespace tocsin::storage {

// Finds how far a table whose rows are numbered in order of commit is old. The clock that stamped
// them may have been wrong: a row that says it is later than now tells nothing of itself, yet it is
// no younger than the rows behind it.
class Horizon {
 public:
  Horizon(WallTime before, WallTime now) : before_(before), now_(now) {}

  // Of the next row; false: it is young, and so is all behind it.
  bool pass(uint64_t number, WallTime committed) {
    if (committed > now_) return true;
    if (committed >= before_) return false;
    last_old_ = number;
    return true;
  }
  // Rows up to this number are old; 0: none.
  uint64_t last_old() const { return last_old_; }

 private:
  const WallTime before_;
  const WallTime now_;
  uint64_t last_old_ = 0;
};

}  // namespace tocsin::storage
