#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/model/diagnostic.h"

namespace tocsin::rules {

struct TableRow {
  Place place;
  std::vector<std::string> cells;  // as many as there are columns
};

// Reads a table of tab-separated columns whose first line names them, in this order; columns behind
// `required` may be left out of the table. Rows with another number of cells are told.
std::vector<TableRow> read_table(std::string_view text, const std::string& file,
                                 const std::vector<std::string>& columns, size_t required,
                                 Diagnostics& diagnostics);

}  // namespace tocsin::rules
