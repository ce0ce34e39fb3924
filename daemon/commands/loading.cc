#include "daemon/commands/loading.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "daemon/terminal.h"
#include "rules/load/rule_loader.h"

namespace tocsin::daemon {

std::optional<rules::LoadedBundle> load_or_tell(const rules::BundlePaths& paths) {
  Diagnostics diagnostics;
  rules::LoadedBundle loaded = rules::read_bundle(paths, diagnostics);
  if (loaded.bundle) return loaded;
  const bool colour = wants_colour(STDERR_FILENO);
  for (const Diagnostic& d : diagnostics.sorted()) {
    fmt::print(stderr, "{}\n", diagnostic_text(d, colour));
  }
  return std::nullopt;
}

}  // namespace tocsin::daemon
