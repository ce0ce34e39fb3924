// Commands that look into a data folder, as they are called.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>

#include "daemon/commands/commands.h"
#include "storage/rocksdb_store.h"
#include "tests/daemon/fed_pipeline.h"
#include "tests/daemon/temporary_folder.h"

namespace tocsin::daemon {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
namespace json = boost::json;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

Outcome run(std::vector<std::string> arguments) {
  Outcome outcome;
  CLI::App program;
  for (const auto add : {add_journal, add_verify, add_backup, add_restore}) {
    add(program, outcome.code);
  }
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  try {
    program.parse(arguments);
  } catch (const CLI::ParseError& error) {
    outcome.code = kUsage;
  }
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

std::string line(const std::string& id, int day, int value, const std::string& more = {}) {
  return fmt::format(
      R"({{"id":"{}","source":"desk","indicator":"violence.clash","time":"2020-01-{:02}T12:00:00Z",)"
      R"("region":"XA","value":{}{}}})"
      "\n",
      id, day, value, more);
}

// A folder in which an event was corrected, another retracted, and a third is marked red.
class FolderCommands : public testing::Test {
 protected:
  void SetUp() override {
    folder_.write("catalogue.yaml", kCatalogue);
    auto store = storage::open_rocksdb_store({.path = data_});
    ASSERT_TRUE(store) << store.error().message;
    Daemon daemon(**store, options());
    daemon.feed(line("a", 2, 40) + line("b", 3, 5) + line("gone", 4, 1) +
                line("secret", 8, 50, R"(,"tlp":"red","actors":["the informant"])"));
    daemon.commit(false, at_hour(1));
    daemon.feed(line("a", 2, 35, R"(,"rev":1,"op":"correct")") +
                line("gone", 4, 1, R"(,"rev":1,"op":"retract")"));
    daemon.commit(true, at_hour(2));
    daemon.feed(event_line(7, 24, "XB", 3));
    daemon.commit(true, at_hour(3));
  }
  Outcome journal(std::vector<std::string> more) {
    std::vector<std::string> arguments{"journal", "--data", data_, "--catalogue",
                                       folder_.path("catalogue.yaml")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(std::move(arguments));
  }
  // Ids of a list, in order.
  std::string ids(std::vector<std::string> more) {
    const Outcome outcome = journal(std::move(more));
    EXPECT_EQ(outcome.code, kDone) << outcome.err;
    std::istringstream lines(outcome.out);
    std::string found;
    for (std::string each; std::getline(lines, each);) {
      found += std::string(json::parse(each).at("id").as_string()) + " ";
    }
    return found;
  }

  TemporaryFolder folder_;
  const std::string data_ = folder_.path("data");
};

TEST_F(FolderCommands, JournalListsWhatIsNotMarkedAboveTheCeiling) {
  const Outcome outcome = journal({});
  EXPECT_EQ(outcome.code, kDone);
  EXPECT_THAT(outcome.out, Not(HasSubstr("informant")));
  EXPECT_THAT(outcome.err, HasSubstr("1 events are marked above TLP:amber and were left out"));
  EXPECT_EQ(ids({}), "a b gone a gone e7 ");
  EXPECT_EQ(ids({"--tlp-ceiling", "red"}), "a b gone secret a gone e7 ");
}

TEST_F(FolderCommands, JournalIsFiltered) {
  EXPECT_EQ(ids({"--region", "XB"}), "e7 ");
  EXPECT_EQ(ids({"--source", "wire"}), "");
  EXPECT_EQ(ids({"--indicator", "violence.clash", "--region", "XA", "--to", "3"}), "a b gone ");
  EXPECT_EQ(ids({"--indicator", "viol*", "--from", "6"}), "gone e7 ");
  EXPECT_EQ(ids({"--indicator", "justice.*"}), "");
  EXPECT_EQ(ids({"--from", "2020-01-03", "--to", "2020-01-04"}), "b ");
  EXPECT_EQ(ids({"--from", "2020-01-20"}), "e7 ");
  const Outcome text = journal({"--format", "text", "--region", "XB"});
  EXPECT_THAT(text.out, HasSubstr("desk/e7  violence.clash  XB  3\n"));
}

TEST_F(FolderCommands, JournalRefusesWhatItCannotMean) {
  const struct {
    std::vector<std::string> arguments;
    const char* told;
  } cases[] = {{{"--source", "desc"}, "no source `desc`"},
               {{"--region", "ZZ"}, "no region `ZZ`"},
               {{"--indicator", "violence.clas"}, "no indicator `violence.clas`"},
               {{"--from", "yesterday"}, "--from yesterday: neither"},
               {{"--id", "a"}, "say SOURCE/ID"}};
  for (const auto& each : cases) {
    const Outcome outcome = journal(each.arguments);
    EXPECT_EQ(outcome.code, kUsage) << each.told;
    EXPECT_THAT(outcome.err, HasSubstr(each.told));
  }
  EXPECT_EQ(journal({"--id", "desk/a", "--source", "desk"}).code, kUsage);
}

TEST_F(FolderCommands, JournalTellsWhatBecameOfAnEvent) {
  const Outcome text = journal({"--id", "desk/a"});
  EXPECT_EQ(text.code, kDone) << text.err;
  EXPECT_THAT(text.out,
              AllOf(HasSubstr("desk/a: 2 revisions, the last counts"),
                    HasSubstr("1       1970-01-01T01:00:00Z  0    assert   2020-01-02T12:00:00Z"),
                    HasSubstr("5       1970-01-01T02:00:00Z  1    correct  2020-01-02T12:00:00Z"),
                    HasSubstr("test/many-dead"), HasSubstr("match of 0"),
                    HasSubstr("Alerts marked above TLP:amber are not looked at")));
  const json::value object = json::parse(journal({"--id", "desk/a", "--format", "json"}).out);
  ASSERT_EQ(object.at("revisions").as_array().size(), 2u);
  EXPECT_FALSE(object.at("revisions").at(0).at("counts").as_bool());
  EXPECT_TRUE(object.at("revisions").at(1).at("counts").as_bool());
  EXPECT_EQ(object.at("revisions").at(1).at("event").at("value").to_number<double>(), 35);
  ASSERT_GE(object.at("alerts").as_array().size(), 1u);
  EXPECT_EQ(object.at("alerts").at(0).at("rule").as_string(), "test/many-dead");
  EXPECT_FALSE(object.at("alerts").at(0).at("named").as_array().empty());
}

TEST_F(FolderCommands, JournalTellsThatAnEventWasRetracted) {
  const Outcome text = journal({"--id", "desk/gone"});
  EXPECT_THAT(text.out, HasSubstr("desk/gone: 2 revisions, it was retracted"));
  EXPECT_THAT(text.out, Not(HasSubstr("counts")));
}

TEST_F(FolderCommands, JournalWithholdsWhatIsMarkedAboveTheCeiling) {
  const Outcome hidden = journal({"--id", "desk/secret"});
  EXPECT_EQ(hidden.code, kDone);
  EXPECT_THAT(hidden.out, AllOf(HasSubstr("(withheld)"), HasSubstr("red"),
                                HasSubstr("no alert names it"), Not(HasSubstr("2020-01-08"))));
  const std::string object = journal({"--id", "desk/secret", "--format", "json"}).out;
  EXPECT_THAT(object, AllOf(HasSubstr(R"("withheld":true,"tlp":"red")"),
                            Not(HasSubstr("informant")), Not(HasSubstr("many-dead"))));
  const Outcome shown = journal({"--id", "desk/secret", "--tlp-ceiling", "red"});
  EXPECT_THAT(shown.out, AllOf(HasSubstr("2020-01-08T12:00:00Z"), HasSubstr("test/many-dead")));
}

TEST_F(FolderCommands, JournalTellsWhatWasErased) {
  {
    auto store = storage::open_rocksdb_store({.path = data_});
    ASSERT_TRUE(store);
    storage::Store::Erasure red;
    red.journal.limits[static_cast<size_t>(Tlp::kRed)] = std::chrono::hours(1);
    const auto erased = (*store)->erase_marked(red, at_hour(1000));
    ASSERT_TRUE(erased) << erased.error().message;
    ASSERT_EQ(erased->events, 1u);
  }
  const Outcome text = journal({"--id", "desk/secret", "--tlp-ceiling", "red"});
  EXPECT_THAT(text.out, AllOf(HasSubstr("2020-01-08 (erased by retention)"), HasSubstr("red")));
  const std::string object =
      journal({"--id", "desk/secret", "--format", "json", "--tlp-ceiling", "red"}).out;
  EXPECT_THAT(object, HasSubstr(R"("erased":true,"op":"assert","day":"2020-01-08","tlp":"red")"));
  const Outcome all = journal({"--tlp-ceiling", "red"});
  EXPECT_EQ(all.code, kDone);
  EXPECT_THAT(all.err, HasSubstr("the content of 1 events was erased by retention"));
  EXPECT_THAT(all.out, Not(HasSubstr("secret")));
  EXPECT_THAT(run({"verify", "--data", data_}).out, HasSubstr("7 events (1 erased)"));
}

TEST_F(FolderCommands, JournalSaysThatThereIsNoSuchEvent) {
  const Outcome outcome = journal({"--id", "desk/never"});
  EXPECT_EQ(outcome.code, kAnswerIsNo);
  EXPECT_THAT(outcome.err, HasSubstr("the journal has no event desk/never"));
  EXPECT_EQ(run({"journal", "--data", folder_.path("nowhere"), "--catalogue",
                 folder_.path("catalogue.yaml")})
                .code,
            kEnvironment);
}

TEST_F(FolderCommands, VerifyIsAnsweredInBothForms) {
  const Outcome text = run({"verify", "--data", data_});
  EXPECT_EQ(text.code, kDone) << text.out;
  EXPECT_THAT(text.out, AllOf(HasSubstr("7 events"), HasSubstr(data_ + ": sound")));
  const Outcome object = run({"verify", "--data", data_, "--format", "json"});
  EXPECT_TRUE(json::parse(object.out).at("sound").as_bool());
}

TEST_F(FolderCommands, BackupAndRestoreSayWhatTheyDid) {
  const std::string backups = folder_.path("backups");
  const Outcome taken = run({"backup", "--data", data_, "--to", backups});
  EXPECT_EQ(taken.code, kDone) << taken.err;
  EXPECT_THAT(taken.out, AllOf(HasSubstr("backup 1: "), HasSubstr("journal up to record")));
  const Outcome listed = run({"restore", "--from", backups, "--list"});
  EXPECT_EQ(listed.code, kDone);
  EXPECT_THAT(listed.out, HasSubstr("JOURNAL UP TO"));
  const std::string restored = folder_.path("restored");
  const Outcome back = run({"restore", "--from", backups, "--data", restored});
  EXPECT_EQ(back.code, kDone) << back.err;
  EXPECT_THAT(back.out, HasSubstr("goes on behind record"));
  EXPECT_EQ(run({"verify", "--data", restored}).code, kDone);
  EXPECT_EQ(run({"restore", "--from", backups}).code, kUsage);
  EXPECT_EQ(run({"backup", "--data", folder_.path("nowhere"), "--to", backups}).code, kEnvironment);
  EXPECT_FALSE(std::filesystem::exists(folder_.path("nowhere")));
}

}  // namespace
}  // namespace tocsin::daemon
