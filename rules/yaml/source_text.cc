#include "rules/yaml/source_text.h"

#include <algorithm>
#include <utility>

namespace tocsin::yaml {

SourceText::SourceText(std::string_view text, std::string file)
    : text_(text), file_(std::move(file)) {
  starts_.push_back(0);
  for (size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') starts_.push_back(i + 1);
  }
}

size_t SourceText::line_index(size_t offset) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
  return static_cast<size_t>(after - starts_.begin()) - 1;
}

Place SourceText::place(size_t offset) const {
  offset = std::min(offset, text_.size());
  const size_t index = line_index(offset);
  int column = 1;
  for (size_t i = starts_[index]; i < offset; ++i) {
    const bool continues = (static_cast<unsigned char>(text_[i]) & 0xC0U) == 0x80U;
    if (!continues) ++column;
  }
  return {file_, static_cast<int>(index) + 1, column};
}

std::string_view SourceText::line(size_t offset) const {
  const size_t start = line_start(std::min(offset, text_.size()));
  std::string_view rest = text_.substr(start);
  rest = rest.substr(0, rest.find('\n'));
  if (!rest.empty() && rest.back() == '\r') rest.remove_suffix(1);
  return rest;
}

size_t SourceText::line_start(size_t offset) const { return starts_[line_index(offset)]; }

size_t SourceText::next_line(size_t offset) const {
  const size_t next = line_index(offset) + 1;
  return next < starts_.size() ? starts_[next] : text_.size();
}

}  // namespace tocsin::yaml
