#include "rules/load/table.h"

namespace tocsin::rules {

namespace {

std::vector<std::string> split(std::string_view line) {
  std::vector<std::string> cells;
  while (true) {
    const size_t tab = line.find('\t');
    cells.emplace_back(line.substr(0, tab));
    if (tab == std::string_view::npos) return cells;
    line.remove_prefix(tab + 1);
  }
}

}  // namespace

std::vector<TableRow> read_table(std::string_view text, const std::string& file,
                                 const std::vector<std::string>& columns, size_t required,
                                 Diagnostics& diagnostics) {
  std::vector<TableRow> rows;
  size_t width = 0;
  int number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const Place place{file, ++number, 1};
    if (line.empty()) continue;
    auto cells = split(line);
    if (width == 0) {
      width = cells.size();
      bool good = width >= required && width <= columns.size();
      for (size_t i = 0; good && i < width; ++i) good = cells[i] == columns[i];
      if (good) continue;
      std::string wanted;
      for (const std::string& column : columns) wanted += (wanted.empty() ? "" : ", ") + column;
      diagnostics.error("T0220", place, "the table's first line must name its columns",
                        "separated by tabs: " + wanted);
      return rows;
    }
    if (cells.size() != width) {
      diagnostics.error("T0221", place,
                        "a row of " + std::to_string(cells.size()) + " cells where the table has " +
                            std::to_string(width) + " columns");
      continue;
    }
    cells.resize(columns.size());
    rows.push_back({place, std::move(cells)});
  }
  if (width == 0) diagnostics.error("T0220", {file, 1, 1}, "the table is empty");
  return rows;
}

}  // namespace tocsin::rules
