// The commands for rule authors as they are called: exit codes, and what goes where.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "daemon/commands/commands.h"
#include "tests/daemon/small_bundle.h"
#include "tests/daemon/temporary_folder.h"

namespace tocsin::daemon {
namespace {

using testing::HasSubstr;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

Outcome run(std::vector<std::string> arguments) {
  Outcome outcome;
  CLI::App program;
  for (const auto add : {add_diff}) add(program, outcome.code);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  try {
    program.parse(arguments);
  } catch (const CLI::ParseError& error) {
    ADD_FAILURE() << error.what();
  }
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

class AuthorCommands : public testing::Test {
 protected:
  AuthorCommands()
      : catalogue_(folder_.write("catalogue.yaml", kCatalogue)),
        rules_(folder_.write("rules.yaml", kRules)) {}

  const TemporaryFolder folder_;
  const std::string catalogue_;
  const std::string rules_;
};

TEST_F(AuthorCommands, DiffTellsWhatAReloadWouldDo) {
  const Outcome same = run({"diff", "--catalogue", catalogue_, rules_, rules_});
  EXPECT_EQ(same.code, kDone);
  EXPECT_THAT(same.out, HasSubstr("keep 1"));
  const std::string other =
      folder_.write("other.yaml", replaced(kRules, "window: 5d", "window: 6d"));
  const Outcome changed = run({"diff", rules_, other, "--catalogue", catalogue_});
  EXPECT_EQ(changed.code, kAnswerIsNo);
  EXPECT_THAT(changed.out, HasSubstr("detect.measures.dead.window: 5d → 6d"));
  const Outcome json = run({"diff", rules_, other, "--catalogue", catalogue_, "--json"});
  EXPECT_EQ(json.code, kAnswerIsNo);
  EXPECT_THAT(json.out, HasSubstr(R"("effect":"rebuild","parts":["detect"])"));
}

TEST_F(AuthorCommands, DiffTakesACatalogueForEachSide) {
  const std::string more =
      folder_.write("more.yaml", replaced(kCatalogue, "regions:\n",
                                          "  late: {title: L, indicators: [violence.clash]}\n"
                                          "regions:\n"));
  const Outcome moved = run(
      {"diff", rules_, rules_, "--catalogue", catalogue_, "--new-catalogue", more, "--changes"});
  EXPECT_EQ(moved.code, kAnswerIsNo);
  EXPECT_THAT(moved.out, HasSubstr("no state can be kept"));
  EXPECT_EQ(run({"diff", rules_, rules_, "--old-catalogue", more, "--new-catalogue", more}).code,
            kDone);
}

TEST_F(AuthorCommands, DiffTellsLikeCheckWhatDoesNotLoad) {
  const std::string bad = folder_.write("bad.yaml", replaced(kRules, "window: 5d", "windw: 5d"));
  const Outcome outcome = run({"diff", rules_, bad, "--catalogue", catalogue_});
  EXPECT_EQ(outcome.code, kUsage);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr("bad.yaml:13:"));
  EXPECT_THAT(outcome.err, HasSubstr("error T0303: unknown key `windw`"));
  EXPECT_THAT(outcome.err, HasSubstr("hint: "));
}

}  // namespace
}  // namespace tocsin::daemon
