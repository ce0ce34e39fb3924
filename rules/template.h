#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rules/cel/program.h"

namespace tocsin::rules {

// A text with `{{ expression | filter(args) }}` holes, compiled against an environment.
//
// Filters: fixed(n) pct signed date ago join(sep) names upper trunc(n). A hole whose value is
// missing or an error prints `n/a`; a text is cut at 8 KiB. A value that is a text already passes
// the filters for numbers and times unchanged: `{{ known ? dyn(x) : dyn("not known") | fixed(2)
// }}`. Thread-safety: immutable after construction.
class Template {
 public:
  static std::optional<Template> compile(std::string_view text, const TextPlaces& places,
                                         const cel::Environment& environment,
                                         Diagnostics& diagnostics);

  const std::string& source() const { return source_; }
  // Names of the variables that its expressions read.
  std::set<std::string> variables() const;
  // Its expressions, in the order of the text.
  std::vector<const cel::Program*> programs() const;
  // `at` is the time that `ago` counts from.
  std::string render(const Event* event, std::span<const cel::Value> variables, EventTime at,
                     Arena& arena) const;

 private:
  struct Filter {
    std::string name;
    std::string argument;
  };
  struct Part {
    std::string text;  // literal when there is no program
    std::optional<cel::Program> program;
    std::vector<Filter> filters;
  };
  std::string source_;
  std::vector<Part> parts_;
};

}  // namespace tocsin::rules
