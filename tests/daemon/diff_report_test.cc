#include "daemon/diff_report.h"

#include <gtest/gtest.h>

namespace tocsin::daemon {
namespace {

using rules::ReloadEffect;

constexpr Span days(int n) { return {.exact = std::chrono::hours(24 * n)}; }

rules::BundleDiff some_diff() {
  rules::BundleDiff diff;
  const auto add = [&](const char* id, ReloadEffect effect) -> rules::RuleChange& {
    rules::RuleChange& change = diff.rules.emplace_back();
    change.id = id;
    change.effect = effect;
    return change;
  };
  add("p/a", ReloadEffect::kKeep);
  rules::RuleChange& light = add("p/b", ReloadEffect::kRethreshold);
  light.fields = {{"levels.watch.when", "n >= 3", "n >= 4"}, {"title.en", "", "T \"x\""}};
  rules::RuleChange& heavy = add("p/long-name", ReloadEffect::kRebuild);
  heavy.parts = {"by", "detect"};
  heavy.fields = {{"detect.measures.n.window", "7d", "14d"}};
  heavy.warm_up = {.reach = days(196), .silent = days(70)};
  rules::RuleChange& reader = add("p/reader", ReloadEffect::kRethreshold);
  reader.signals = {"s"};
  reader.warm_up = {.reach = days(300)};
  add("p/new", ReloadEffect::kNew).warm_up = {.reach = {.months = 18}};
  add("p/event", ReloadEffect::kNew);
  add("p/z", ReloadEffect::kRemoved);
  return diff;
}

TEST(DiffReport, ShowsARowForEveryRuleAndWhatItsAuthorChanged) {
  EXPECT_EQ(diff_text(some_diff(), {}),
            "rule         effect        warming up              what differs\n"
            "p/a          keep\n"
            "p/b          re-threshold                          levels, title\n"
            "    levels.watch.when: n >= 3 → n >= 4\n"
            "    title.en: (nothing) → T \"x\"\n"
            "p/long-name  rebuild       196 d, silent for 70 d  by, detect\n"
            "    detect.measures.n.window: 7d → 14d\n"
            "p/reader     re-threshold  300 d                   signal s\n"
            "p/new        new           18mo\n"
            "p/event      new           at once\n"
            "p/z          removed                               open alerts end\n"
            "\n"
            "keep 1, re-threshold 2, rebuild 1, new 2, removed 1\n");
}

TEST(DiffReport, LeavesOutWhatIsKeptWhenAsked) {
  rules::BundleDiff diff;
  diff.rules.emplace_back().id = "p/a";
  EXPECT_EQ(diff_text(diff, {.only_changes = true}), "keep 1\n");
}

TEST(DiffReport, CutsLongTextsWhereTheyStillDiffer) {
  rules::BundleDiff diff;
  rules::RuleChange& change = diff.rules.emplace_back();
  change.effect = ReloadEffect::kRethreshold;
  const std::string same(200, 'a');
  change.fields = {{"doc.rationale", same + "é one", same + "é two"}};
  const std::string text = diff_text(diff, {});
  EXPECT_NE(text.find("é one → …"), std::string::npos) << text;
  EXPECT_NE(text.find("é two\n"), std::string::npos) << text;
  EXPECT_EQ(text.find(same), std::string::npos) << text;
}

TEST(DiffReport, SaysWhyAnotherCatalogueKeepsNothing) {
  rules::BundleDiff diff = some_diff();
  diff.is_renumbered = true;
  EXPECT_TRUE(diff_text(diff, {}).starts_with("The catalogue has other sources"));
}

TEST(DiffReport, IsOneJsonObject) {
  EXPECT_EQ(
      diff_json(some_diff()),
      R"({"same":false,"renumbered":false,)"
      R"("counts":{"keep":1,"re-threshold":2,"rebuild":1,"new":2,"removed":1},"rules":[)"
      R"({"rule":"p/a","effect":"keep"},)"
      R"({"rule":"p/b","effect":"re-threshold","fields":[)"
      R"({"path":"levels.watch.when","before":"n >= 3","after":"n >= 4"},)"
      R"({"path":"title.en","before":"","after":"T \"x\""}]},)"
      R"({"rule":"p/long-name","effect":"rebuild","parts":["by","detect"],"fields":[)"
      R"({"path":"detect.measures.n.window","before":"7d","after":"14d"}],)"
      R"("look_back":"196d","look_back_seconds":16934400,"silent":"70d","silent_seconds":6048000},)"
      R"({"rule":"p/reader","effect":"re-threshold","signals":["s"],)"
      R"("look_back":"300d","look_back_seconds":25920000,"silent":"0s","silent_seconds":0},)"
      R"({"rule":"p/new","effect":"new","look_back":"18mo","look_back_seconds":48211200,)"
      R"("silent":"0s","silent_seconds":0},)"
      R"({"rule":"p/event","effect":"new","look_back":"0s","look_back_seconds":0,)"
      R"("silent":"0s","silent_seconds":0},)"
      R"({"rule":"p/z","effect":"removed"}]})");
}

}  // namespace
}  // namespace tocsin::daemon
