#pragma once

#include <memory>

#include "storage/store.h"

namespace tocsin::storage {

// The same contract without a disk: for `replay`, `test`, and tests. Holds to the same contract
// suite as the RocksDB store (tests/storage/store_contract_test.cc).
std::unique_ptr<Store> make_memory_store();

}  // namespace tocsin::storage
