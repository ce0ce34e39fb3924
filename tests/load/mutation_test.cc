#include <random>

#include "rules/yaml/document.h"
#include "tests/load/loading.h"

// Rule files as people break them: a thousand seeded changes of good files. Whatever comes of one,
// the loader tells where, or loads it.
namespace tocsin::rules {
namespace {

constexpr int kMutants = 1000;
constexpr unsigned kSeed = 20261123;

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  std::string mutate(std::string text) {
    const int changes = 1 + pick(2);
    for (int i = 0; i < changes; ++i) text = change(std::move(text));
    return text;
  }

  int pick(size_t n) { return static_cast<int>(random_() % (n == 0 ? 1 : n)); }

 private:
  std::string change(std::string text) {
    switch (pick(8)) {
      case 0:
        return with_lines(text, [&](auto& lines, size_t i) {
          lines.erase(lines.begin() + static_cast<long>(i));
        });
      case 1:
        return with_lines(text, [&](auto& lines, size_t i) {
          lines.insert(lines.begin() + static_cast<long>(i), lines[i]);
        });
      case 2:
        return misspell(std::move(text));
      case 3:
        return wrong_type(std::move(text));
      case 4:
        return text.substr(0, static_cast<size_t>(pick(text.size())));
      case 5:
        return random_bytes(std::move(text));
      case 6:
        return with_lines(text, [&](auto& lines, size_t i) {
          std::swap(lines[i], lines[static_cast<size_t>(pick(lines.size()))]);
        });
      default:
        return with_lines(text, [&](auto& lines, size_t i) {
          lines[i] = std::string(static_cast<size_t>(pick(6)), ' ') + lines[i];
        });
    }
  }

  template <typename Edit>
  std::string with_lines(const std::string& text, Edit edit) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    if (lines.empty()) return text;
    edit(lines, static_cast<size_t>(pick(lines.size())));
    std::string out;
    for (const std::string& line : lines) out += line + "\n";
    return out;
  }

  // A letter of a key goes, comes twice, or becomes another.
  std::string misspell(std::string text) {
    const size_t colon = text.find(':', static_cast<size_t>(pick(text.size())));
    if (colon == std::string::npos || colon == 0) return text;
    const size_t at = colon - 1;
    switch (pick(3)) {
      case 0:
        return text.erase(at, 1);
      case 1:
        return text.insert(at, 1, text[at]);
      default:
        text[at] = static_cast<char>('a' + pick(26));
        return text;
    }
  }

  std::string wrong_type(std::string text) {
    static const std::vector<std::string> values = {
        "[1, 2]", "{a: b}", "~",    "-1",    "yes",     "''",         "99999999999999999999",
        "*x",     "&y z",   "!t v", "1e400", "{{ n }}", "\"unclosed", "7 parsecs"};
    const size_t colon = text.find(": ", static_cast<size_t>(pick(text.size())));
    if (colon == std::string::npos) return text;
    const size_t end = std::min(text.find_first_of("\n,}", colon), text.size());
    return text.replace(colon + 2, end > colon + 2 ? end - colon - 2 : 0,
                        values[static_cast<size_t>(pick(values.size()))]);
  }

  std::string random_bytes(std::string text) {
    if (text.empty()) return text;
    for (int i = 0; i < 1 + pick(8); ++i) {
      text[static_cast<size_t>(pick(text.size()))] = static_cast<char>(pick(256));
    }
    return text;
  }

  std::mt19937 random_;
};

TEST(MutatedRuleFiles, AreLoadedOrToldWithAPlace) {
  std::vector<std::string> originals;
  for (const std::string& path : files_ending_with(data_path("good"), ".good.yaml")) {
    originals.push_back(read_text(path));
  }
  const BundleText world = with_rules({});
  Mutator mutator(kSeed);
  int refused = 0;
  int loaded = 0;
  for (int i = 0; i < kMutants; ++i) {
    BundleText text = world;
    const std::string& original = originals[static_cast<size_t>(mutator.pick(originals.size()))];
    text.rules = {{"mutant.yaml", mutator.mutate(original)}};
    Diagnostics diagnostics;
    const auto bundle = load_bundle(text, diagnostics);
    if (bundle != nullptr) {
      ++loaded;
      continue;
    }
    ++refused;
    ASSERT_TRUE(diagnostics.has_errors()) << "seed " << kSeed << ", mutant " << i << "\n"
                                          << text.rules[0].text;
    for (const Diagnostic& d : diagnostics.all()) {
      ASSERT_EQ(d.place.file, "mutant.yaml") << to_text(d) << "\n" << text.rules[0].text;
      ASSERT_GT(d.place.line, 0) << to_text(d) << "\n" << text.rules[0].text;
      ASSERT_GT(d.place.column, 0) << to_text(d) << "\n" << text.rules[0].text;
    }
  }
  // Most changes break a file; a few only change a text or a number.
  EXPECT_GT(refused, kMutants / 2);
  EXPECT_GT(loaded, 0);
}

// Pitfall 21: a misspelt key is never taken for nothing.
TEST(MutatedRuleFiles, EveryMisspeltKeyIsAnError) {
  int keys = 0;
  for (const std::string& path : files_ending_with(data_path("good"), ".good.yaml")) {
    const std::string original = read_text(path);
    Diagnostics parsing;
    const auto root = yaml::parse_document(original, path, parsing);
    ASSERT_TRUE(root.has_value());
    std::vector<Place> places;
    // Extensions and the names of steps and parts are free: nothing knows another spelling of them.
    const auto collect = [&](const auto& self, const yaml::Node& node, bool free) -> void {
      for (const auto& entry : node.entries) {
        if (entry.key.starts_with("x-")) continue;
        if (!free) places.push_back(entry.key_place);
        self(self, entry.value, entry.key == "components" || entry.key == "protective");
        for (const yaml::Node& item : entry.value.items) self(self, item, entry.key == "steps");
      }
    };
    collect(collect, *root, false);
    for (const Place& place : places) {
      std::string mutant = original;
      size_t offset = 0;
      for (int line = 1; line < place.line; ++line) offset = mutant.find('\n', offset) + 1;
      mutant.insert(offset + static_cast<size_t>(place.column) - 1, "zz");
      Diagnostics diagnostics;
      const auto bundle = load_bundle(with_rules({{"m.yaml", mutant}}), diagnostics);
      EXPECT_TRUE(bundle == nullptr && diagnostics.has_errors())
          << path << ":" << place.line << ":" << place.column;
      ++keys;
    }
  }
  EXPECT_GT(keys, 150);
}

}  // namespace
}  // namespace tocsin::rules
