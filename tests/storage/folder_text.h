#pragma once

#include <string>

#include "storage/store.h"

namespace tocsin::storage::testing {

// All that can be read of a store, every field of it, by names alone: two stores with the same text
// hold the same. Sinks are `hook` and `log`.
Result<std::string> folder_text(const Store& store, const Catalogue& catalogue);

}  // namespace tocsin::storage::testing
