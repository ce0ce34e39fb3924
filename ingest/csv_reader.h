#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rules/model/arena.h"

namespace tocsin::ingest {

struct CsvFormat {
  char delimiter = ',';
  bool quoting = true;  // off: double quotes are letters, as in GDELT's exports
};

// More cells in a row are refused.
inline constexpr size_t kMaxCells = 4096;

// Reads one row at a time with libcsv, strictly: a quote inside an unquoted cell, or text behind a
// closing one, is an error. Blanks around unquoted cells are not kept.
// Thread-safety: one thread at a time.
class CsvReader {
 public:
  explicit CsvReader(CsvFormat format);
  ~CsvReader();
  CsvReader(const CsvReader&) = delete;
  CsvReader& operator=(const CsvReader&) = delete;

  // Cells of `row`, which is one record without its line end. Views into it, or into the arena
  // where quotes had to be taken out. False: `problem` says what is wrong.
  bool read(std::string_view row, Arena& arena, std::vector<std::string_view>& cells,
            std::string& problem);

 private:
  struct Parser;
  bool split(std::string_view row, std::vector<std::string_view>& cells,
             std::string& problem) const;

  const CsvFormat format_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace tocsin::ingest
