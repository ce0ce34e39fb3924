#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "rules/model/diagnostic.h"

namespace tocsin::yaml {

// The text of one file with an index of its lines.
// Thread-safety: immutable after construction. `text` outlives it.
class SourceText {
 public:
  SourceText(std::string_view text, std::string file);

  std::string_view text() const { return text_; }
  const std::string& file() const { return file_; }
  // Line and column of a byte; columns count characters. Behind the end: the end.
  Place place(size_t offset) const;
  // The line that holds the byte, without its end of line.
  std::string_view line(size_t offset) const;
  // Offset of the first byte of that line.
  size_t line_start(size_t offset) const;
  // Offset of the line after it; the end when there is none.
  size_t next_line(size_t offset) const;
  size_t size() const { return text_.size(); }
  // '\0' behind the end.
  char at(size_t offset) const { return offset < text_.size() ? text_[offset] : '\0'; }

 private:
  size_t line_index(size_t offset) const;

  std::string_view text_;
  std::string file_;
  std::vector<size_t> starts_;
};

}  // namespace tocsin::yaml
