#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/model/diagnostic.h"
#include "rules/model/hash.h"

namespace tocsin::rules {

// Where rules and catalogue lie: files, or folders that are searched through.
struct BundlePaths {
  std::vector<std::string> catalogue;  // *.yaml in folders
  std::vector<std::string> rules;      // *.yaml in folders, without *.test.yaml
  uint64_t state_budget = UINT64_MAX;  // bytes that all rules together may need (budget.h)
};

// A file as it was read.
struct NamedText {
  std::string name;  // its path
  std::string text;
  friend bool operator==(const NamedText&, const NamedText&) = default;
};

// All texts that a bundle is made of: what the journal keeps, so that a recovery compiles the rules
// that were in force and not those that lie on the disk by then.
struct BundleText {
  std::vector<NamedText> catalogue;    // catalogue files, sorted by name
  std::vector<NamedText> rules;        // rule files, sorted by name
  std::vector<NamedText> attachments;  // tables and lists that they name, sorted by name

  // nullptr when there is no such attachment.
  const std::string* attachment(std::string_view name) const;
  friend bool operator==(const BundleText&, const BundleText&) = default;
};

// Reads everything. What cannot be read is told, also a path under which no file lies; what a file
// names and is not there is told when the bundle is loaded.
BundleText read_bundle_text(const BundlePaths& paths, Diagnostics& diagnostics);

// One string and back (nullopt when it is not that). Part of the persistent format.
std::string serialize(const BundleText& text);
std::optional<BundleText> parse_bundle_text(std::string_view bytes);

// Of the content: names and order of the files do not count.
Hash128 content_hash(const BundleText& text);

// Path of `file` as named in the file `name`: beside it unless absolute.
std::string path_beside(const std::string& name, const std::string& file);

}  // namespace tocsin::rules
