#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tocsin::ingest {

// Which columns an expression reads: `row.NAME`, `row["NAME"]`, and the key of `get(row, "NAME",
// …)`.
struct RowColumns {
  std::vector<std::string> names;
  bool whole_row = false;  // `row` is used in another way: any column may be meant
};
RowColumns row_columns(std::string_view expression);

}  // namespace tocsin::ingest
