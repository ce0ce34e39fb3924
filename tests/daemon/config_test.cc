#include "daemon/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/temporary_folder.h"

namespace tocsin::daemon {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kSmallest = "tocsin: config/1\ndata_dir: data\nrules: rules\n";

struct Loaded {
  std::optional<Config> config;
  std::vector<std::string> diagnostics;
};

Loaded load(const TemporaryFolder& folder, const std::string& text) {
  Diagnostics diagnostics;
  Loaded loaded;
  loaded.config = load_config(folder.write("tocsin.yaml", text), diagnostics);
  for (const Diagnostic& each : diagnostics.sorted()) loaded.diagnostics.push_back(to_text(each));
  return loaded;
}

TEST(Config, TakesPathsFromTheFolderOfTheFile) {
  const TemporaryFolder folder;
  const Loaded loaded = load(folder, kSmallest);
  ASSERT_TRUE(loaded.config) << testing::PrintToString(loaded.diagnostics);
  EXPECT_EQ(loaded.config->data_dir, folder.path("data"));
  EXPECT_THAT(loaded.config->bundle.rules, testing::ElementsAre(folder.path("rules")));
}

TEST(Config, IsGoodForProductionWhereItSaysNothing) {
  const TemporaryFolder folder;
  const Loaded loaded = load(folder, kSmallest);
  ASSERT_TRUE(loaded.config);
  const Config& config = *loaded.config;
  EXPECT_EQ(config.http.address, "127.0.0.1");
  EXPECT_EQ(config.http.port, 8788);
  EXPECT_EQ(config.durability, storage::Durability::kCommit);
  EXPECT_EQ(config.commit_interval, Milliseconds(100));
  EXPECT_EQ(config.checkpoint_interval, Milliseconds(30'000));
  EXPECT_EQ(config.future_tolerance, minutes(10));
  EXPECT_EQ(config.http.body_bytes, 8u << 20);
  EXPECT_EQ(config.http.tlp_ceiling, Tlp::kAmber);
  EXPECT_EQ(config.min_free_disk, std::nullopt) << "as the disk is large";
  EXPECT_EQ(config.state_memory, 256u << 20);
  EXPECT_EQ(config.bundle.state_budget, uint64_t{4} << 30U);
  EXPECT_THAT(config.sinks, IsEmpty());
}

TEST(Config, ReadsEveryPart) {
  const TemporaryFolder folder;
  const Loaded loaded = load(folder, std::string(kSmallest) + R"(
shards: 2
emit: final
revision_share: 0
durability: interval
queue_bytes: 1MiB
state_memory: 3MiB
min_free_disk: 2GiB
http: {listen: "[::1]:0", body_bytes: 2MiB, tlp_ceiling: green, tokens_file: tokens}
inputs:
  - {name: feed, type: file, path: feed.csv, mapping: ged.yaml, follow: true}
  - {name: live, type: kafka, brokers: "b:9092", topics: [a, b], group: g, properties: {x: "1"}}
sinks:
  - {name: log, type: log, path: alerts.ndjson, tlp_ceiling: red}
  - {name: desk, type: webhook, url: "http://h/x", on_excess: drop, min_level: watch, timeout: 3s}
  - {name: mirror, type: alertmanager, urls: ["http://a:9093", "http://b:9093"], resend_interval: 1s}
  - {name: topic, type: kafka, brokers: "b:9092", topic: t, heartbeat_interval: 0s}
  - {name: hidden, type: webhook, url_file: hook-url, token_file: hook-token}
retention: {journal: 10d, dead_letters: 48h, dead_letters_max: 5000}
backup: {path: safe/backups, keep: 3}
log: {level: debug, format: json}
)");
  ASSERT_TRUE(loaded.config) << testing::PrintToString(loaded.diagnostics);
  const Config& config = *loaded.config;
  EXPECT_EQ(config.shards, 2u);
  EXPECT_EQ(config.emit, rules::Emit::kFinal);
  EXPECT_EQ(config.revision_share, 0);
  EXPECT_EQ(config.durability, storage::Durability::kInterval);
  EXPECT_EQ(config.queue_bytes, 1u << 20);
  EXPECT_EQ(config.state_memory, 3u << 20);
  EXPECT_EQ(config.min_free_disk, 2ull << 30);
  EXPECT_EQ(config.http.address, "::1");
  EXPECT_EQ(config.http.port, 0);
  EXPECT_EQ(config.http.tlp_ceiling, Tlp::kGreen);
  EXPECT_EQ(config.http.tokens_file, folder.path("tokens"));
  ASSERT_EQ(config.inputs.size(), 2u);
  EXPECT_TRUE(config.inputs[0].follow);
  EXPECT_EQ(config.inputs[0].mapping, folder.path("ged.yaml"));
  EXPECT_EQ(config.inputs[1].type, InputConfig::Type::kKafka);
  EXPECT_EQ(config.inputs[1].kafka.properties.at("x"), "1");
  ASSERT_EQ(config.sinks.size(), 5u);
  EXPECT_EQ(config.sinks[0].heartbeat_interval, Milliseconds(0)) << "a log is asked to";
  EXPECT_EQ(config.sinks[1].heartbeat_interval, minutes(5));
  EXPECT_EQ(config.sinks[2].heartbeat_interval, Milliseconds(0)) << "it has its watchdog";
  EXPECT_EQ(config.sinks[3].heartbeat_interval, Milliseconds(0));
  EXPECT_EQ(config.sinks[1].url, "http://h/x");
  EXPECT_EQ(config.sinks[4].url_file, folder.path("hook-url"));
  EXPECT_EQ(config.sinks[4].token_file, folder.path("hook-token"));
  EXPECT_EQ(config.sinks[0].tlp_ceiling, Tlp::kRed);
  EXPECT_TRUE(config.sinks[1].drop_above_ceiling);
  EXPECT_EQ(config.sinks[1].min_level, Level::kWatch);
  EXPECT_EQ(config.sinks[1].timeout, Milliseconds(3000));
  EXPECT_EQ(config.sinks[2].urls.size(), 2u);
  EXPECT_EQ(config.sinks[2].resend_interval, Milliseconds(1000));
  EXPECT_EQ(config.sinks[3].topic, "t");
  EXPECT_EQ(config.backup.path, folder.path("safe/backups"));
  EXPECT_EQ(config.backup.keep, 3u);
  EXPECT_EQ(config.retention.journal, hours(240));
  EXPECT_EQ(config.dead_letters_max, 5000u);
  EXPECT_EQ(config.log.format, "json");
}

TEST(Config, TakesRetentionByMarking) {
  const TemporaryFolder folder;
  const Loaded loaded = load(folder, std::string(kSmallest) + R"(
retention:
  journal: {all: 365d, amber: 90d, red: 30d}
  closed_alerts: {red: 60d}
)");
  ASSERT_TRUE(loaded.config) << testing::PrintToString(loaded.diagnostics);
  const Config& config = *loaded.config;
  EXPECT_EQ(config.retention.journal, hours(24 * 365));
  EXPECT_EQ(config.retention.closed_alerts, Milliseconds(0));
  const auto journal = [&](Tlp tlp) { return config.journal_by_marking.limit(tlp); };
  EXPECT_EQ(journal(Tlp::kGreen), Milliseconds(0));
  EXPECT_EQ(journal(Tlp::kAmber), hours(24 * 90));
  EXPECT_EQ(journal(Tlp::kAmberStrict), hours(24 * 90)) << "as what is laxer";
  EXPECT_EQ(journal(Tlp::kRed), hours(24 * 30));
  EXPECT_EQ(config.closed_alerts_by_marking.limit(Tlp::kRed), hours(24 * 60));
}

TEST(Config, RefusesWhatIsWrongAndSaysWhatToDo) {
  const TemporaryFolder folder;
  struct Case {
    const char* name;
    const char* text;  // added to the smallest good one
    const char* code;
    const char* told;
  };
  const Case cases[] = {
      {"misspelt key", "commit_intervall: 1s\n", "", "commit_interval"},
      {"misspelt key inside", "http: {listn: 127.0.0.1:1}\n", "", "listen"},
      {"off loopback", "http: {listen: 0.0.0.0:8788}\n", "T0502", "allow_insecure_listen"},
      {"no port", "http: {listen: localhost}\n", "T0501", "ADDRESS:PORT"},
      {"a name to listen on", "http: {listen: desk.example:8788, allow_insecure_listen: true}\n",
       "T0501", "desk.example"},
      {"half an address", "http: {listen: 127.0.0:8788}\n", "T0501", "127.0.0"},
      {"port out of range", "http: {listen: 127.0.0.1:70000}\n", "T0501", "ADDRESS:PORT"},
      {"word not in list", "durability: always\n", "", "commit"},
      {"calendar span", "commit_interval: 1mo\n", "", "commit_interval"},
      {"a stricter marking kept longer", "retention: {journal: {amber: 30d, red: 90d}}\n", "T0543",
       "`red` would be kept longer than `amber`"},
      {"a marking kept longer than all", "retention: {closed_alerts: {all: 30d, red: 90d}}\n",
       "T0543", "`red` would be kept longer than `all`"},
      {"a marking that is none", "retention: {journal: {purple: 30d}}\n", "", "purple"},
      {"a marking kept for no time", "retention: {journal: {red: 0s}}\n", "", "red"},
      {"backups in the data folder", "backup: {path: data/backups}\n", "T0542",
       "lies in the data folder"},
      {"backups nowhere", "backup: {keep: 7}\n", "", "path"},
      {"not a number", "shards: many\n", "", "shards"},
      {"file without path", "inputs: [{name: a, type: file}]\n", "T0503", "path"},
      {"kafka without topics", "inputs: [{name: a, type: kafka, brokers: b}]\n", "T0503", "topics"},
      {"two of a name", "sinks: [{name: a, type: log, path: x}, {name: a, type: log, path: y}]\n",
       "T0504", "`a`"},
      {"webhook without url", "sinks: [{name: a, type: webhook}]\n", "T0503", "url"},
      {"webhook with two addresses",
       "sinks: [{name: a, type: webhook, url: \"http://h/\", url_file: f}]\n", "T0506", "url_file"},
      {"webhook with several addresses",
       "sinks: [{name: a, type: webhook, urls: [\"http://h/\", \"http://i/\"]}]\n", "T0505",
       "`urls`"},
      {"address that is none", "sinks: [{name: a, type: webhook, url: h}]\n", "T0507", "https://"},
      {"address with a password",
       "sinks: [{name: a, type: alertmanager, urls: [\"http://me:pass@h\"]}]\n", "T0507",
       "token_file"},
      {"Alertmanager nowhere", "sinks: [{name: a, type: alertmanager, urls: []}]\n", "T0503",
       "urls"},
      {"path of a topic", "sinks: [{name: a, type: kafka, brokers: b, topic: t, path: x}]\n",
       "T0505", "`path`"},
      {"topic of a log", "sinks: [{name: a, type: log, path: x, topic: t}]\n", "T0505", "path"},
      {"token of a log", "sinks: [{name: a, type: log, path: x, token_file: t}]\n", "T0505",
       "webhook"},
      {"heartbeat beside a watchdog",
       "sinks: [{name: a, type: alertmanager, url: \"http://h\", heartbeat_interval: 1m}]\n",
       "T0505", "heartbeat_interval"},
      {"mirror that never is sent again",
       "sinks: [{name: a, type: alertmanager, url: \"http://h\", resend_interval: 0s}]\n", "",
       "resend_interval"},
      {"attempt without time",
       "sinks: [{name: a, type: webhook, url: \"http://h\", timeout: 0s}]\n", "", "timeout"},
      {"topics of a file", "inputs: [{name: a, type: file, path: x, topics: [t]}]\n", "T0505",
       "kafka"},
      {"following a topic",
       "inputs: [{name: a, type: kafka, brokers: b, topics: [t], follow: true}]\n", "T0505",
       "file"},
      {"sink without type", "sinks: [{name: a}]\n", "", "type"},
      {"unknown TLP", "http: {tlp_ceiling: yellow}\n", "", "tlp_ceiling"},
  };
  for (const Case& each : cases) {
    const Loaded loaded = load(folder, std::string(kSmallest) + each.text);
    EXPECT_FALSE(loaded.config) << each.name;
    EXPECT_THAT(loaded.diagnostics, Contains(AllOf(HasSubstr("tocsin.yaml:"), HasSubstr(each.code),
                                                   HasSubstr(each.told))))
        << each.name;
  }
}

TEST(Config, DoesNotRepeatAnAddressThatMayBeASecret) {
  const TemporaryFolder folder;
  const Loaded loaded = load(
      folder, std::string(kSmallest) + "sinks: [{name: a, type: webhook, url: \"h/canary\"}]\n");
  EXPECT_FALSE(loaded.config);
  EXPECT_THAT(loaded.diagnostics, testing::Each(testing::Not(HasSubstr("canary"))));
}

TEST(Config, LooksForSecretsInTheCredentialsOfTheServiceFirst) {
  const TemporaryFolder folder;
  const TemporaryFolder credentials;
  credentials.write("handed-over", "");
  ::setenv("CREDENTIALS_DIRECTORY", credentials.path("").c_str(), /*overwrite=*/1);
  const Loaded loaded = load(folder, std::string(kSmallest) + R"(
http: {tokens_file: handed-over}
sinks:
  - {name: a, type: webhook, url_file: not-handed-over, token_file: handed-over}
  - {name: b, type: webhook, url_file: /etc/url}
  - {name: c, type: log, path: handed-over}
)");
  ::unsetenv("CREDENTIALS_DIRECTORY");
  ASSERT_TRUE(loaded.config) << testing::PrintToString(loaded.diagnostics);
  EXPECT_EQ(loaded.config->http.tokens_file, credentials.path("handed-over"));
  EXPECT_EQ(loaded.config->sinks[0].token_file, credentials.path("handed-over"));
  EXPECT_EQ(loaded.config->sinks[0].url_file, folder.path("not-handed-over"));
  EXPECT_EQ(loaded.config->sinks[1].url_file, "/etc/url");
  EXPECT_EQ(loaded.config->sinks[2].path, folder.path("handed-over")) << "this is no secret";
}

TEST(Config, TellsAllProblemsAtOnce) {
  const TemporaryFolder folder;
  const Loaded loaded = load(folder,
                             "tocsin: config/1\nshards: no\nemit: sometimes\nwhat: 1\n"
                             "http: {listen: 0.0.0.0:1}\n");
  EXPECT_FALSE(loaded.config);
  // data_dir and rules are missing; shards, emit, what and listen are wrong.
  EXPECT_GE(loaded.diagnostics.size(), 6u) << testing::PrintToString(loaded.diagnostics);
}

TEST(Config, OffLoopbackNeedsTheExplicitWord) {
  const TemporaryFolder folder;
  const Loaded loaded =
      load(folder,
           std::string(kSmallest) + "http: {listen: 0.0.0.0:8788, allow_insecure_listen: true}\n");
  ASSERT_TRUE(loaded.config) << testing::PrintToString(loaded.diagnostics);
  EXPECT_FALSE(is_loopback(loaded.config->http.address));
}

TEST(Config, DoesNotInterpolateTheEnvironment) {
  const TemporaryFolder folder;
  const Loaded loaded = load(folder, "tocsin: config/1\ndata_dir: ${HOME}/data\nrules: rules\n");
  ASSERT_TRUE(loaded.config);
  EXPECT_EQ(loaded.config->data_dir, folder.path("${HOME}/data"));
}

TEST(Config, TellsOfAFileThatIsNotThere) {
  Diagnostics diagnostics;
  EXPECT_FALSE(load_config("/nowhere/tocsin.yaml", diagnostics));
  EXPECT_TRUE(diagnostics.has_errors());
}

TEST(Config, TheShippedSampleIsGood) {
  Diagnostics diagnostics;
  const auto config = load_config(TOCSIN_SOURCE_DIR "/deploy/tocsin.yaml", diagnostics);
  EXPECT_TRUE(config) << (diagnostics.all().empty() ? "" : to_text(diagnostics.sorted().front()));
}

}  // namespace
}  // namespace tocsin::daemon
