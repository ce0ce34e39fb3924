#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "daemon/commands/commands.h"
#include "daemon/commands/loading.h"
#include "daemon/data_paths.h"
#include "rules/authoring/rule_book.h"

namespace tocsin::daemon {

namespace {

struct DocArguments {
  rules::BundlePaths bundle;
  std::string format = "html";
  std::string out;
};

int doc(const DocArguments& arguments) {
  const auto loaded = load_or_tell(arguments.bundle);
  if (!loaded) return kUsage;
  const rules::RuleBook book =
      rules::make_rule_book(*loaded, rules::find_rule_tests(arguments.bundle.rules));
  const std::string text =
      arguments.format == "html" ? rules::to_html(book) : rules::to_markdown(book);
  if (arguments.out.empty()) {
    fmt::print("{}", text);
    return kDone;
  }
  std::ofstream file(arguments.out, std::ios::binary | std::ios::trunc);
  file << text;
  if (!file.flush()) {
    fmt::print(stderr, "tocsin doc: cannot write {}\n", arguments.out);
    return kEnvironment;
  }
  return kDone;
}

}  // namespace

void add_doc(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<DocArguments>();
  arguments->bundle.catalogue = {default_data_path("rules/catalogue")};
  arguments->bundle.rules = {default_data_path("rules/sets")};
  CLI::App* command = program.add_subcommand(
      "doc",
      "Write what the rules watch, why, and what to do: a document for those who read alerts");
  command->footer(
      "One self-contained HTML file, for the screen and for paper: a table of drivers and stages,\n"
      "and for each rule its titles, rationale, source, condition, levels, false positives,\n"
      "response, indicators and tests.\n"
      "Examples:\n"
      "  tocsin doc --rules my-rules --out rules.html\n"
      "  tocsin doc --format markdown > rules.md         # of the shipped sets\n"
      "Exit code 0 when it is written, 2 when the rules do not load, 3 when FILE cannot be "
      "written.");
  command->add_option("--rules", arguments->bundle.rules,
                      "Rule files or folders; default the shipped sets");
  command->add_option("--catalogue", arguments->bundle.catalogue,
                      "Catalogue files or folders; default the shipped one");
  command->add_option("--out", arguments->out, "File to write; default the standard output");
  command->add_option("--format", arguments->format, "html or markdown")
      ->check(CLI::IsMember({"html", "markdown"}))
      ->capture_default_str();
  command->callback([arguments, &exit_code] { exit_code = doc(*arguments); });
}

}  // namespace tocsin::daemon
