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
using testing::Not;
using testing::StartsWith;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

Outcome run(std::vector<std::string> arguments) {
  Outcome outcome;
  CLI::App program;
  for (const auto add : {add_check, add_diff, add_doc, add_fmt, add_replay})
    add(program, outcome.code);
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

TEST_F(AuthorCommands, CheckDoubtsWhatLoads) {
  std::filesystem::create_directory(folder_.path("sets"));
  folder_.write("sets/rules.yaml", replaced(kRules, "dead >= 60.0", "dead >= 9.0 && dead < 1.0"));
  const std::vector<std::string> folder = {"check", "--rules", folder_.path("sets"), "--catalogue",
                                           catalogue_};
  const Outcome doubtful = run(folder);
  EXPECT_EQ(doubtful.code, kDone) << "doubts keep nobody from running it";
  EXPECT_THAT(doubtful.out, HasSubstr("sets/rules.yaml:4:11: warning T0385: no test names"));
  EXPECT_THAT(doubtful.out, HasSubstr("warning T0381: the level `alert` can never be entered"));
  EXPECT_THAT(doubtful.out, HasSubstr("warning T0387"));
  EXPECT_THAT(doubtful.out, HasSubstr("3 warnings\nstatus:  production 1\n"));
  std::vector<std::string> strict = folder;
  strict.emplace_back("--deny-warnings");
  EXPECT_EQ(run(strict).code, kUsage);
  folder_.write("sets/rules.test.yaml", "tocsin: tests/1\nrules: [rules.yaml]\ntests: []\n");
  const Outcome without_catalogue = run(folder);
  EXPECT_EQ(without_catalogue.code, kUsage) << "`test` would refuse it too";
  EXPECT_THAT(without_catalogue.out,
              HasSubstr("rules.test.yaml:1:1: error T0305: the file lacks `catalogue`"));
  EXPECT_THAT(without_catalogue.out, HasSubstr("hint: `catalogue: ../../catalogue`"));
  folder_.write("sets/rules.test.yaml",
                "tocsin: tests/1\nrules: [rules.yaml]\ncatalogue: ../catalogue.yaml\ntests: []\n");
  EXPECT_THAT(run(folder).out, Not(HasSubstr("T0385")));
  const std::string config = folder_.write(
      "tocsin.yaml", "tocsin: config/1\ndata_dir: data\nrules: sets\ncatalogue: catalogue.yaml\n");
  std::filesystem::remove(folder_.path("sets/rules.test.yaml"));
  const Outcome in_service = run({"check", "--config", config});
  EXPECT_THAT(in_service.out, HasSubstr("T0381"));
  EXPECT_THAT(in_service.out, Not(HasSubstr("T0385"))) << "tests stay where rules are written";
}

TEST_F(AuthorCommands, ReplayJudgesTheLastDayOfItsInput) {
  const std::string input = folder_.write("in.ndjson", event_line(1, 12, "XA", 40));
  const std::vector<std::string> daily = {"replay",      "--rules",  rules_,
                                          "--catalogue", catalogue_, "--input",
                                          input,         "--out",    folder_.path("out")};
  const Outcome told = run(daily);
  EXPECT_EQ(told.code, kDone) << told.err;
  EXPECT_THAT(told.out, HasSubstr("alerts: 1 transitions, 1 firing at the end\n"
                                  "judged up to 2020-01-14T00:00:00Z"));
  EXPECT_THAT(folder_.read("out/alerts.ndjson"), HasSubstr(R"("at":"2020-01-14T00:00:00Z")"));
  EXPECT_THAT(folder_.read("out/summary.json"), HasSubstr(R"("judged_to":"2020-01-14T00:00:00Z")"));

  std::string monthly = replaced(kRules, "window: 5d, every: 1d", "window: 1mo, every: 1mo");
  std::vector<std::string> arguments = daily;
  arguments[2] = folder_.write("monthly.yaml", monthly);
  const Outcome waiting = run(arguments);
  EXPECT_THAT(waiting.out, HasSubstr("alerts: 0 transitions"));
  EXPECT_THAT(waiting.out, HasSubstr("wait for the tick of test/many-dead at "
                                     "2020-02-01T00:00:00Z: 1 events"));
}

TEST_F(AuthorCommands, DocWritesOneFile) {
  folder_.write("rules.test.yaml",
                "tocsin: tests/1\nrules: [rules.yaml]\ntests: [{name: fires}]\n");
  const std::vector<std::string> rules = {"--rules", rules_, "--catalogue", catalogue_};
  const auto doc = [&](std::vector<std::string> more) {
    more.insert(more.begin(), "doc");
    more.insert(more.end(), rules.begin(), rules.end());
    return run(std::move(more));
  };
  const Outcome out = doc({});
  EXPECT_EQ(out.code, kDone);
  EXPECT_THAT(out.out, StartsWith("<!DOCTYPE html>"));
  EXPECT_THAT(out.out, HasSubstr("<li>fires (<code>rules.test.yaml</code>)</li>"));
  EXPECT_EQ(doc({"--out", folder_.path("rules.html")}).out, "");
  EXPECT_EQ(folder_.read("rules.html"), out.out);
  EXPECT_THAT(doc({"--format", "markdown"}).out, StartsWith("# Rules of tocsin"));
  const Outcome unwritten = doc({"--out", folder_.path("absent/rules.html")});
  EXPECT_EQ(unwritten.code, kEnvironment);
  EXPECT_THAT(unwritten.err, HasSubstr("cannot write"));
  folder_.write("rules.yaml", "tocsin: rules/1\n");
  const Outcome bad = doc({});
  EXPECT_EQ(bad.code, kUsage);
  EXPECT_EQ(bad.out, "");
  EXPECT_THAT(bad.err, HasSubstr("T0305"));
}

TEST_F(AuthorCommands, FmtChangesFilesOrOnlyTellsWhich) {
  const std::string crooked =
      folder_.write("crooked.yaml", replaced(kRules, "    title:", "\n\n\n    title:"));
  std::filesystem::permissions(crooked, std::filesystem::perms(0640));
  const std::string before = folder_.read("crooked.yaml");
  const Outcome told = run({"fmt", "--check", folder_.path("")});
  EXPECT_EQ(told.code, kAnswerIsNo);
  EXPECT_EQ(told.out, crooked + "\n") << "the catalogue beside it is no rule file";
  EXPECT_EQ(folder_.read("crooked.yaml"), before);
  const Outcome written = run({"fmt", folder_.path("")});
  EXPECT_EQ(written.code, kDone);
  EXPECT_EQ(written.out, crooked + "\n");
  EXPECT_EQ(folder_.read("crooked.yaml"), replaced(kRules, "    title:", "\n    title:"));
  EXPECT_EQ(std::filesystem::status(crooked).permissions(), std::filesystem::perms(0640));
  EXPECT_EQ(run({"fmt", "--check", folder_.path("")}).code, kDone);
  const Outcome refused = run({"fmt", catalogue_, crooked});
  EXPECT_EQ(refused.code, kUsage);
  EXPECT_THAT(refused.err, HasSubstr("catalogue.yaml:1:1: error T0520"));
  EXPECT_EQ(run({"fmt", folder_.path("absent.yaml")}).code, kUsage);
}

}  // namespace
}  // namespace tocsin::daemon
