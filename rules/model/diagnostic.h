#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

enum class Severity { kError, kWarning };

// Where in a file; line and column from 1, 0 when unknown.
struct Place {
  std::string file;
  int line = 0;
  int column = 0;
};

// One thing that is wrong or doubtful in a file that a person wrote.
struct Diagnostic {
  Severity severity = Severity::kError;
  std::string code;  // stable: "T0123"
  Place place;
  std::string message;  // what is wrong
  std::string hint;     // what to do; may be empty
};

// Collects every problem of a load, so that an author sees all at once.
// Thread-safety: one thread at a time.
class Diagnostics {
 public:
  void error(std::string code, Place place, std::string message, std::string hint = {}) {
    all_.push_back(
        {Severity::kError, std::move(code), std::move(place), std::move(message), std::move(hint)});
    ++errors_;
  }
  void warning(std::string code, Place place, std::string message, std::string hint = {}) {
    all_.push_back({Severity::kWarning, std::move(code), std::move(place), std::move(message),
                    std::move(hint)});
  }
  void append(Diagnostics other) {
    errors_ += other.errors_;
    for (Diagnostic& d : other.all_) all_.push_back(std::move(d));
  }
  bool has_errors() const { return errors_ != 0; }
  int errors() const { return errors_; }
  int warnings() const { return static_cast<int>(all_.size()) - errors_; }
  // In order of file, line, column.
  std::vector<Diagnostic> sorted() const;
  const std::vector<Diagnostic>& all() const { return all_; }

 private:
  std::vector<Diagnostic> all_;
  int errors_ = 0;
};

// "file:line:column: error T0123: message\n    hint: …"
std::string to_text(const Diagnostic& diagnostic);

}  // namespace tocsin
