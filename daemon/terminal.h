#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rules/model/diagnostic.h"
#include "rules/model/vocabulary.h"

namespace tocsin::daemon {

// True when `fd` is a terminal and NO_COLOR is not set (no-color.org).
bool wants_colour(int fd);

// The level's word, coloured when `colour`.
std::string level_text(Level level, bool colour);

// As to_text() has it; when `colour`, with its severity coloured: the word that the eye looks for.
std::string diagnostic_text(const Diagnostic& diagnostic, bool colour);

// Rows with columns as wide as they need; widths count code points, colours count nothing. The last
// column is cut so that a line fits `max_width` (0: never).
std::string format_table(const std::vector<std::string>& header,
                         const std::vector<std::vector<std::string>>& rows, size_t max_width);

// Width of the terminal on stdout; 0 when it is none.
size_t terminal_width();

// Progress of long work on stderr, when that is a terminal; silent otherwise.
// Thread-safety: one thread.
class ProgressBar {
 public:
  explicit ProgressBar(std::string label);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  void show(uint64_t done, uint64_t of);
  void finish();

 private:
  std::string label_;
  bool active_;
  int last_percent_ = -1;
};

}  // namespace tocsin::daemon
