#include "rules/model/text_places.h"

#include <algorithm>

namespace tocsin {

void TextPlaces::mark(size_t offset, int line, int column) {
  if (offset == 0) {
    start_.line = line;
    start_.column = column;
    return;
  }
  if (!marks_.empty() && marks_.back().offset == offset) marks_.pop_back();
  marks_.push_back({offset, line, column});
}

Place TextPlaces::at(std::string_view text, size_t offset) const {
  Place place{start_.file, std::max(start_.line, 1), std::max(start_.column, 1)};
  const size_t end = std::min(offset, text.size());
  size_t from = 0;
  const auto after = std::upper_bound(marks_.begin(), marks_.end(), end,
                                      [](size_t o, const Mark& mark) { return o < mark.offset; });
  if (after != marks_.begin()) {
    from = std::prev(after)->offset;
    place.line = std::prev(after)->line;
    place.column = std::prev(after)->column;
  }
  for (size_t i = from; i < end; ++i) {
    if (text[i] == '\n') {
      ++place.line;
      place.column = 1;
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) {  // not inside a code point
      ++place.column;
    }
  }
  return place;
}

TextPlaces TextPlaces::from(std::string_view text, size_t offset) const {
  TextPlaces part(at(text, offset));
  for (const Mark& mark : marks_) {
    if (mark.offset > offset) part.mark(mark.offset - offset, mark.line, mark.column);
  }
  return part;
}

}  // namespace tocsin
