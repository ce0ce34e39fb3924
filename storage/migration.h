#pragma once

#include <cstdint>

#include "storage/key_value.h"

namespace tocsin::storage {

// Whether tables of that format can be brought up to ours.
bool can_migrate(uint32_t format);

// True while tables are on their way to our format: nothing but migrate() may use them.
Result<bool> is_migrating(const KeyValue& tables);

// Brings tables up to our format (README.md, "Formats"), in writes of bounded size. From the first
// one on an older tocsin refuses them; when it is cut off, the next call goes on.
Status migrate(KeyValue& tables);

}  // namespace tocsin::storage
