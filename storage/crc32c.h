#pragma once

#include <cstdint>
#include <string_view>

namespace tocsin::storage {

// CRC-32C (Castagnoli), as in iSCSI and RocksDB's log: finds every flipped byte and every burst of
// up to 32 bits. `before` is the CRC of what stands ahead, for checksums in parts.
// Thread-safety: any thread.
uint32_t crc32c(std::string_view bytes, uint32_t before = 0);

}  // namespace tocsin::storage
