#include "daemon/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace tocsin::daemon {
namespace {

constexpr int kBarWidth = 40;

// Code points, without escape sequences for colour.
size_t width_of(std::string_view text) {
  size_t width = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      i = std::min(text.find('m', i), text.size() - 1);
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
      ++width;
    }
  }
  return width;
}

std::string cut(const std::string& text, size_t width) {
  if (width_of(text) <= width || width == 0) return text;
  size_t bytes = 0;
  for (size_t points = 0; bytes < text.size(); ++bytes) {
    if ((static_cast<unsigned char>(text[bytes]) & 0xC0) != 0x80 && ++points == width) break;
  }
  return text.substr(0, bytes) + "…";
}

}  // namespace

bool wants_colour(int fd) {
  const char* no_colour = std::getenv("NO_COLOR");
  return (no_colour == nullptr || *no_colour == '\0') && isatty(fd) == 1;
}

std::string level_text(Level level, bool colour) {
  const std::string_view word = to_string(level);
  if (!colour) return std::string(word);
  switch (level) {
    case Level::kEmergency:
      return fmt::format("\x1b[1;97;41m{}\x1b[0m", word);
    case Level::kAlert:
      return fmt::format("\x1b[1;31m{}\x1b[0m", word);
    case Level::kWarning:
      return fmt::format("\x1b[33m{}\x1b[0m", word);
    case Level::kWatch:
      return fmt::format("\x1b[36m{}\x1b[0m", word);
    case Level::kInfo:
    case Level::kNone:
      return std::string(word);
  }
  return std::string(word);
}

std::string diagnostic_text(const Diagnostic& diagnostic, bool colour) {
  std::string text = to_text(diagnostic);
  if (!colour) return text;
  const bool is_error = diagnostic.severity == Severity::kError;
  const std::string word = (is_error ? "error " : "warning ") + diagnostic.code;
  const size_t at = text.find(word);
  if (at == std::string::npos) return text;
  return text.replace(at, word.size(), (is_error ? "\x1b[1;31m" : "\x1b[1;33m") + word + "\x1b[0m");
}

std::string format_table(const std::vector<std::string>& header,
                         const std::vector<std::vector<std::string>>& rows, size_t max_width) {
  std::vector<size_t> widths;
  for (const std::string& title : header) widths.push_back(width_of(title));
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  size_t before_last = 0;
  for (size_t i = 0; i + 1 < widths.size(); ++i) before_last += widths[i] + 2;
  const size_t last = max_width > before_last + 10 ? max_width - before_last : 0;
  std::string text;
  const auto append = [&](const std::vector<std::string>& row) {
    for (size_t i = 0; i < row.size(); ++i) {
      if (i + 1 == row.size()) {
        text += cut(row[i], last);
      } else {
        text += row[i];
        text.append(widths[i] - width_of(row[i]) + 2, ' ');
      }
    }
    text += '\n';
  };
  append(header);
  for (const auto& row : rows) append(row);
  return text;
}

size_t terminal_width() {
  winsize size{};
  if (isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

ProgressBar::ProgressBar(std::string label)
    : label_(std::move(label)), active_(isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() { finish(); }

void ProgressBar::show(uint64_t done, uint64_t of) {
  if (!active_ || of == 0) return;
  const int percent = static_cast<int>(done * 100 / of);
  if (percent == last_percent_) return;
  last_percent_ = percent;
  const auto filled = static_cast<size_t>(percent * kBarWidth / 100);
  fmt::print(stderr, "\r{} [{}{}] {:3} %", label_, std::string(filled, '#'),
             std::string(kBarWidth - filled, '.'), percent);
  std::fflush(stderr);
}

void ProgressBar::finish() {
  if (active_ && last_percent_ >= 0) fmt::print(stderr, "\r\x1b[K");
  last_percent_ = -1;
}

}  // namespace tocsin::daemon
