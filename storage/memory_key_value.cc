#include "storage/memory_key_value.h"

#include <vector>

namespace tocsin::storage {

class MemoryKeyValue::Changes : public Writes {
 public:
  void put(Table table, std::string_view key, std::string_view value) override {
    changes_.push_back(
        [table, key = std::string(key), value = std::string(value)](auto& tables) mutable {
          tables[static_cast<size_t>(table)].insert_or_assign(std::move(key), std::move(value));
        });
  }
  void remove(Table table, std::string_view key) override {
    changes_.push_back([table, key = std::string(key)](auto& tables) {
      tables[static_cast<size_t>(table)].erase(key);
    });
  }
  void remove_range(Table table, std::string_view begin, std::string_view end) override {
    changes_.push_back([table, begin = std::string(begin), end = std::string(end)](auto& tables) {
      auto& map = tables[static_cast<size_t>(table)];
      map.erase(map.lower_bound(begin), map.lower_bound(end));
    });
  }
  void clear() override { changes_.clear(); }

  void apply(std::array<Map, kTables>& tables) {
    for (const auto& change : changes_) change(tables);
    changes_.clear();
  }

 private:
  std::vector<std::function<void(std::array<Map, kTables>&)>> changes_;
};

std::unique_ptr<Writes> MemoryKeyValue::make_writes() { return std::make_unique<Changes>(); }

Status MemoryKeyValue::write(Writes& writes, bool) {
  const std::lock_guard lock(mutex_);
  static_cast<Changes&>(writes).apply(tables_);
  return Status::ok();
}

Result<std::optional<std::string>> MemoryKeyValue::get(Table table, std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const Map& map = tables_[static_cast<size_t>(table)];
  const auto found = map.find(key);
  if (found == map.end()) return std::optional<std::string>();
  return std::optional(found->second);
}

Status MemoryKeyValue::scan(Table table, std::string_view from, const Each& each) const {
  const Map& map = tables_[static_cast<size_t>(table)];
  std::unique_lock lock(mutex_);
  for (auto at = map.lower_bound(from); at != map.end();) {
    const auto [key, value] = *at;
    lock.unlock();
    if (!each(key, value)) return Status::ok();
    lock.lock();
    at = map.upper_bound(key);
  }
  return Status::ok();
}

Status MemoryKeyValue::scan_back(Table table, std::string_view from, const Each& each) const {
  const Map& map = tables_[static_cast<size_t>(table)];
  std::unique_lock lock(mutex_);
  for (auto above = map.upper_bound(from); above != map.begin();) {
    const auto [key, value] = *std::prev(above);
    lock.unlock();
    if (!each(key, value)) return Status::ok();
    lock.lock();
    above = map.lower_bound(key);
  }
  return Status::ok();
}

}  // namespace tocsin::storage
