#include "rules/model/diagnostic.h"

#include <algorithm>
#include <tuple>

namespace tocsin {

std::vector<Diagnostic> Diagnostics::sorted() const {
  std::vector<Diagnostic> copy = all_;
  std::stable_sort(copy.begin(), copy.end(), [](const Diagnostic& a, const Diagnostic& b) {
    return std::tie(a.place.file, a.place.line, a.place.column) <
           std::tie(b.place.file, b.place.line, b.place.column);
  });
  return copy;
}

std::string to_text(const Diagnostic& diagnostic) {
  std::string text = diagnostic.place.file;
  if (diagnostic.place.line > 0) {
    text +=
        ":" + std::to_string(diagnostic.place.line) + ":" + std::to_string(diagnostic.place.column);
  }
  if (!text.empty()) text += ": ";
  text += diagnostic.severity == Severity::kError ? "error " : "warning ";
  text += diagnostic.code + ": " + diagnostic.message;
  if (!diagnostic.hint.empty()) text += "\n    hint: " + diagnostic.hint;
  return text;
}

}  // namespace tocsin
