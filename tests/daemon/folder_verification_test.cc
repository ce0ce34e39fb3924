#include "daemon/folder_verification.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/key_value_store.h"
#include "storage/keys.h"
#include "storage/memory_key_value.h"
#include "tests/daemon/fed_pipeline.h"
#include "tests/daemon/judged_folder.h"

// What the daemon keeps in a store, and how it can contradict itself.
namespace tocsin::daemon {
namespace {

using storage::Table;
using testing::HasSubstr;

// A store in memory that a daemon has worked with, whose rows can be changed behind its back.
class Worked {
 public:
  Worked() {
    auto tables = std::make_unique<storage::MemoryKeyValue>();
    tables_ = tables.get();
    store_ = std::move(*storage::KeyValueStore::open(std::move(tables), {.sync_commits = false}));
    Daemon daemon(*store_, options());
    for (int day = 0; day < 30; ++day) daemon.feed(event_line(day, day, "XA", day % 7 * 9));
    daemon.commit(/*checkpoint=*/true);
    daemon.pipeline().expect_source(SourceId{});
    daemon.feed(event_line(100, 31, "XB", 40) + event_line(101, 25, "XA", 90));  // one is late
    daemon.commit();
    daemon.commit(/*checkpoint=*/true);
  }

  std::string get(Table table, const std::string& key) const {
    return tables_->get(table, key)->value_or("");
  }
  void put(Table table, const std::string& key, std::string_view value) {
    const auto writes = tables_->make_writes();
    writes->put(table, key, value);
    ASSERT_TRUE(tables_->write(*writes, false));
  }
  void remove(Table table, const std::string& key) {
    const auto writes = tables_->make_writes();
    writes->remove(table, key);
    ASSERT_TRUE(tables_->write(*writes, false));
  }
  // The first key of a table that begins so, and its value.
  std::pair<std::string, std::string> first(Table table, std::string_view beginning) const {
    std::pair<std::string, std::string> found;
    EXPECT_TRUE(tables_->scan(table, beginning, [&](auto key, auto value) {
      found = {std::string(key), std::string(value)};
      return false;
    }));
    EXPECT_TRUE(found.first.starts_with(beginning)) << beginning;
    return found;
  }
  // In the text of the first transition that has it.
  void replace_in_alert(const std::string& old, const std::string& fresh) {
    std::pair<std::string, std::string> found;
    ASSERT_TRUE(tables_->scan(Table::kAlerts, "", [&](auto key, auto value) {
      found = {std::string(key), std::string(value)};
      return value.find(old) == std::string_view::npos;
    }));
    const size_t at = found.second.find(old);
    ASSERT_NE(at, std::string::npos) << old;
    put(Table::kAlerts, found.first, found.second.replace(at, old.size(), fresh));
  }
  std::string open_alert() const {
    std::string id;
    EXPECT_TRUE(store_->read_alerts({.open_only = true, .limit = 1}, [&](const auto& alert) {
      id = to_hex(alert.alert);
      return true;
    }));
    return id;
  }
  // As somebody does who knows nothing of state.
  void end_in_log(const std::string& id) {
    const auto last = store_->find_alerts(id, 1);
    ASSERT_TRUE(last && last->size() == 1);
    std::string json = last->front().json;
    const auto replace = [&](std::string_view old, std::string_view fresh) {
      json.replace(json.find(old), old.size(), fresh);
    };
    replace(fmt::format(R"("seq":{})", last->front().seq),
            fmt::format(R"("seq":{})", last->front().seq + 1));
    const size_t action = json.find(R"("action":")");
    json.replace(action, json.find(',', action) - action, R"("action":"resolve")");
    storage::Batch& batch = store_->begin();
    batch.put_alert({.alert = last->front().alert,
                     .seq = last->front().seq + 1,
                     .open = false,
                     .notify = true,
                     .json = json});
    ASSERT_TRUE(store_->commit(batch, WallTime{}));
  }
  std::string bundle_name() const {
    return storage::keys::named("bundle." + get(Table::kState, "pipeline.bundle").substr(0, 32));
  }

  std::string verify() const { return daemon::verify(*tables_); }
  storage::Store& store() { return *store_; }

 private:
  storage::KeyValue* tables_ = nullptr;
  std::unique_ptr<storage::Store> store_;
};

TEST(FolderVerification, FindsNothingInWhatADaemonWrote) {
  Worked folder;
  ASSERT_GT(folder.store().statistics().alert_records, 2u);
  ASSERT_NE(folder.first(Table::kState, "pipeline.told.").second, "");
  EXPECT_EQ(folder.verify(), "");
}

TEST(FolderVerification, FindsNothingAfterRetention) {
  Worked folder;
  {
    Daemon daemon(folder.store(), options());
    daemon.feed(event_line(102, 25, "XA", 1));  // is revised behind the checkpoint
    daemon.commit(/*checkpoint=*/true);
  }
  ASSERT_TRUE(folder.store().apply_retention({.journal = Milliseconds(1)}, at_hour(1)));
  ASSERT_GT(folder.store().first_seq(), 1u);
  EXPECT_EQ(folder.verify(), "");
}

// An event that came since cannot have gone with what retention has dropped.
TEST(FolderVerification, AsksForEvidenceThatCameAfterWhatRetentionHasDropped) {
  const WallTime begin = parse_time("2020-01-01").value();
  for (const bool is_recent : {true, false}) {
    Worked folder;
    {
      Daemon daemon(folder.store(), options());
      for (int day = 40; day < 80; ++day) {
        daemon.feed(event_line(300 + day, day, "XC", 20 + day % 3));
        daemon.commit(/*checkpoint=*/true, begin + std::chrono::hours(24 * day + 20));
      }
    }
    ASSERT_TRUE(folder.store().apply_retention({.journal = std::chrono::hours(24 * 20)},
                                               begin + std::chrono::hours(24 * 80)));
    ASSERT_GT(folder.store().first_seq(), 1U);
    EXPECT_EQ(folder.verify(), "");
    folder.replace_in_alert(is_recent ? R"("id":"e375")" : R"("id":"e345")", R"("id":"f375")");
    EXPECT_EQ(folder.verify().find("T0541") != std::string::npos, is_recent) << folder.verify();
  }
}

TEST(FolderVerification, FindsNothingAfterRulesWereReplaced) {
  Worked folder;
  rules::BundleText other = bundle_text();
  other.rules[0].text.replace(other.rules[0].text.find("many-dead"), 9, "very-many");
  {
    Daemon daemon(folder.store(), options(), other);
    daemon.feed(event_line(200, 60, "XC", 90));
    daemon.commit();
  }
  EXPECT_EQ(folder.verify(), "");
}

TEST(FolderVerification, TellsEachContradictionAndWhereItIs) {
  struct Case {
    const char* name;
    std::function<void(Worked&)> change;
    const char* code;
    const char* told;
  };
  const std::vector<Case> cases{
      {"the text of another transition",
       [](Worked& f) { f.replace_in_alert(R"("seq":0)", R"("seq":7)"); }, "T0535",
       "/0: its text is that of"},
      {"no text", [](Worked& f) { f.replace_in_alert("{\"format\"", "{{format"); }, "T0535",
       "table alerts, key "},
      {"an end that counts as open",
       [](Worked& f) { f.replace_in_alert(R"("action":"fire")", R"("action":"resolve")"); },
       "T0535", "it counts as open, its text says `resolve`"},
      {"evidence that is nowhere",
       [](Worked& f) { f.replace_in_alert(R"("id":"e3")", R"("id":"f3")"); }, "T0541",
       "it names an event that the journal does not have"},
      {"a position of a file", [](Worked& f) { f.put(Table::kPositions, "file/history", "12:x"); },
       "T0538", "key `file/history`: `12:x` is no position"},
      {"a position of Kafka", [](Worked& f) { f.put(Table::kPositions, "kafka/t/0", "-4"); },
       "T0538", "`-4` is no position"},
      {"rules that are not there", [](Worked& f) { f.remove(Table::kMeta, f.bundle_name()); },
       "T0540", "that the saved state belongs to are not there"},
      {"rules that were put in force and are not there",
       [](Worked& f) {
         storage::Batch& batch = f.store().begin();
         batch.append({.kind = storage::Control::Kind::kActivate,
                       .source = {},
                       .time = {},
                       .bundle = std::string(32, 'a')});
         ASSERT_TRUE(f.store().commit(batch, WallTime{}));
       },
       "T0540", "puts these rules in force, and they are not there"},
      {"other rules",
       [](Worked& f) {
         std::string text = f.get(Table::kMeta, f.bundle_name());
         text[text.find("30.0")] = '4';
         f.put(Table::kMeta, f.bundle_name(), text);
       },
       "T0540", "these rules have another hash"},
      {"state of a newer format",
       [](Worked& f) {
         auto [key, value] = f.first(Table::kState, "shard/1/0/g");
         value[0] = '\x7f';
         f.put(Table::kState, key, value);
       },
       "T0540", "its format is 127, this tocsin knows 1 to"},
      {"state of a rule that is not among them",
       [](Worked& f) {
         const auto [key, value] = f.first(Table::kState, "shard/1/0/r");
         f.put(Table::kState, "shard/1/0/rother/rule", value);
       },
       "T0540", "it does not fit the rules of the checkpoint"},
      {"state that is cut off",
       [](Worked& f) {
         const auto [key, value] = f.first(Table::kState, "shard/1/0/r");
         f.put(Table::kState, key, value.substr(0, value.size() - 1));
       },
       "T0540", "it does not fit the rules of the checkpoint"},
      {"state of nobody", [](Worked& f) { f.put(Table::kState, "engine", "x"); }, "T0540",
       "key `engine`: no tocsin of this format writes it"},
      {"an alert that was told",
       [](Worked& f) {
         f.put(Table::kState, f.first(Table::kState, "pipeline.told.").first, "\x01x");
       },
       "T0540", "its bytes make no sense"},
      {"an alert that is open, and that the state has forgotten",
       [](Worked& f) { f.remove(Table::kState, "pipeline.told." + f.open_alert()); }, "T0544",
       "it is open, and the saved state has it as over or not at all"},
      {"an alert that is over, and that the state has open",
       [](Worked& f) { f.end_in_log(f.open_alert()); }, "T0544",
       "the alert is open there, and not in the alert log"},
      {"alerts that wait",
       [](Worked& f) { f.put(Table::kState, "pipeline.standing", "12 of nothing"); }, "T0540",
       "key `pipeline.standing`: its bytes make no sense"},
      {"arrivals", [](Worked& f) { f.put(Table::kState, "pipeline.arrivals", "1 x desk\n"); },
       "T0540", "key `pipeline.arrivals`: its bytes make no sense"},
      {"something unrevised behind the end",
       [](Worked& f) { f.put(Table::kState, "pipeline.unrevised", "3 4000"); }, "T0540",
       "record 4000 is behind the end of the journal"},
      {"something unrevised that is no event",
       [](Worked& f) { f.put(Table::kState, "pipeline.unrevised", "31"); }, "T0540",
       "record 31 is no event"},
      {"the rules of the first record",
       [](Worked& f) {
         f.put(Table::kMeta, storage::keys::named("first_bundle"), std::string(32, 'a') + " early");
       },
       "T0540", "the rules of the first record are not there"},
      {"a key that is none",
       [](Worked& f) { f.put(Table::kMeta, storage::keys::named("sealed_ids_key"), "12"); },
       "T0540", "the key of withheld ids is not 32 hexadecimal digits"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    Worked folder;
    each.change(folder);
    const std::string found = folder.verify();
    EXPECT_THAT(found, HasSubstr(each.code));
    EXPECT_THAT(found, HasSubstr(each.told));
    EXPECT_THAT(found, HasSubstr("tocsin restore"));
  }
}

// What a daemon notes that could not read back a group.
TEST(FolderVerification, TellsThatStateWillBeRebuilt) {
  Worked folder;
  folder.put(Table::kState, "pipeline.fault", "read back the saved state of group `XA`: damaged");
  EXPECT_EQ(folder.verify(),
            "note: read back the saved state of group `XA`: damaged: the next start rebuilds state "
            "from the journal\n");
}

// State of a rebuild that was cut off may be of other rules than those of the last checkpoint.
TEST(FolderVerification, DoesNotLookIntoStateThatWillBeRebuilt) {
  Worked folder;
  auto [key, value] = folder.first(Table::kState, "shard/1/0/g");
  value.back() ^= '\x01';
  folder.put(Table::kState, key, value);
  EXPECT_THAT(folder.verify(), HasSubstr("T0540"));
  folder.put(Table::kState, "pipeline.fault", "a rebuild of the state has not come to its end");
  EXPECT_EQ(folder.verify(),
            "note: a rebuild of the state has not come to its end: the next start rebuilds state "
            "from the journal\n");
}

TEST(FolderVerification, TakesStateOfAnOlderFormatForWhatItIs) {
  Worked folder;
  auto [key, value] = folder.first(Table::kState, "shard/1/0/g");
  value[0] = '\x01';
  folder.put(Table::kState, key, value);
  EXPECT_THAT(folder.verify(), testing::StartsWith("note: the state was saved by an older tocsin"));
}

}  // namespace
}  // namespace tocsin::daemon
