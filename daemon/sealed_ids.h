#pragma once

#include <array>
#include <cstdint>

#include "rules/model/hash.h"
#include "rules/model/result.h"
#include "storage/store.h"

namespace tocsin::daemon {

// Gives an alert another id, for readers who may not know what it is about.
//
// An alert's own id is a hash of rule, group and start without a key: whoever has the rules and a
// list of regions can try them all until one fits. seal() enciphers the id with a key of the data
// folder (AES-128, one block: as many ids as before, none twice), so that nothing can be tried, and
// the same alert always has the same sealed id. unseal() finds it again. The key is kept in the
// store and in its backups: what protects them protects it.
// Thread-safety: immutable after construction. A value.
class SealedIds {
 public:
  // A key of its own, gone with the object.
  SealedIds();
  // The key of this data folder, drawn when first asked for.
  static Result<SealedIds> of(storage::Store& store);

  Hash128 seal(Hash128 alert) const;
  Hash128 unseal(Hash128 id) const;

 private:
  std::array<uint8_t, 16> key_;
};

}  // namespace tocsin::daemon
