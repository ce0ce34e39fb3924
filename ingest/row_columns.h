#pragma once

#include <string>
#include <vector>

#include "rules/cel/program.h"

namespace tocsin::ingest {

// Which columns an expression reads: `row.NAME`, `row["NAME"]`, and the key of `get(row, "NAME",
// …)`, where `row` is the variable in slot kRowSlot.
struct RowColumns {
  std::vector<std::string> names;  // sorted, each once
  bool whole_row = false;          // `row` is used in another way: any column may be meant
};
RowColumns row_columns(const cel::Program& expression);

}  // namespace tocsin::ingest
