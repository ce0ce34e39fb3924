#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "rules/load/rule_loader.h"

// What the tests of the loader share: the small catalogue in `data` and bundles over it.
namespace tocsin::rules {

inline std::string data_path(const std::string& name) {
  return std::string(TOCSIN_SOURCE_DIR) + "/tests/load/data/" + name;
}

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

inline std::vector<std::string> files_ending_with(const std::string& folder,
                                                  const std::string& ending) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string path = entry.path().string();
    if (path.ends_with(ending)) files.push_back(path);
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The test catalogue, with `rules` as rule files.
inline BundleText with_rules(std::vector<NamedText> rules) {
  Diagnostics diagnostics;
  BundleText text =
      read_bundle_text({.catalogue = {data_path("catalogue")}, .rules = {}}, diagnostics);
  EXPECT_FALSE(diagnostics.has_errors());
  text.rules = std::move(rules);
  return text;
}

// A rule file with one rule; `lines` are its keys beside name, title, status, driver and stage.
inline std::string file_with(const std::string& lines, const std::string& head = {}) {
  std::string text = "tocsin: rules/1\npackage: p\n" + head +
                     "rules:\n  - rule: r\n    title: T\n    status: draft\n    driver: violence\n"
                     "    stage: latent\n";
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) text += "    " + line + "\n";
  return text;
}

// Loads one file; failures are told with their diagnostics.
inline std::shared_ptr<const Bundle> load_good(const std::string& file) {
  Diagnostics diagnostics;
  auto bundle = load_bundle(with_rules({{"r.yaml", file}}), diagnostics);
  for (const Diagnostic& d : diagnostics.all()) ADD_FAILURE() << to_text(d) << "\n" << file;
  return bundle;
}

}  // namespace tocsin::rules
