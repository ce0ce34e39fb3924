#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "daemon/app.h"
#include "daemon/commands/commands.h"
#include "daemon/config.h"
#include "daemon/log.h"

namespace tocsin::daemon {
namespace {

int run(const std::string& path) {
  Diagnostics diagnostics;
  std::optional<Config> config = load_config(path, diagnostics);
  for (const Diagnostic& d : diagnostics.sorted()) fmt::print(stderr, "{}\n", to_text(d));
  if (!config) return kUsage;
  Log log(config->log.level, config->log.format);
  const OpenStore open = [](const storage::RocksDbOptions& options) {
    return storage::open_rocksdb_store(options);
  };
  return App(std::move(*config), log, open).run();
}

}  // namespace

void add_run(CLI::App& program, int& exit_code) {
  auto path = std::make_shared<std::string>("/etc/tocsin/tocsin.yaml");
  CLI::App* command = program.add_subcommand("run", "Run the daemon in the foreground");
  command->footer(
      "SIGTERM stops it after a last commit, SIGHUP reloads the rules.\n"
      "Example:\n  tocsin run --config deploy/tocsin.yaml");
  command->add_option("--config", *path, "Configuration file")->capture_default_str();
  command->callback([path, &exit_code] { exit_code = run(*path); });
}

}  // namespace tocsin::daemon
