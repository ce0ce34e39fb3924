#include "daemon/pipeline.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "ingest/event_decoder.h"
#include "rules/load/rule_loader.h"
#include "storage/memory_store.h"

namespace tocsin::daemon {
namespace {

constexpr const char* kCatalogue = R"(tocsin: catalogue/1
indicators:
  violence.clash: {driver: violence, unit: deaths, meaning: made up}
sources:
  desk: {title: Desk, lateness: 1d, correction_horizon: 10d, tlp: clear, indicators: [violence.clash]}
regions:
  declare: {XA: {names: {en: Alpha}}, XB: {names: {en: Beta}}, XC: {names: {en: Gamma}}}
)";

constexpr const char* kRules = R"(tocsin: rules/1
package: test
rules:
  - rule: many-dead
    kind: threshold
    title: Many dead in {{ region.name }}
    status: production
    driver: violence
    stage: escalation
    doc: {rationale: r, response: r, false_positives: [f], source: {document: d, paragraph: "¶1"}}
    select: e.indicator == "violence.clash" && has(e.value)
    by: [region@country]
    detect: {measures: {dead: {agg: sum, of: e.value, window: 5d, every: 1d}}, when: "dead >= 30.0"}
    levels: {warning: {when: "dead >= 30.0"}, alert: {when: "dead >= 60.0"}}
)";

rules::BundleText bundle_text() {
  rules::BundleText text;
  text.catalogue.push_back({"catalogue.yaml", kCatalogue});
  text.rules.push_back({"rules.yaml", kRules});
  return text;
}

std::shared_ptr<const rules::Bundle> compile(const std::string& serialized) {
  Diagnostics diagnostics;
  const auto text = rules::parse_bundle_text(serialized);
  return text ? rules::load_bundle(*text, diagnostics) : nullptr;
}

std::string event_line(int number, int day, const char* region, int value) {
  const EventTime time = parse_time("2020-01-01").value() + std::chrono::hours(24 * day) +
                         std::chrono::minutes(number);
  return fmt::format(
      R"({{"id":"e{}","source":"desk","indicator":"violence.clash","time":"{}","region":"{}","value":{}}})"
      "\n",
      number, format_time(time), region, value);
}

// Forty days over three countries, a function of the seed.
std::vector<std::string> stream(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::string> lines;
  for (int day = 0; day < 40; ++day) {
    for (int i = 0; i < 5; ++i) {
      static constexpr std::array kRegions{"XA", "XB", "XC"};
      lines.push_back(event_line(static_cast<int>(lines.size()), day, kRegions[random() % 3],
                                 static_cast<int>(random() % 12)));
    }
  }
  return lines;
}

// A pipeline over a store that outlives it, as a process outlives nothing.
class Daemon {
 public:
  Daemon(storage::Store& store, PipelineOptions options)
      : serialized_(rules::serialize(bundle_text())),
        pipeline_(store, compile(serialized_), serialized_, options),
        decoder_(std::make_shared<ingest::NdjsonDecoder>(
            std::make_shared<ingest::CurrentSymbols>(pipeline_.bundle().catalogue))) {
    std::string warning;
    const Status status = pipeline_.recover(compile, {}, warning);
    EXPECT_TRUE(status) << status.error().message;
    EXPECT_EQ(warning, "");
    EXPECT_TRUE(pipeline_.commit(WallTime{}, true));
  }

  void feed(const std::string& lines) {
    ingest::RawBatch batch;
    batch.stream = "test";
    batch.decoder = decoder_;
    batch.bytes = lines;
    batch.size = lines.size();
    batch.bytes.resize(lines.size() + ingest::kPadding);
    batch.on_committed = [this](const ingest::Receipt& receipt) { last_ = receipt; };
    pipeline_.feed(std::move(batch), WallTime{});
  }
  ingest::Receipt commit(bool checkpoint = false) {
    EXPECT_TRUE(pipeline_.commit(WallTime{}, checkpoint));
    return last_;
  }
  Pipeline& pipeline() { return pipeline_; }

 private:
  std::string serialized_;
  Pipeline pipeline_;
  std::shared_ptr<ingest::NdjsonDecoder> decoder_;
  ingest::Receipt last_;
};

PipelineOptions options(size_t shards = 1, rules::Emit emit = rules::Emit::kEarly) {
  return {.emit = emit, .shards = shards, .future_tolerance = std::nullopt};
}

std::vector<std::string> alert_log(const storage::Store& store) {
  std::vector<std::string> log;
  const Status status = store.read_alert_log(0, [&](const storage::Store::StoredAlert& alert) {
    log.push_back(alert.json);
    return true;
  });
  EXPECT_TRUE(status);
  std::sort(log.begin(), log.end());
  return log;
}

TEST(Pipeline, CountsEveryRecordOnce) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options());
  daemon.feed(event_line(1, 0, "XA", 1) + event_line(1, 0, "XA", 1) + "{\"id\":\"broken\"}\n" +
              event_line(2, 30, "XA", 1) + event_line(3, 1, "XA", 1));
  const ingest::Receipt receipt = daemon.commit();
  EXPECT_EQ(receipt.records, 5U);
  EXPECT_EQ(receipt.events, 2U);
  EXPECT_EQ(receipt.duplicates, 1U);
  EXPECT_EQ(receipt.rejected, 2U) << "one broken, one before the correction horizon";
  std::vector<std::string> reasons;
  ASSERT_TRUE(store->read_dead_letters(0, [&](const storage::DeadLetter& letter) {
    reasons.push_back(letter.reason);
    return true;
  }));
  EXPECT_EQ(reasons, (std::vector<std::string>{"missing_field", "too_late"}));
}

TEST(Pipeline, ReceiptIsDueOnlyAtTheCommit) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options());
  daemon.feed(event_line(1, 0, "XA", 1));
  EXPECT_EQ(daemon.pipeline().receipts_due(), 1U);
  EXPECT_EQ(daemon.commit().events, 1U);
  EXPECT_EQ(daemon.pipeline().receipts_due(), 0U);
}

// A crash undoes what was not committed; its sender sends it again.
TEST(Pipeline, RestartAtAnyPointGivesTheLogOfAnUninterruptedRun) {
  const std::vector<std::string> lines = stream(20110217);
  const auto whole = storage::make_memory_store();
  {
    Daemon daemon(*whole, options());
    for (const std::string& line : lines) daemon.feed(line);
    daemon.commit();
  }
  const std::vector<std::string> expected = alert_log(*whole);
  ASSERT_GT(expected.size(), 5U);
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 random(seed);
    const auto store = storage::make_memory_store();
    size_t committed = 0;
    while (committed < lines.size()) {
      Daemon daemon(*store, options());
      size_t next = committed;
      const size_t crash_at = std::min(lines.size(), committed + 1 + random() % 60);
      while (next < crash_at) {
        daemon.feed(lines[next++]);
        if (random() % 7 == 0) {
          daemon.commit(random() % 3 == 0);
          committed = next;
        }
      }
      if (next == lines.size()) {
        daemon.commit();
        committed = next;
      }
    }
    EXPECT_EQ(alert_log(*store), expected);
  }
}

TEST(Pipeline, ResultsDoNotDependOnTheNumberOfShards) {
  std::vector<std::vector<std::string>> logs;
  for (const size_t shards : {1, 2, 3}) {
    const auto store = storage::make_memory_store();
    Daemon daemon(*store, options(shards));
    std::string all;
    for (const std::string& line : stream(7)) all += line;
    daemon.feed(all);
    daemon.commit();
    logs.push_back(alert_log(*store));
  }
  ASSERT_GT(logs[0].size(), 5U);
  EXPECT_EQ(logs[1], logs[0]);
  EXPECT_EQ(logs[2], logs[0]);
}

TEST(Pipeline, NewRulesGoOnWithTheStateOfTheOld) {
  const auto store = storage::make_memory_store();
  Daemon daemon(*store, options());
  daemon.feed(event_line(1, 0, "XA", 20));
  rules::BundleText text = bundle_text();
  std::string& rules_file = text.rules[0].text;
  rules_file.replace(rules_file.find("title: Many"), 11, "title: Very");
  Diagnostics diagnostics;
  const auto bundle = rules::load_bundle(text, diagnostics);
  ASSERT_NE(bundle, nullptr);
  ASSERT_TRUE(daemon.pipeline().activate(bundle, rules::serialize(text)));
  daemon.feed(event_line(2, 0, "XA", 20));
  daemon.commit();
  const auto log = alert_log(*store);
  ASSERT_EQ(log.size(), 1U);
  EXPECT_NE(log[0].find("Very dead in Alpha"), std::string::npos) << log[0];
}

}  // namespace
}  // namespace tocsin::daemon
