#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "daemon/commands/commands.h"
#include "daemon/config_schema.h"
#include "rules/load/formats.h"
#include "rules/testing/test_schema.h"

namespace tocsin::daemon {

namespace {

// rules/load knows the formats that it reads itself; tests and configuration are read elsewhere,
// against tables of the same kind.
std::string schema_of(const std::string& format) {
  if (format == "tests") return rules::to_json_schema(rules::rule_test_schema(), "tocsin tests/1");
  if (format == "config") return rules::to_json_schema(config_schema(), "tocsin config/1");
  return rules::json_schema_of(format);
}

std::vector<std::string> all_formats() {
  std::vector<std::string> formats = rules::formats_with_schema();
  formats.insert(formats.end(), {"tests", "config"});
  return formats;
}

}  // namespace

void add_schema(CLI::App& program, int& exit_code) {
  auto format = std::make_shared<std::string>();
  CLI::App* command = program.add_subcommand(
      "schema", "Print the JSON Schema of a file format, for editors that complete and check");
  command->add_option("format", *format, "Which format")
      ->required()
      ->check(CLI::IsMember(all_formats()));
  command->callback([format, &exit_code] {
    fmt::print("{}", schema_of(*format));
    exit_code = kDone;
  });
}

}  // namespace tocsin::daemon
