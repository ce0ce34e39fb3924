#pragma once

#include <bit>
#include <cstddef>
#include <vector>

namespace tocsin::rules {

// Memory of a vector of so many items that was filled one by one.
//
// What a rule's state takes decides at its limits. So it is told by what is held and not by
// capacities, which depend on what was held before, and on whether the state was read back since.
template <typename T>
constexpr size_t grown_bytes(size_t items) {
  return items == 0 ? 0 : std::bit_ceil(items) * sizeof(T);
}
template <typename T>
size_t grown_bytes(const std::vector<T>& items) {
  return grown_bytes<T>(items.size());
}

// Memory of a B-tree of so many items. Its nodes are at least half full.
template <typename T>
constexpr size_t tree_bytes(size_t items) {
  return 2 * items * sizeof(T);
}

// After items were dropped: gives the memory back once little of it is used.
template <typename T>
void shrink_if_sparse(std::vector<T>& items) {
  constexpr size_t kWorthwhile = 64;
  if (items.capacity() >= kWorthwhile && items.size() * 4 < items.capacity()) items.shrink_to_fit();
}

}  // namespace tocsin::rules
