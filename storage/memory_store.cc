#include "storage/memory_store.h"

#include "rules/model/check.h"
#include "storage/key_value_store.h"
#include "storage/memory_key_value.h"

namespace tocsin::storage {

std::unique_ptr<Store> make_memory_store() {
  // Not packed: what lives in memory is read sooner than it would be worth the work.
  Result<std::unique_ptr<Store>> store =
      KeyValueStore::open(std::make_unique<MemoryKeyValue>(),
                          {.compression = Compression::kNone, .sync_commits = false});
  TOCSIN_CHECK(store.has_value());  // maps do not fail
  return std::move(*store);
}

}  // namespace tocsin::storage
