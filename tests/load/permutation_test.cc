#include <algorithm>
#include <random>

#include "rules/load/catalogue_loader.h"
#include "tests/load/loading.h"

namespace tocsin::rules {
namespace {

// Acceptance of the language: files in any order are the same rules, to the last hash.
TEST(ShippedFiles, InAnyOrderGiveTheSamePlan) {
  const std::string tree = TOCSIN_SOURCE_DIR;
  Diagnostics diagnostics;
  BundleText text = read_bundle_text(
      {.catalogue = {tree + "/rules/catalogue"}, .rules = {tree + "/rules/sets"}}, diagnostics);
  const auto catalogue = load_catalogue(text, diagnostics);
  const auto sorted = load_rules(text, catalogue, diagnostics);
  ASSERT_NE(sorted, nullptr);
  std::mt19937 random(7);
  for (int i = 0; i < 5; ++i) {
    std::shuffle(text.rules.begin(), text.rules.end(), random);
    std::shuffle(text.catalogue.begin(), text.catalogue.end(), random);
    for (size_t n = 0; n < text.rules.size(); ++n) {
      text.rules[n].name = std::to_string(n) + ".yaml";  // nor do their names count
    }
    const auto other = load_bundle(text, diagnostics);
    ASSERT_NE(other, nullptr);
    EXPECT_EQ(other->hash, sorted->hash);
    ASSERT_EQ(other->rules.size(), sorted->rules.size());
    for (size_t r = 0; r < sorted->rules.size(); ++r) {
      EXPECT_EQ(other->rules[r].id, sorted->rules[r].id);
      EXPECT_EQ(other->rules[r].shape, sorted->rules[r].shape);
      EXPECT_EQ(other->rules[r].hash, sorted->rules[r].hash);
      EXPECT_EQ(feeding_sources(*other->catalogue, other->rules[r]),
                feeding_sources(*sorted->catalogue, sorted->rules[r]));
    }
    ASSERT_EQ(other->signals.size(), sorted->signals.size());
    for (size_t s = 0; s < sorted->signals.size(); ++s) {
      EXPECT_EQ(other->signals[s].key, sorted->signals[s].key);
      EXPECT_EQ(other->signals[s].reach, sorted->signals[s].reach);
    }
  }
}

}  // namespace
}  // namespace tocsin::rules
