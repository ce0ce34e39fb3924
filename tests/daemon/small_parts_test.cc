// The small pieces: log lines, tables, markings, base64, tokens, numbers of the process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/alert_json.h"
#include "daemon/base64.h"
#include "daemon/http/access.h"
#include "daemon/log.h"
#include "daemon/process_metrics.h"
#include "daemon/rules_watch.h"
#include "daemon/terminal.h"
#include "daemon/tlp_policy.h"
#include "storage/memory_store.h"
#include "tests/daemon/alert_texts.h"
#include "tests/daemon/small_bundle.h"
#include "tests/daemon/temporary_folder.h"

namespace tocsin::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(RulesWatch, LoadsWhatHasChangedOnceItStaysTheSame) {
  RulesWatch watch;
  watch.loaded("a");
  EXPECT_FALSE(watch.is_to_be_loaded("a"));
  EXPECT_FALSE(watch.is_to_be_loaded("a"));
  EXPECT_FALSE(watch.is_to_be_loaded("half of b"));
  EXPECT_FALSE(watch.is_to_be_loaded("b"));
  EXPECT_TRUE(watch.is_to_be_loaded("b"));
  watch.loaded("b");  // also when it was refused: it is not tried again and again
  EXPECT_FALSE(watch.is_to_be_loaded("b"));
  EXPECT_FALSE(watch.is_to_be_loaded("c"));
  EXPECT_FALSE(watch.is_to_be_loaded("b")) << "put back";
  EXPECT_FALSE(watch.is_to_be_loaded("b"));
}

TEST(LogLine, CannotBeForgedByAValue) {
  const std::string line =
      format_log_line("T", "warn", "bad input", {{"text", "x\nlevel=error msg=\"forged\""}}, false);
  EXPECT_EQ(line, R"(ts=T level=warn msg="bad input" text="x\nlevel=error msg=\"forged\"")");
}

TEST(LogLine, AsJsonHasTheSameFields) {
  EXPECT_EQ(format_log_line("T", "info", "ready", {{"rules", "12"}}, true),
            R"({"ts":"T","level":"info","msg":"ready","rules":"12"})");
}

TEST(Log, OneThingThatFailsDoesNotHideAnother) {
  testing::internal::CaptureStderr();
  {
    Log log("warn", "logfmt");
    for (const char* sink : {"desk", "desk", "mirror"}) {
      log.warn_seldom("cannot be reached", {{"sink", sink}, {"problem", "down"}});
    }
  }
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("sink=mirror"));
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 2) << said;
}

TEST(Table, CountsCodePointsAndNotColours) {
  const std::string table =
      format_table({"A", "B"}, {{"\x1b[1;31mé\x1b[0m", "one"}, {"xyz", "two"}}, /*max_width=*/0);
  EXPECT_EQ(table, "A    B\n\x1b[1;31mé\x1b[0m    one\nxyz  two\n");
}

TEST(Table, CutsTheLastColumnAtTheEdge) {
  const std::string table = format_table({"A", "B"}, {{"x", std::string(100, 'y')}}, 30);
  for (size_t begin = 0; begin < table.size();) {
    const size_t end = table.find('\n', begin);
    EXPECT_LE(end - begin, 30u + 2u);  // the ellipsis has three bytes and one column
    begin = end + 1;
  }
}

TEST(LevelText, IsPlainWithoutColour) {
  EXPECT_EQ(level_text(Level::kAlert, false), "alert");
  EXPECT_THAT(level_text(Level::kAlert, true), HasSubstr("\x1b["));
}

// A store, and a reader of it.
class Marked : public testing::Test {
 protected:
  void commit(const AlertText& text) {
    storage::Batch& batch = store_->begin();
    batch.put_alert(text.record());
    ASSERT_TRUE(store_->commit(batch, WallTime{}));
  }
  TlpPolicy reader(Tlp ceiling) { return {ceiling, ids_, *store_}; }
  static std::string show(const TlpPolicy& policy, const AlertText& text) {
    const auto fields = read_alert_fields(text.json());
    if (!fields) return "no alert";
    const auto shown = policy.limit(text.json(), *fields);
    return shown ? *shown : shown.error().message;
  }
  static std::string id_in(const std::string& json) {
    const auto fields = read_alert_fields(json);
    return fields ? fields->id : "no alert";
  }

  std::unique_ptr<storage::Store> store_ = storage::make_memory_store();
  SealedIds ids_;
};

TEST_F(Marked, ShowsUpToTheCeilingAndNothingAboveIt) {
  const Tlp all[] = {Tlp::kClear, Tlp::kGreen, Tlp::kAmber, Tlp::kAmberStrict, Tlp::kRed};
  for (const Tlp marking : all) {
    for (const Tlp ceiling : all) {
      const AlertText text{.starts_at = "2011-02-18T14:03:22Z",
                           .at = "2011-02-18T15:00:00Z",
                           .tlp = std::string(to_string(marking))};
      const std::string shown = show(reader(ceiling), text);
      if (marking <= ceiling) {
        EXPECT_EQ(shown, text.json());
        continue;
      }
      for (const std::string& secret :
           {std::string("canary"), std::string("LY"), std::string("Libya"), std::string("clashes"),
            std::string("violence"), std::string("values"), std::string("62 "),
            std::string("14:03"), to_hex(text.id())}) {
        EXPECT_THAT(shown, Not(HasSubstr(secret))) << to_string(marking);
      }
      const auto left = read_alert_fields(shown);
      ASSERT_TRUE(left) << shown;
      EXPECT_EQ(left->level, Level::kWarning);
      EXPECT_EQ(left->tlp, marking);
      EXPECT_EQ(format_time(left->starts_at), "2011-02-18T00:00:00Z");
    }
  }
}

TEST_F(Marked, IdOfAWithheldAlertStaysTheSameAndLeadsToIt) {
  const AlertText fire{.tlp = "red"};
  const AlertText end{.seq = 1, .action = "resolve", .tlp = "red"};
  commit(fire);
  commit(end);
  const TlpPolicy amber = reader(Tlp::kAmber);
  const std::string id = id_in(show(amber, fire));
  EXPECT_EQ(id_in(show(amber, end)), id);
  Hash128 sealed;
  ASSERT_TRUE(from_hex(id, sealed));
  const auto found = amber.read_alert(sealed);
  ASSERT_TRUE(found);
  EXPECT_THAT(*found, testing::ElementsAre(show(amber, fire), show(amber, end)));
  // Whoever may see it finds it by the id that the others speak of.
  const auto whole = reader(Tlp::kRed).read_alert(sealed);
  ASSERT_TRUE(whole);
  EXPECT_THAT(*whole, testing::ElementsAre(fire.json(), end.json()));
}

TEST_F(Marked, OwnIdOfAWithheldAlertLeadsNowhere) {
  commit({.tlp = "red"});
  const auto probed = reader(Tlp::kAmber).read_alert(AlertText{}.id());
  ASSERT_FALSE(probed);
  EXPECT_EQ(probed.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(reader(Tlp::kRed).read_alert(AlertText{}.id()));
}

TEST_F(Marked, AlertThatWasShownWholeKeepsItsIdWhenMarkedHigher) {
  const AlertText fire{.tlp = "amber"};
  const AlertText end{.seq = 1, .action = "resolve", .tlp = "red"};
  commit(fire);
  commit(end);
  const TlpPolicy amber = reader(Tlp::kAmber);
  EXPECT_EQ(id_in(show(amber, end)), to_hex(AlertText{}.id()));
  EXPECT_THAT(show(amber, end), Not(HasSubstr("canary")));
  const auto found = amber.read_alert(AlertText{}.id());
  ASSERT_TRUE(found);
  EXPECT_THAT(*found, testing::ElementsAre(fire.json(), show(amber, end)));
  EXPECT_NE(id_in(show(reader(Tlp::kGreen), end)), to_hex(AlertText{}.id()))
      << "a reader who was shown nothing";
}

TEST(SealedIds, AreAnotherOnesForEachKeyAndComeBack) {
  const SealedIds here;
  const SealedIds there;
  const Hash128 alert = hash128("violence/clashes LY 2011-02-18");
  EXPECT_NE(here.seal(alert), alert);
  EXPECT_NE(here.seal(alert), there.seal(alert));
  EXPECT_EQ(here.unseal(here.seal(alert)), alert);
}

TEST(SealedIds, KeyStaysWithTheDataFolder) {
  const auto store = storage::make_memory_store();
  const auto first = SealedIds::of(*store);
  const auto second = SealedIds::of(*store);
  ASSERT_TRUE(first && second);
  const Hash128 alert{.high = 1, .low = 2};
  EXPECT_EQ(first->seal(alert), second->seal(alert));
  const auto other = storage::make_memory_store();
  EXPECT_NE(SealedIds::of(*other)->seal(alert), first->seal(alert));
  ASSERT_TRUE(store->put_meta("sealed_ids_key", "not a key"));
  EXPECT_FALSE(SealedIds::of(*store));
}

// FIPS 197, appendix C.1: the cipher is the one that it says it is, byte for byte.
TEST(SealedIds, AreAes128) {
  const auto store = storage::make_memory_store();
  ASSERT_TRUE(store->put_meta("sealed_ids_key", "000102030405060708090a0b0c0d0e0f"));
  Hash128 plain;
  ASSERT_TRUE(from_hex("00112233445566778899aabbccddeeff", plain));
  EXPECT_EQ(to_hex(SealedIds::of(*store)->seal(plain)), "69c4e0d86a7b0430d8cdb78070b4c55a");
}

TEST(TlpPolicy, TakesAnUnmarkedAlertForTheStrictest) {
  const auto fields = read_alert_fields(R"({"id":"1","action":"fire","level":"watch"})");
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->tlp, Tlp::kRed);
}

class NoJournal final : public EventLookup {
 public:
  const Event* find(JournalSeq) override { return nullptr; }
};

TEST(AlertFields, AreThoseThatWereWritten) {
  Diagnostics diagnostics;
  const auto bundle = rules::load_bundle(bundle_text(), diagnostics);
  ASSERT_NE(bundle, nullptr);
  NoJournal journal;
  AlertTransition transition;
  transition.seq = 3;
  transition.action = Action::kUpdate;
  transition.level = Level::kAlert;
  transition.at = *parse_time("2020-01-03");
  for (const bool is_marked : {false, true}) {
    transition.stale = transition.error = is_marked;
    if (is_marked) transition.flapping_since = parse_time("2020-01-02T07:00:00Z");
    const auto fields = read_alert_fields(write_alert(transition, *bundle, journal));
    ASSERT_TRUE(fields) << fields.error().message;
    EXPECT_EQ(fields->seq, 3U);
    EXPECT_EQ(fields->level, Level::kAlert);
    EXPECT_EQ(fields->rule, "test/many-dead");
    EXPECT_EQ(fields->at, transition.at);
    EXPECT_EQ(fields->stale, is_marked);
    EXPECT_EQ(fields->error, is_marked);
    EXPECT_EQ(fields->flapping_since, transition.flapping_since);
  }
}

TEST(AlertFields, OfARuleThatRefusesGroupsAreThoseOfMonitoring) {
  Diagnostics diagnostics;
  const auto bundle = rules::load_bundle(bundle_text(), diagnostics);
  ASSERT_NE(bundle, nullptr);
  NoJournal journal;
  AlertTransition transition;
  transition.rule = static_cast<RuleIndex>(rules::watchers_of(*bundle).size());
  transition.level = Level::kWarning;
  transition.group = {{"rule", "test/many-dead"}};
  const std::string json = write_alert(transition, *bundle, journal);
  const auto fields = read_alert_fields(json);
  ASSERT_TRUE(fields) << fields.error().message;
  EXPECT_EQ(fields->rule, "tocsin/RuleOverflow");
  EXPECT_EQ(fields->driver, Driver::kMonitoring);
  EXPECT_NE(json.find(R"("status":"production")"), std::string::npos) << json;
  EXPECT_NE(json.find("raise the limit"), std::string::npos) << json;
}

TEST(AlertFields, RefusesWhatIsNoAlert) {
  for (const char* text : {"", "[]", "{", "{}", R"({"id":"1","action":"shout","level":"watch"})"}) {
    EXPECT_FALSE(read_alert_fields(text)) << text;
  }
}

TEST(Base64, GivesBackAnyBytes) {
  std::string bytes;
  for (int length = 0; length < 70; ++length) {
    const auto back = decode_base64(encode_base64(bytes));
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, bytes);
    bytes += static_cast<char>(length * 37);
  }
  EXPECT_EQ(encode_base64("any"), "YW55");
  EXPECT_FALSE(decode_base64("abc"));
  EXPECT_FALSE(decode_base64("ab*="));
}

TEST(Tokens, AreOneALine) {
  const TemporaryFolder folder;
  const auto tokens =
      http::read_tokens(folder.write("tokens", "# desk\n0123456789abcdef\n\nfedcba9876543210\r\n"));
  ASSERT_TRUE(tokens);
  EXPECT_THAT(*tokens, testing::ElementsAre("0123456789abcdef", "fedcba9876543210"));
}

TEST(Tokens, AreRefusedWhenShortOrMissing) {
  const TemporaryFolder folder;
  EXPECT_FALSE(http::read_tokens(folder.write("short", "0123456789abcdef\nsecret\n")));
  EXPECT_FALSE(http::read_tokens(folder.write("none", "# nothing\n")));
  EXPECT_FALSE(http::read_tokens(folder.path("absent")));
}

TEST(ProcessMetrics, AreThoseOfThisProcess) {
  const auto metrics = read_process_metrics();
  ASSERT_TRUE(metrics);
  EXPECT_GT(metrics->resident_memory_bytes, 1'000'000u);
  EXPECT_GE(metrics->virtual_memory_bytes, metrics->resident_memory_bytes);
  EXPECT_GT(metrics->open_fds, 2u);
  EXPECT_GE(metrics->max_fds, metrics->open_fds);
  // The clock ticks a hundred times a second in /proc/self/stat.
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  EXPECT_LE(metrics->start_time_seconds, now.count() + 0.1);
  EXPECT_GT(metrics->start_time_seconds, now.count() - 600) << "this test is younger";
  EXPECT_EQ(read_process_metrics()->start_time_seconds, metrics->start_time_seconds);
}

}  // namespace
}  // namespace tocsin::daemon
