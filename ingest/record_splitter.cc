#include "ingest/record_splitter.h"

#include <cstring>

namespace tocsin::ingest {
namespace {

constexpr size_t kNone = std::string_view::npos;

size_t find_from(std::string_view bytes, size_t from, char wanted) {
  const void* const found = std::memchr(bytes.data() + from, wanted, bytes.size() - from);
  return found == nullptr ? kNone
                          : static_cast<size_t>(static_cast<const char*>(found) - bytes.data());
}

// How far CsvReader would read a row whose cells may be quoted.
class QuotedRow {
 public:
  QuotedRow(std::string_view bytes, char delimiter) : bytes_(bytes), delimiter_(delimiter) {}

  enum class End : uint8_t { kFound, kMisplacedQuote, kNotThere };
  End find() {
    at_ = bytes_.size() - without_mark(bytes_).size();
    while (true) {
      skip(' ');
      const bool is_quoted = at_ < bytes_.size() && bytes_[at_] == '"';
      if (is_quoted ? !skip_quoted() : !skip_plain()) return End::kNotThere;
      const char next = bytes_[at_++];
      if (next == '\n') return End::kFound;
      if (next != delimiter_) return End::kMisplacedQuote;
    }
  }
  size_t length() const { return at_; }  // of the row, when kFound

 private:
  void skip(char c) {
    while (at_ < bytes_.size() && bytes_[at_] == c) ++at_;
  }

  // Over a quoted cell and what may stand behind it; false at the end of the bytes.
  bool skip_quoted() {
    do {
      at_ = find_from(bytes_, at_ + 1, '"');
      if (at_ == kNone || ++at_ == bytes_.size()) return false;
    } while (bytes_[at_] == '"');  // two of them are one letter
    skip(' ');
    // As the first half of a line end.
    if (at_ + 1 < bytes_.size() && bytes_[at_] == '\r' && bytes_[at_ + 1] == '\n') ++at_;
    return at_ < bytes_.size() && !(bytes_[at_] == '\r' && at_ + 1 == bytes_.size());
  }

  bool skip_plain() {
    while (at_ < bytes_.size() && bytes_[at_] != delimiter_ && bytes_[at_] != '\n' &&
           bytes_[at_] != '"') {
      ++at_;
    }
    return at_ < bytes_.size();
  }

  std::string_view bytes_;
  char delimiter_;
  size_t at_ = 0;
};

template <typename First>
WholeRecords count(std::string_view bytes, int64_t most, First first) {
  WholeRecords whole;
  while (whole.bytes < bytes.size() && whole.records < most) {
    const std::optional<size_t> length = first(bytes.substr(whole.bytes));
    if (!length) break;
    whole.bytes += *length;
    ++whole.records;
  }
  return whole;
}

}  // namespace

std::optional<size_t> first_record(std::string_view bytes, Framing framing) {
  if (bytes.empty()) return std::nullopt;
  const size_t first_end = find_from(bytes, 0, '\n');
  if (first_end == kNone) return std::nullopt;
  if (!framing.has_quotes) return first_end + 1;
  if (find_from(bytes.substr(0, first_end), 0, '"') == kNone) return first_end + 1;
  QuotedRow row(bytes.substr(0, kMaxRecordBytes), framing.delimiter);
  switch (row.find()) {
    case QuotedRow::End::kFound:
      return row.length();
    case QuotedRow::End::kMisplacedQuote:
      return first_end + 1;
    case QuotedRow::End::kNotThere:
      break;
  }
  if (bytes.size() >= kMaxRecordBytes) return first_end + 1;
  return std::nullopt;
}

size_t first_record_at_end(std::string_view bytes, Framing framing) {
  if (const auto length = first_record(bytes, framing)) return *length;
  const size_t first_end = find_from(bytes, 0, '\n');
  return first_end == kNone ? bytes.size() : first_end + 1;
}

WholeRecords whole_records(std::string_view bytes, Framing framing, int64_t most) {
  return count(bytes, most,
               [framing](std::string_view rest) { return first_record(rest, framing); });
}

WholeRecords whole_records_at_end(std::string_view bytes, Framing framing, int64_t most) {
  return count(bytes, most, [framing](std::string_view rest) {
    return std::optional(first_record_at_end(rest, framing));
  });
}

}  // namespace tocsin::ingest
