#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "rules/model/diagnostic.h"

namespace tocsin {

// Where the characters of a text stand in the file it was read from, so that a fault inside it is
// told with the line and column that an editor shows.
//
// A text that stands in the file as it is needs its start alone. One that was unescaped, folded or
// rid of its indentation has a mark wherever counting on would go wrong.
// A value.
class TextPlaces {
 public:
  TextPlaces() = default;
  TextPlaces(Place start) : start_(std::move(start)) {}  // NOLINT(google-explicit-constructor)
  TextPlaces(std::string file, int line, int column) : start_{std::move(file), line, column} {}

  // From byte `offset` of the text on it goes on at this line and column. Offsets ascend; a second
  // mark of the same offset replaces the first.
  void mark(size_t offset, int line, int column);

  // Of the text's first character; 0 when unknown.
  const Place& start() const { return start_; }
  // Of byte `offset` of `text`; behind the end: the end. Columns count code points.
  Place at(std::string_view text, size_t offset) const;
  // Those of the part of `text` that begins at byte `offset`.
  TextPlaces from(std::string_view text, size_t offset) const;

 private:
  struct Mark {
    size_t offset;
    int line;
    int column;
  };
  Place start_;
  std::vector<Mark> marks_;
};

}  // namespace tocsin
