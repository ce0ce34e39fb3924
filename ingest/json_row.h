#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/model/arena.h"

namespace tocsin::ingest {

// Reads a JSON object as a table's row: names and texts. Members of nested objects are named
// "outer.inner"; a number, bool or list is its JSON text; null is "".
// Thread-safety: one thread at a time.
class JsonRowReader {
 public:
  JsonRowReader();
  ~JsonRowReader();
  JsonRowReader(const JsonRowReader&) = delete;
  JsonRowReader& operator=(const JsonRowReader&) = delete;

  using Cells = std::vector<std::pair<std::string_view, std::string_view>>;
  // `record` is followed by kPadding readable bytes. False: `problem` says what is wrong.
  bool read(std::string_view record, Arena& arena, Cells& cells, std::string& problem);

 private:
  class Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace tocsin::ingest
