#include "ingest/file_position.h"

#include <fmt/format.h>

#include <charconv>

namespace tocsin::ingest {
namespace {

template <typename Number>
bool take_number(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data() + text.size() || *end != ':') return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()) + 1);
  return true;
}

}  // namespace

std::string to_text(const FilePosition& p) {
  return fmt::format("{}:{}:{}:{}:{}", p.inode, p.offset, p.record, p.prefix_bytes, p.prefix);
}

std::optional<FilePosition> parse_file_position(std::string_view text) {
  FilePosition p;
  if (!take_number(text, p.inode) || !take_number(text, p.offset) || !take_number(text, p.record) ||
      !take_number(text, p.prefix_bytes) || p.record < 1 || p.prefix_bytes > kPrefixBytes) {
    return std::nullopt;
  }
  p.prefix = std::string(text);
  return p;
}

}  // namespace tocsin::ingest
