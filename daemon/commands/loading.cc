#include "daemon/commands/loading.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "daemon/terminal.h"
#include "rules/load/rule_loader.h"

namespace tocsin::daemon {

std::optional<rules::LoadedBundle> load_or_tell(const rules::BundlePaths& paths) {
  Diagnostics diagnostics;
  rules::LoadedBundle loaded;
  loaded.text = rules::read_bundle_text(paths, diagnostics);
  loaded.bundle = rules::load_bundle(loaded.text, diagnostics);
  if (loaded.bundle && !diagnostics.has_errors()) return loaded;
  const bool colour = wants_colour(STDERR_FILENO);
  for (const Diagnostic& d : diagnostics.sorted()) {
    fmt::print(stderr, "{}\n", diagnostic_text(d, colour));
  }
  return std::nullopt;
}

}  // namespace tocsin::daemon
