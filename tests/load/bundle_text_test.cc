#include "rules/load/bundle_text.h"

#include "tests/load/loading.h"

namespace tocsin::rules {
namespace {

TEST(BundleText, SerializesAndParsesBack) {
  Diagnostics diagnostics;
  const BundleText text = read_bundle_text(
      {.catalogue = {data_path("catalogue")}, .rules = {data_path("good")}}, diagnostics);
  ASSERT_FALSE(diagnostics.has_errors());
  EXPECT_EQ(text.attachments.size(), 1U);  // the region table
  const auto back = parse_bundle_text(serialize(text));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(*back, text);
  EXPECT_EQ(load_bundle(*back, diagnostics)->hash, load_bundle(text, diagnostics)->hash);
}

TEST(BundleText, RefusesEveryTruncation) {
  const std::string bytes =
      serialize({.catalogue = {{"c", "x\n"}}, .rules = {{"r", "yy"}}, .attachments = {{"a", ""}}});
  int whole = 0;
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto text = parse_bundle_text(bytes.substr(0, size));
    // Cut between two files it is a shorter bundle; anywhere else it is nothing.
    if (text) ++whole;
  }
  EXPECT_EQ(whole, 3);
  EXPECT_FALSE(parse_bundle_text("tocsin-bundle 1\nr 99999999999999999999 1\nx"));
  EXPECT_FALSE(parse_bundle_text("tocsin-bundle 1\nz 1 1\nab"));
}

TEST(BundleText, LeavesTestsAndHiddenFilesOut) {
  const std::string folder = testing::TempDir() + "/bundle_text_" + std::to_string(getpid());
  std::filesystem::create_directories(folder + "/deep");
  for (const char* name : {"a.yaml", "a.test.yaml", ".b.yaml", "c.txt", "deep/d.yaml"}) {
    std::ofstream(folder + "/" + name) << "x: 1\n";
  }
  Diagnostics diagnostics;
  const BundleText text = read_bundle_text({.catalogue = {}, .rules = {folder}}, diagnostics);
  ASSERT_EQ(text.rules.size(), 2U);
  EXPECT_TRUE(text.rules[0].name.ends_with("/a.yaml"));
  EXPECT_TRUE(text.rules[1].name.ends_with("/deep/d.yaml"));
  std::filesystem::remove_all(folder);
}

TEST(BundleText, TellsWhatCannotBeRead) {
  Diagnostics diagnostics;
  read_bundle_text({.catalogue = {}, .rules = {"/nonexistent/rules"}}, diagnostics);
  ASSERT_EQ(diagnostics.errors(), 1);
  EXPECT_EQ(diagnostics.all()[0].code, "T0321");
}

TEST(BundleText, RulesOfWhichAFolderIsGoneDoNotLoadInPart) {
  const std::string empty = testing::TempDir() + "/bundle_text_empty_" + std::to_string(getpid());
  std::filesystem::create_directories(empty);
  for (const auto& [folder, code] : std::vector<std::pair<std::string, std::string>>{
           {"/nonexistent/rules", "T0321"}, {empty, "T0322"}}) {
    Diagnostics diagnostics;
    const LoadedBundle read = read_bundle(
        {.catalogue = {data_path("catalogue")}, .rules = {data_path("good"), folder}}, diagnostics);
    EXPECT_EQ(read.bundle, nullptr) << folder;
    ASSERT_EQ(diagnostics.errors(), 1);
    EXPECT_EQ(diagnostics.all()[0].code, code);
  }
  std::filesystem::remove_all(empty);
}

TEST(BundleText, AFileGivenTwiceIsReadOnce) {
  Diagnostics diagnostics;
  const BundleText text = read_bundle_text(
      {.catalogue = {}, .rules = {data_path("good"), data_path("good/event.good.yaml")}},
      diagnostics);
  EXPECT_EQ(text.rules.size(), files_ending_with(data_path("good"), ".good.yaml").size());
}

}  // namespace
}  // namespace tocsin::rules
