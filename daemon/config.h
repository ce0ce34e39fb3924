#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/kafka_options.h"
#include "rules/engine.h"
#include "rules/load/bundle_text.h"
#include "rules/model/diagnostic.h"
#include "rules/model/time.h"
#include "rules/model/vocabulary.h"
#include "storage/rocksdb_store.h"
#include "storage/store.h"

// The configuration file (`tocsin: config/1`), typed. Every field has a default unless it says
// otherwise; paths are absolute after loading. There is no interpolation of the environment; a
// secret is a file of its own, named by a key that ends in `_file`: a relative name is looked for
// in $CREDENTIALS_DIRECTORY (systemd's LoadCredential=) first, then beside the configuration.
namespace tocsin::daemon {

struct HttpConfig {
  // 127.0.0.1:8788. Port 0 takes a free one and tells it in the log and in DATA_DIR/port.
  std::string address = "127.0.0.1";
  uint16_t port = 8788;
  // An address off loopback is refused without it: there is no TLS yet, put a proxy in front.
  bool allow_insecure_listen = false;
  // Bearer tokens that may write, one a line. None: anyone who reaches the listener may.
  std::string tokens_file;
  // Largest body as it comes, and after decompression. Larger: bigger batches, more memory a
  // client.
  size_t body_bytes = 8u << 20;
  size_t decompressed_bytes = 64u << 20;
  // Most records of a body: lines, or elements of an array. Larger: more memory a request.
  size_t body_records = 100'000;
  // Open connections; more are turned away.
  size_t connections = 256;
  // Highest marking that the API shows; what is above is withheld.
  Tlp tlp_ceiling = Tlp::kAmber;
};

struct InputConfig {
  enum class Type : uint8_t { kFile, kKafka };
  std::string name;  // required, unique
  Type type = Type::kFile;
  std::string mapping;  // a file `mapping/1`; empty: event/1 as NDJSON (file) or message (Kafka)
  // Of a file:
  std::string path;
  bool follow = false;  // go on reading what is appended
  // Of Kafka:
  ingest::KafkaConnection kafka;
  std::vector<std::string> topics;
  std::string group = "tocsin";
  std::string instance;  // group.instance.id; empty: from the data folder
};

struct SinkConfig {
  enum class Type : uint8_t { kLog, kWebhook, kAlertmanager, kKafka };
  std::string name;  // required, unique; the outbox knows the sink by it
  Type type = Type::kLog;
  std::string path;               // of a log
  std::string url;                // of a webhook, or
  std::string url_file;           // a file that holds it
  std::vector<std::string> urls;  // of Alertmanager: all of a cluster
  std::string token_file;         // bearer token for a webhook or Alertmanager
  ingest::KafkaConnection kafka;  // of Kafka
  std::string topic;
  Milliseconds timeout{10'000};          // of one attempt
  Milliseconds resend_interval{60'000};  // Alertmanager forgets what is not sent again
  // Distance of the messages that tell that all is well; zero: none, the default of a log.
  // Smaller: silence is noticed sooner, more is sent. Alertmanager has its watchdog instead.
  Milliseconds heartbeat_interval{300'000};
  Tlp tlp_ceiling = Tlp::kAmber;    // above it the alert is redacted or dropped
  bool drop_above_ceiling = false;  // on_excess: drop
  Level min_level = Level::kInfo;   // lower ones are not sent here
};

struct BackupConfig {
  std::string path;   // folder of backups; empty: none are taken. Not inside the data folder
  uint32_t keep = 7;  // so many of the newest stay. Larger: more disk
};

struct LogConfig {
  std::string level = "info";     // debug info warn error
  std::string format = "logfmt";  // logfmt json
};

struct Config {
  std::string path;           // of the file itself
  std::string data_dir;       // required
  rules::BundlePaths bundle;  // `rules` is required; `catalogue` defaults to the shipped one
  size_t shards = 1;
  rules::Emit emit = rules::Emit::kEarly;
  // Revisions take at most one part in so many of the time; 0: each follows at once.
  int revision_share = 10;
  storage::Durability durability = storage::Durability::kCommit;
  // At most one commit in so long while little comes. Larger: fewer fsyncs, later answers and
  // alerts.
  Milliseconds commit_interval{100};
  // A commit is taken at once when so many events wait.
  size_t commit_max_events = 50'000;
  // Distance of two saves of the engine's state. Larger: less writing, longer recovery.
  Milliseconds checkpoint_interval{30'000};
  // How far ahead of the clock an event may be stamped.
  Milliseconds future_tolerance{600'000};
  // Input waiting for the pipeline; when it is full, senders wait (429) and sources pause.
  size_t queue_bytes = 64u << 20;
  // With more state of rules than this in memory, groups that lie idle are kept on the disk alone
  // and read back when they are needed. Larger: fewer reads; smaller: less memory.
  size_t state_memory = 256u << 20;
  // With less free on the disk of the data folder no input is taken. nullopt: 512 MiB, at most a
  // twentieth of the disk; 0: no floor. Larger: more room for what must still be written.
  std::optional<uint64_t> min_free_disk;
  // After a downtime of at least this, webhooks and topics are told in one digest of the alerts
  // that were raised and over in it; 0: of each.
  Milliseconds digest_after{15 * 60'000};
  // How often files of rules are looked at for changes, which are then loaded; 0: only when asked.
  Milliseconds watch_rules{0};
  // Whether a reload runs the rule tests beside the rules, and refuses them when one fails.
  bool reload_tests = true;
  // How often a silent source's watermark follows the clock.
  Milliseconds heartbeat_interval{10'000};
  Milliseconds shutdown_timeout{30'000};
  HttpConfig http;
  std::vector<InputConfig> inputs;
  std::vector<SinkConfig> sinks;
  storage::Store::Retention retention;  // zero: for ever
  // What its marking lets be kept less long; a stricter one is never kept longer than a laxer one.
  storage::Store::ByMarking journal_by_marking;
  storage::Store::ByMarking closed_alerts_by_marking;
  // More dead letters than this: the oldest go. 0: no limit.
  uint64_t dead_letters_max = 1'000'000;
  BackupConfig backup;
  LogConfig log;
};

// 127.0.0.0/8, ::1, localhost.
bool is_loopback(std::string_view address);

// Reads and checks the file; everything wrong in it is told (codes T05xx). nullopt when anything
// is.
std::optional<Config> load_config(const std::string& path, Diagnostics& diagnostics);

// What can be made out of the file, whatever is wrong in it: for looking on, not for running.
// nullopt when it is no YAML.
std::optional<Config> read_config(const std::string& path, Diagnostics& diagnostics);

}  // namespace tocsin::daemon
