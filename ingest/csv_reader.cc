#include "ingest/csv_reader.h"

#include <csv.h>
#include <fmt/format.h>

#include <cstring>

#include "rules/model/check.h"

namespace tocsin::ingest {
namespace {

std::string_view trim(std::string_view cell) {
  while (!cell.empty() && cell.front() == ' ') cell.remove_prefix(1);
  while (!cell.empty() && cell.back() == ' ') cell.remove_suffix(1);
  return cell;
}

// libcsv takes a tab for a blank, which in a TSV would eat empty cells.
int is_blank(unsigned char c) { return c == ' ' ? 1 : 0; }

}  // namespace

struct CsvReader::Parser {
  csv_parser csv{};
  Arena* arena = nullptr;
  std::vector<std::string_view>* cells = nullptr;
  size_t rows = 0;

  // At the start of a row, whatever was read before.
  void restart(CsvFormat format) {
    csv_free(&csv);
    TOCSIN_CHECK(csv_init(&csv, CSV_STRICT | CSV_STRICT_FINI) == 0);
    csv_set_delim(&csv, static_cast<unsigned char>(format.delimiter));
    csv_set_space_func(&csv, is_blank);
  }

  static void on_cell(void* data, size_t size, void* self) {
    auto& parser = *static_cast<Parser*>(self);
    // Cells behind the row's end are the next row's; the caller refuses that.
    if (parser.cells->size() > kMaxCells) return;
    parser.cells->push_back(parser.arena->copy({static_cast<const char*>(data), size}));
  }
  static void on_row(int /*terminator*/, void* self) { ++static_cast<Parser*>(self)->rows; }
};

CsvReader::CsvReader(CsvFormat format) : format_(format), parser_(std::make_unique<Parser>()) {
  parser_->restart(format);
}

CsvReader::~CsvReader() { csv_free(&parser_->csv); }

bool CsvReader::split(std::string_view row, std::vector<std::string_view>& cells,
                      std::string& problem) const {
  while (true) {
    const size_t end = row.find(format_.delimiter);
    cells.push_back(trim(row.substr(0, end)));
    if (cells.size() > kMaxCells) {
      problem = fmt::format("has more than {} cells", kMaxCells);
      return false;
    }
    if (end == std::string_view::npos) return true;
    row.remove_prefix(end + 1);
  }
}

bool CsvReader::read(std::string_view row, Arena& arena, std::vector<std::string_view>& cells,
                     std::string& problem) {
  cells.clear();
  if (!format_.quoting || row.find('"') == std::string_view::npos) {
    return split(row, cells, problem);
  }
  Parser& parser = *parser_;
  parser.arena = &arena;
  parser.cells = &cells;
  parser.rows = 0;
  const size_t used =
      csv_parse(&parser.csv, row.data(), row.size(), Parser::on_cell, Parser::on_row, &parser);
  if (used != row.size()) {
    problem = fmt::format("has a quote in the wrong place at byte {} ({})", used,
                          csv_strerror(csv_error(&parser.csv)));
    parser.restart(format_);
    cells.clear();
    return false;
  }
  if (csv_fini(&parser.csv, Parser::on_cell, Parser::on_row, &parser) != 0) {
    problem = "ends inside quotes";
    parser.restart(format_);
    cells.clear();
    return false;
  }
  if (parser.rows > 1 || cells.size() > kMaxCells) {
    problem =
        parser.rows > 1 ? "is several rows" : fmt::format("has more than {} cells", kMaxCells);
    cells.clear();
    return false;
  }
  return true;
}

}  // namespace tocsin::ingest
