#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "daemon/commands/commands.h"
#include "daemon/terminal.h"
#include "rules/authoring/rule_format.h"
#include "rules/load/bundle_text.h"

namespace tocsin::daemon {

namespace {

namespace fs = std::filesystem;

struct FmtArguments {
  std::vector<std::string> paths;
  bool check = false;
};

bool is_rule_file(const std::string& text) {
  return text.starts_with("tocsin: rules/1") || text.find("\ntocsin: rules/1") != std::string::npos;
}

// Beside the file and then in its place: whoever reads it sees the old file or the new one.
bool replace_file(const fs::path& path, const std::string& content) {
  const fs::path fresh = path.string() + ".tocsin-fmt~";
  std::error_code error;
  std::ofstream file(fresh, std::ios::binary | std::ios::trunc);
  file << content;
  file.close();
  if (file) fs::permissions(fresh, fs::status(path, error).permissions(), error);
  if (file && !error) fs::rename(fresh, path, error);
  if (file && !error) return true;
  std::error_code ignored;
  fs::remove(fresh, ignored);
  return false;
}

class Formatting {
 public:
  explicit Formatting(const FmtArguments& arguments) : arguments_(arguments) {}

  int run() {
    for (const std::string& path : arguments_.paths) format_all(path);
    const bool colour = wants_colour(STDERR_FILENO);
    for (const Diagnostic& d : diagnostics_.sorted()) {
      if (d.severity == Severity::kError) fmt::print(stderr, "{}\n", diagnostic_text(d, colour));
    }
    if (diagnostics_.has_errors()) return kUsage;
    if (is_unwritten_) return kEnvironment;
    return arguments_.check && changed_ > 0 ? kAnswerIsNo : kDone;
  }

 private:
  // In folders there are other files beside rules.
  void format_all(const std::string& path) {
    const rules::BundleText text =
        rules::read_bundle_text({.catalogue = {}, .rules = {path}}, diagnostics_);
    std::error_code error;
    const bool is_folder = fs::is_directory(path, error);
    for (const rules::NamedText& file : text.rules) {
      if (!is_folder || is_rule_file(file.text)) format(file);
    }
  }

  void format(const rules::NamedText& file) {
    const auto formatted = rules::format_rules(file.text, file.name, diagnostics_);
    if (!formatted || *formatted == file.text) return;
    ++changed_;
    if (!arguments_.check && !replace_file(file.name, *formatted)) {
      fmt::print(stderr, "tocsin fmt: cannot write {}\n", file.name);
      is_unwritten_ = true;
      return;
    }
    fmt::print("{}\n", file.name);
  }

  const FmtArguments& arguments_;
  Diagnostics diagnostics_;
  int changed_ = 0;
  bool is_unwritten_ = false;
};

}  // namespace

void add_fmt(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<FmtArguments>();
  CLI::App* command = program.add_subcommand(
      "fmt", "Put rule files into their one form, so that edits show as edits");
  command->footer(
      "Keys of each rule in the order of `tocsin schema rules`, two blanks an indentation, no "
      "blanks\n"
      "at the ends of lines. Comments stay with the key that they stand above; what stands on a "
      "line,\n"
      "and the inside of `>` and `|` blocks, is left as it is. A file is written only when all "
      "its\n"
      "values and comments are the same afterwards. Names of changed files are printed.\n"
      "Examples:\n"
      "  tocsin fmt my-rules\n"
      "  tocsin fmt --check my-rules      # changes nothing; for build servers\n"
      "Exit code 0 when all are in form, with --check 1 when some are not; 2 when a file cannot be "
      "read\n"
      "as rules, 3 when one cannot be written.");
  command->add_option("paths", arguments->paths, "Rule files, or folders with rule files")
      ->required();
  command->add_flag("--check", arguments->check, "Only tell which files would change");
  command->callback([arguments, &exit_code] { exit_code = Formatting(*arguments).run(); });
}

}  // namespace tocsin::daemon
