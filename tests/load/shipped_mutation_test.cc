#include <algorithm>
#include <filesystem>

#include "rules/load/catalogue_loader.h"
#include "rules/yaml/document.h"
#include "tests/load/loading.h"

// Every key of every shipped rule file misspelt, every value of another type, every name unknown,
// one at a time: always an error, at the line where it is or by the name that it concerns.
namespace tocsin::rules {
namespace {

const std::string kTree = TOCSIN_SOURCE_DIR;

const std::shared_ptr<const Catalogue>& catalogue() {
  static const std::shared_ptr<const Catalogue> loaded = [] {
    Diagnostics diagnostics;
    return load_catalogue(
        read_bundle_text({.catalogue = {kTree + "/rules/catalogue"}, .rules = {}}, diagnostics),
        diagnostics);
  }();
  return loaded;
}

std::vector<std::string> rule_files(const std::string& package) {
  std::vector<std::string> files;
  for (const std::string& path : files_ending_with(kTree + "/rules/sets/" + package, ".yaml")) {
    if (!path.ends_with(".test.yaml")) files.push_back(path);
  }
  return files;
}

std::vector<std::string> packages() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kTree + "/rules/sets")) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

size_t offset_of(const std::string& text, const Place& place) {
  size_t offset = 0;
  for (int line = 1; line < place.line; ++line) offset = text.find('\n', offset) + 1;
  // Columns count characters; what stands before a key or a value is ASCII but for texts.
  for (int column = 1; column < place.column; ++offset) {
    if ((static_cast<unsigned char>(text[offset]) & 0xC0U) != 0x80U) ++column;
  }
  while ((static_cast<unsigned char>(text[offset]) & 0xC0U) == 0x80U) ++offset;
  return offset;
}

class ShippedFile {
 public:
  explicit ShippedFile(std::string path) : path_(std::move(path)), text_(read_text(path_)) {
    Diagnostics diagnostics;
    root_ = *yaml::parse_document(text_, "m.yaml", diagnostics);
  }
  const yaml::Node& root() const { return root_; }
  const std::string& text() const { return text_; }

  // `name`: what a message may speak of instead of the line.
  void expect_error(const std::string& mutant, const Place& place, const std::string& name) {
    BundleText bundle_text;
    bundle_text.rules = {{"m.yaml", mutant}};
    Diagnostics diagnostics;
    const auto bundle = load_rules(bundle_text, catalogue(), diagnostics);
    bool is_told = false;
    for (const Diagnostic& d : diagnostics.all()) {
      if (d.severity != Severity::kError) continue;
      EXPECT_FALSE(d.message.empty());
      is_told = is_told || d.place.line == place.line ||
                d.message.find(name) != std::string::npos || d.hint.find(name) != std::string::npos;
    }
    EXPECT_TRUE(bundle == nullptr && is_told)
        << path_ << ":" << place.line << ":" << place.column << " (" << name << ") "
        << (diagnostics.all().empty() ? "nothing told" : to_text(diagnostics.all().front()));
  }

 private:
  std::string path_;
  std::string text_;
  yaml::Node root_;
};

class ShippedMutation : public ::testing::TestWithParam<std::string> {};

TEST_P(ShippedMutation, OfAKeyIsTold) {
  int keys = 0;
  for (const std::string& path : rule_files(GetParam())) {
    ShippedFile file(path);
    // Names that the file itself gives to steps and parts are free.
    const auto visit = [&](const auto& self, const yaml::Node& node, bool is_free) -> void {
      for (const auto& entry : node.entries) {
        if (!is_free) {
          std::string mutant = file.text();
          mutant.insert(offset_of(mutant, entry.key_place), "zz");
          file.expect_error(mutant, entry.key_place, entry.key);
          ++keys;
        }
        self(self, entry.value, entry.key == "components" || entry.key == "protective");
        for (const yaml::Node& item : entry.value.items) self(self, item, entry.key == "steps");
      }
    };
    visit(visit, file.root(), false);
  }
  EXPECT_GT(keys, 100);
}

TEST_P(ShippedMutation, OfAValuesTypeIsTold) {
  int values = 0;
  for (const std::string& path : rule_files(GetParam())) {
    ShippedFile file(path);
    const auto change = [&](const yaml::Node& node, const std::string& key) {
      // Texts in quotes or on one line; a block is left as it is.
      const size_t from = offset_of(file.text(), node.place);
      const char first = file.text()[from];
      size_t to = from + node.scalar.size();
      if (first == '"' || first == '\'') {
        to = file.text().find(first, from + 1);
        if (to == std::string::npos || file.text()[to - 1] == '\\' || file.text()[to + 1] == '\'') {
          return;
        }
        ++to;
      } else if (first == '>' || first == '|' ||
                 file.text().compare(from, node.scalar.size(), node.scalar) != 0) {
        return;
      }
      std::string mutant = file.text();
      mutant.replace(from, to - from, "{zz: [1]}");
      file.expect_error(mutant, node.place, key);
      ++values;
    };
    const auto visit = [&](const auto& self, const yaml::Node& node,
                           const std::string& key) -> void {
      if (node.is_scalar()) change(node, key);
      for (const yaml::Node& item : node.items) self(self, item, key);
      for (const auto& entry : node.entries) self(self, entry.value, entry.key);
    };
    visit(visit, file.root(), "");
  }
  EXPECT_GT(values, 100);
}

// Names in expressions: indicators, fields, attrs, lists, macros, measures, signals.
TEST_P(ShippedMutation, OfANameInAnExpressionIsTold) {
  int names = 0;
  for (const std::string& path : rule_files(GetParam())) {
    ShippedFile file(path);
    for (const char* start : {"e.", "e.attrs.", "list.", "macro.", "e.indicator == \"", "signal(\"",
                              "signal: ", "level."}) {
      for (size_t at = file.text().find(start); at != std::string::npos;
           at = file.text().find(start, at + 1)) {
        const bool is_inside =
            at > 0 && (std::isalnum(static_cast<unsigned char>(file.text()[at - 1])) != 0 ||
                       file.text()[at - 1] == '_' || file.text()[at - 1] == '.');
        const size_t name = at + std::string_view(start).size();
        if (is_inside || std::islower(static_cast<unsigned char>(file.text()[name])) == 0) continue;
        const auto line_start = file.text().rfind('\n', at);
        const std::string line =
            file.text().substr(line_start + 1, file.text().find('\n', at) - line_start - 1);
        // Prose has dots too.
        const bool is_prose =
            line.find("e.g.") != std::string::npos || line.find('#') < line.find(start) ||
            (line.find('"') == std::string::npos && line.find("==") == std::string::npos &&
             line.find('(') == std::string::npos && line.find(": e.") == std::string::npos &&
             line.find("signal:") == std::string::npos);
        if (is_prose) continue;
        std::string mutant = file.text();
        mutant.insert(name, "zz");
        const auto line_number = static_cast<int>(
            std::count(mutant.begin(), mutant.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1);
        Place place;
        place.line = line_number;
        file.expect_error(mutant, place, "zz");
        ++names;
      }
    }
  }
  EXPECT_GT(names, 10);
}

INSTANTIATE_TEST_SUITE_P(Packages, ShippedMutation, ::testing::ValuesIn(packages()),
                         [](const auto& package) { return package.param; });

}  // namespace
}  // namespace tocsin::rules
