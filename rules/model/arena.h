#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tocsin {

// Bump allocator for what lives as long as one batch: texts, attrs, actor lists.
//
// reset() keeps the blocks, so that the steady state allocates nothing.
// Thread-safety: one thread at a time.
class Arena {
 public:
  explicit Arena(size_t block_bytes = size_t{256} * 1024) : block_bytes_(block_bytes) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  Arena(Arena&&) = default;
  Arena& operator=(Arena&&) = default;

  void* allocate(size_t bytes, size_t alignment) {
    size_t start = (used_ + alignment - 1) & ~(alignment - 1);
    if (current_ >= blocks_.size() || start + bytes > blocks_[current_].size) {
      next_block(bytes + alignment);
      start = (used_ + alignment - 1) & ~(alignment - 1);
    }
    used_ = start + bytes;
    return blocks_[current_].bytes.get() + start;
  }

  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* to = static_cast<char*>(allocate(text.size(), 1));
    std::memcpy(to, text.data(), text.size());
    return {to, text.size()};
  }

  template <typename T>
  std::span<T> array(size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (count == 0) return {};
    T* first = static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
    std::uninitialized_value_construct_n(first, count);
    return {first, count};
  }

  // Forgets everything that was handed out.
  void reset() {
    current_ = 0;
    used_ = 0;
  }

  size_t bytes_reserved() const {
    size_t sum = 0;
    for (const Block& block : blocks_) sum += block.size;
    return sum;
  }

 private:
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    size_t size;
  };

  void next_block(size_t at_least) {
    if (!blocks_.empty() && current_ < blocks_.size()) ++current_;
    while (current_ < blocks_.size() && blocks_[current_].size < at_least) ++current_;
    if (current_ >= blocks_.size()) {
      const size_t size = at_least > block_bytes_ ? at_least : block_bytes_;
      blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(size), size});
      current_ = blocks_.size() - 1;
    }
    used_ = 0;
  }

  size_t block_bytes_;
  std::vector<Block> blocks_;
  size_t current_ = 0;
  size_t used_ = 0;
};

}  // namespace tocsin
