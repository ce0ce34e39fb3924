#pragma once

#include <cstddef>
#include <string_view>

namespace tocsin::ingest {

// Cuts a JSON array into the texts of its elements, without reading them.
// Thread-safety: one thread at a time.
class JsonArrayScanner {
 public:
  explicit JsonArrayScanner(std::string_view text) : text_(text) {}

  enum class Step { kElement, kEnd, kBroken };
  // kElement: `element` is the next one. kBroken: `element` is what is left and `problem` says why.
  Step next(std::string_view& element, std::string_view& problem);
  size_t offset() const { return at_; }

 private:
  void skip_space();
  // Moves over one value; false when the text ends inside it.
  bool skip_value();
  // At the closing bracket: nothing may follow.
  Step finish(std::string_view& element, std::string_view& problem);
  Step broken(std::string_view& element, std::string_view& problem, std::string_view why);

  std::string_view text_;
  size_t at_ = 0;
  bool started_ = false;
  bool done_ = false;
};

}  // namespace tocsin::ingest
