#include "rules/authoring/rule_tests.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

#include "rules/load/bundle_text.h"
#include "rules/load/values.h"
#include "rules/yaml/document.h"

namespace tocsin::rules {

namespace {

namespace fs = std::filesystem;

template <typename Iterator>
void add_tests(const fs::path& folder, std::set<std::string>& files) {
  std::error_code error;
  for (Iterator entries(folder, error); !error && entries != Iterator(); entries.increment(error)) {
    const std::string path = entries->path().lexically_normal().string();
    if (path.ends_with(".test.yaml")) files.insert(path);
  }
}

std::optional<RuleTestNote> read_note(const std::string& path) {
  Diagnostics told_by_test;
  const auto document = yaml::read_document(path, told_by_test);
  if (!document) return std::nullopt;
  RuleTestNote note{.file = path, .rules = {}, .names = {}};
  for (const std::string& rule : texts_at(*document, "rules")) {
    note.rules.push_back(path_beside(path, rule));
  }
  for (const yaml::Node& test : items_of(document->find("tests"))) {
    note.names.push_back(text_at(test, "name").value_or("(without a name)"));
    for (const yaml::Node& step : items_of(test.find("steps"))) {
      const yaml::Node* reload = step.find("reload");
      const auto file = reload == nullptr ? std::nullopt : text_at(*reload, "file");
      if (file) note.rules.push_back(path_beside(path, *file));
    }
  }
  return note;
}

}  // namespace

std::vector<RuleTestNote> find_rule_tests(const std::vector<std::string>& rule_paths) {
  std::set<std::string> files;
  for (const std::string& path : rule_paths) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      add_tests<fs::recursive_directory_iterator>(path, files);
    } else {
      const fs::path folder = fs::path(path).parent_path();
      add_tests<fs::directory_iterator>(folder.empty() ? "." : folder, files);
    }
  }
  std::vector<RuleTestNote> notes;
  for (const std::string& file : files) {
    if (auto note = read_note(file)) notes.push_back(std::move(*note));
  }
  return notes;
}

std::vector<std::string> find_test_files(const std::vector<std::string>& rule_paths) {
  std::set<std::string> files;
  for (const std::string& path : rule_paths) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      add_tests<fs::recursive_directory_iterator>(path, files);
    } else {
      const fs::path test = fs::path(path).replace_extension(".test.yaml");
      if (fs::is_regular_file(test, error)) files.insert(test.lexically_normal().string());
    }
  }
  return {files.begin(), files.end()};
}

bool is_of(const RuleTestNote& tests, const std::string& rule_file) {
  return std::any_of(tests.rules.begin(), tests.rules.end(), [&](std::string named) {
    if (named == rule_file) return true;
    if (!named.ends_with('/')) named += '/';
    return rule_file.starts_with(named);
  });
}

}  // namespace tocsin::rules
