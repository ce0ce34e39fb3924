#include "rules/authoring/rule_tests.h"

#include <gmock/gmock.h>

#include "tests/daemon/temporary_folder.h"

namespace tocsin::rules {
namespace {

using testing::ElementsAre;

TEST(RuleTests, AreFoundBelowFoldersAndBesideFiles) {
  const daemon::TemporaryFolder folder;
  std::filesystem::create_directory(folder.path("sub"));
  folder.write("a.test.yaml",
               "tocsin: tests/1\nrules: [sub/../a.yaml]\ncatalogue: [c.yaml]\n"
               "tests:\n  - {name: fires, start: 2020-01-01T00:00:00Z, steps: []}\n"
               "  - name: reloads\n    start: 2020-01-01T00:00:00Z\n"
               "    steps: [{reload: {file: a2.yaml}}]\n");
  folder.write("sub/b.test.yaml", "rules: [.]\ntests: [{name: all}]\n");
  folder.write("broken.test.yaml", "rules: [\n");
  const auto in_folder = find_rule_tests({folder.path(".")});
  ASSERT_EQ(in_folder.size(), 2U);
  EXPECT_THAT(in_folder[0].names, ElementsAre("fires", "reloads"));
  EXPECT_TRUE(is_of(in_folder[0], folder.path("a.yaml")));
  EXPECT_TRUE(is_of(in_folder[0], folder.path("a2.yaml"))) << "also what only a reload names";
  EXPECT_FALSE(is_of(in_folder[0], folder.path("sub/b.yaml")));
  EXPECT_TRUE(is_of(in_folder[1], folder.path("sub/b.yaml"))) << "a folder names what is in it";
  EXPECT_FALSE(is_of(in_folder[1], folder.path("a.yaml")));
  const auto beside = find_rule_tests({folder.path("a.yaml")});
  ASSERT_EQ(beside.size(), 1U) << "of a file only those beside it";
}

}  // namespace
}  // namespace tocsin::rules
