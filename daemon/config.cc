#include "daemon/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "daemon/config_schema.h"
#include "daemon/data_paths.h"
#include "daemon/http_client.h"
#include "daemon/kafka_config.h"
#include "rules/load/values.h"
#include "rules/yaml/document.h"

namespace tocsin::daemon {
namespace {

namespace fs = std::filesystem;
using rules::bool_at;
using rules::exact_at;
using rules::int_at;
using rules::text_at;
using rules::texts_at;
using rules::word_at;
using yaml::Node;

template <typename T, typename U>
void take(T& field, const std::optional<U>& value) {
  if (value) field = static_cast<T>(*value);
}
template <typename T>
void take(std::optional<T>& field, const std::optional<T>& value) {
  if (value) field = value;
}

std::optional<uint64_t> bytes_at(const Node& mapping, std::string_view key) {
  const auto text = text_at(mapping, key);
  return text ? rules::parse_bytes(*text) : std::nullopt;
}

// What the kinds of inputs and sinks take, beside what all of them do. A key that another kind has
// and this one does not read is a mistake that would otherwise go unseen.
struct KindOfPart {
  const char* type;
  std::vector<std::string_view> keys;
};
const std::vector<KindOfPart>& input_kinds() {
  static const std::vector<KindOfPart> kKinds{
      {"file", {"path", "follow"}},
      {"kafka", {"brokers", "security", "topics", "group", "instance", "properties"}}};
  return kKinds;
}
const std::vector<KindOfPart>& sink_kinds() {
  static const std::vector<KindOfPart> kKinds{
      {"log", {"path", "heartbeat_interval"}},
      {"webhook", {"url", "url_file", "token_file", "timeout", "heartbeat_interval"}},
      {"alertmanager", {"url", "urls", "token_file", "timeout", "resend_interval"}},
      {"kafka", {"brokers", "security", "topic", "properties", "timeout", "heartbeat_interval"}}};
  return kKinds;
}

class ConfigReader {
 public:
  ConfigReader(const std::string& path, Diagnostics& diagnostics)
      : folder_(fs::absolute(path).parent_path()), diagnostics_(diagnostics) {
    config_.path = path;
  }

  Config read(const Node& root) {
    take_path(config_.data_dir, root, "data_dir");
    config_.bundle.rules = paths_at(root, "rules");
    config_.bundle.catalogue = paths_at(root, "catalogue");
    if (config_.bundle.catalogue.empty()) {
      config_.bundle.catalogue.push_back(default_data_path("rules/catalogue"));
    }
    take(config_.shards, int_at(root, "shards"));
    if (text_at(root, "emit") == "final") config_.emit = rules::Emit::kFinal;
    take(config_.revision_share, int_at(root, "revision_share"));
    if (text_at(root, "durability") == "interval") {
      config_.durability = storage::Durability::kInterval;
    }
    take(config_.commit_interval, exact_at(root, "commit_interval"));
    take(config_.commit_max_events, int_at(root, "commit_max_events"));
    take(config_.checkpoint_interval, exact_at(root, "checkpoint_interval"));
    take(config_.heartbeat_interval, exact_at(root, "heartbeat_interval"));
    take(config_.future_tolerance, exact_at(root, "future_tolerance"));
    take(config_.queue_bytes, bytes_at(root, "queue_bytes"));
    take(config_.state_memory, bytes_at(root, "state_memory"));
    config_.bundle.state_budget = bytes_at(root, "state_budget").value_or(uint64_t{4} << 30U);
    take(config_.min_free_disk, bytes_at(root, "min_free_disk"));
    take(config_.digest_after, exact_at(root, "digest_after"));
    take(config_.watch_rules, exact_at(root, "watch_rules"));
    take(config_.reload_tests, bool_at(root, "reload_tests"));
    take(config_.shutdown_timeout, exact_at(root, "shutdown_timeout"));
    if (const Node* http = root.find("http")) read_http(*http);
    for (const Node& input : rules::items_of(root.find("inputs"))) read_input(input);
    for (const Node& sink : rules::items_of(root.find("sinks"))) read_sink(sink);
    if (const Node* retention = root.find("retention")) {
      read_kept(*retention, "journal", config_.retention.journal, config_.journal_by_marking);
      read_kept(*retention, "closed_alerts", config_.retention.closed_alerts,
                config_.closed_alerts_by_marking);
      take(config_.retention.dead_letters, exact_at(*retention, "dead_letters"));
      take(config_.dead_letters_max, int_at(*retention, "dead_letters_max"));
    }
    if (const Node* backup = root.find("backup")) read_backup(*backup);
    if (const Node* log = root.find("log")) {
      take(config_.log.level, text_at(*log, "level"));
      take(config_.log.format, text_at(*log, "format"));
    }
    return std::move(config_);
  }

 private:
  std::string absolute(const std::string& path) const {
    return (folder_ / path).lexically_normal().string();
  }
  // One path, or a list of them.
  std::vector<std::string> paths_at(const Node& mapping, std::string_view key) const {
    std::vector<std::string> paths = texts_at(mapping, key);
    if (const auto one = text_at(mapping, key)) paths.push_back(*one);
    for (std::string& path : paths) path = absolute(path);
    return paths;
  }
  void take_path(std::string& field, const Node& mapping, std::string_view key) {
    if (const auto path = text_at(mapping, key)) field = absolute(*path);
  }
  // A file with a secret: systemd hands those of LoadCredential= over in a folder of its own.
  std::string secret_path(const std::string& name) const {
    const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
    if (credentials != nullptr && !fs::path(name).is_absolute()) {
      const fs::path handed_over = fs::path(credentials) / name;
      std::error_code ignored;
      if (fs::exists(handed_over, ignored)) return handed_over.string();
    }
    return absolute(name);
  }
  void take_secret(std::string& field, const Node& mapping, std::string_view key) const {
    if (const auto name = text_at(mapping, key)) field = secret_path(*name);
  }
  void error(const char* code, const Node& at, std::string message, std::string hint = {}) {
    diagnostics_.error(code, at.place, std::move(message), std::move(hint));
  }

  void read_http(const Node& node) {
    HttpConfig& http = config_.http;
    if (const Node* listen = node.find("listen"); listen != nullptr && listen->is_scalar()) {
      read_listen(*listen);
    }
    take(http.allow_insecure_listen, bool_at(node, "allow_insecure_listen"));
    take_secret(http.tokens_file, node, "tokens_file");
    take(http.body_bytes, bytes_at(node, "body_bytes"));
    take(http.decompressed_bytes, bytes_at(node, "decompressed_bytes"));
    take(http.body_records, int_at(node, "body_records"));
    take(http.connections, int_at(node, "connections"));
    take(http.tlp_ceiling, word_at<Tlp>(node, "tlp_ceiling"));
    if (!is_loopback(http.address) && !http.allow_insecure_listen) {
      error(
          "T0502", node,
          "`listen: " + http.address + "` is reachable from other machines, unencrypted",
          "listen on 127.0.0.1 behind a proxy that does TLS, or say `allow_insecure_listen: true`");
    }
  }

  // A span, or one by marking beside that of `all`.
  void read_kept(const Node& retention, std::string_view key, Milliseconds& all,
                 storage::Store::ByMarking& by) {
    take(all, exact_at(retention, key));
    const Node* spans = retention.find(key);
    if (spans == nullptr || spans->is_scalar()) return;
    take(all, exact_at(*spans, "all"));
    std::string laxer = "all";
    Milliseconds longest = all;
    for (size_t i = 0; i < by.limits.size(); ++i) {
      const std::string marking(to_string(static_cast<Tlp>(i)));
      take(by.limits[i], exact_at(*spans, marking));
      if (by.limits[i].count() == 0) continue;
      if (longest.count() != 0 && by.limits[i] > longest) {
        error("T0543", *spans->find(marking),
              fmt::format("`{}` would be kept longer than `{}`", marking, laxer),
              "what is marked more strictly goes no later");
      }
      laxer = marking;
      longest = by.limits[i];
    }
  }

  void read_backup(const Node& node) {
    take_path(config_.backup.path, node, "path");
    take(config_.backup.keep, int_at(node, "keep"));
    const auto within = fs::path(config_.backup.path).lexically_relative(config_.data_dir);
    if (config_.data_dir.empty() || within.empty() || *within.begin() == "..") return;
    error("T0542", node, "`path` lies in the data folder: what takes that takes the backups too",
          "a folder on another disk");
  }

  void read_listen(const Node& node) {
    const std::string_view text = node.scalar;
    const size_t colon = text.rfind(':');
    uint16_t port = 0;
    const char* end = text.data() + text.size();
    const bool good =
        colon != std::string_view::npos && colon > 0 &&
        std::from_chars(text.data() + colon + 1, end, port) == std::from_chars_result{end, {}};
    if (!good) {
      error("T0501", node, "`" + node.scalar + "` is not ADDRESS:PORT",
            "for instance 127.0.0.1:8788");
      return;
    }
    std::string address(text.substr(0, colon));
    if (address.starts_with('[') && address.ends_with(']')) {
      address = address.substr(1, address.size() - 2);
    }
    boost::system::error_code not_an_address;
    boost::asio::ip::make_address(address, not_an_address);
    if (address != "localhost" && not_an_address) {
      error("T0501", node, "`" + address + "` is no address of a listener",
            "an address in figures, for instance 127.0.0.1:8788, or localhost");
      return;
    }
    config_.http.address = std::move(address);
    config_.http.port = port;
  }

  // Refuses keys that only other types read.
  void refuse_foreign_keys(const Node& node, const std::string& type,
                           const std::vector<KindOfPart>& kinds) {
    const auto takes = [](const KindOfPart& kind, std::string_view key) {
      return std::find(kind.keys.begin(), kind.keys.end(), key) != kind.keys.end();
    };
    const auto own = std::find_if(kinds.begin(), kinds.end(),
                                  [&](const KindOfPart& kind) { return kind.type == type; });
    if (own == kinds.end()) return;  // told already
    for (const Node::Entry& entry : node.entries) {
      const auto other = std::find_if(kinds.begin(), kinds.end(), [&](const KindOfPart& kind) {
        return takes(kind, entry.key);
      });
      if (other == kinds.end() || takes(*own, entry.key)) continue;
      diagnostics_.error("T0505", entry.key_place,
                         fmt::format("`type: {}` does not read `{}`", type, entry.key),
                         fmt::format("`type: {}` does; beside what all take, `{}` reads {}",
                                     other->type, type, fmt::join(own->keys, ", ")));
    }
  }

  // Exactly one of two keys.
  void require_one_of(const Node& node, std::string_view one, std::string_view other,
                      const std::string& type) {
    const bool has_one = node.find(one) != nullptr;
    const bool has_other = node.find(other) != nullptr;
    if (has_one && has_other) {
      error("T0506", *node.find(other), fmt::format("`{}` and `{}` are both given", one, other),
            "leave one of them out");
    } else if (!has_one && !has_other) {
      error("T0503", node, fmt::format("`type: {}` needs `{}` or `{}`", type, one, other));
    }
  }

  // Not quoted: what stands there is often a secret.
  void check_url(const Node& node, const std::string& url) {
    if (!address_of(url).empty()) return;
    error("T0507", node, "this is not http://HOST:PORT/PATH or https://…",
          "user and password do not belong into it: use `token_file`");
  }

  void require(const Node& node, std::string_view key, const std::string& type) {
    if (node.find(key) == nullptr) {
      error("T0503", node, "`type: " + type + "` needs `" + std::string(key) + "`");
    }
  }
  void unique(std::set<std::string>& names, const Node& node, const std::string& name) {
    if (!names.insert(name).second) {
      error("T0504", node, "the name `" + name + "` is taken", "names must be unique");
    }
  }

  void read_input(const Node& node) {
    InputConfig input;
    take(input.name, text_at(node, "name"));
    unique(input_names_, node, input.name);
    take_path(input.mapping, node, "mapping");
    take_path(input.path, node, "path");
    take(input.follow, bool_at(node, "follow"));
    input.kafka = kafka_at(node);
    input.topics = texts_at(node, "topics");
    take(input.group, text_at(node, "group"));
    take(input.instance, text_at(node, "instance"));
    refuse_foreign_keys(node, text_at(node, "type").value_or(""), input_kinds());
    if (text_at(node, "type") == "kafka") {
      input.type = InputConfig::Type::kKafka;
      require(node, "brokers", "kafka");
      require(node, "topics", "kafka");
    } else {
      require(node, "path", "file");
    }
    config_.inputs.push_back(std::move(input));
  }

  void read_sink(const Node& node) {
    SinkConfig sink;
    take(sink.name, text_at(node, "name"));
    unique(sink_names_, node, sink.name);
    take_path(sink.path, node, "path");
    take(sink.url, text_at(node, "url"));
    take_secret(sink.url_file, node, "url_file");
    sink.urls = texts_at(node, "urls");
    take_secret(sink.token_file, node, "token_file");
    sink.kafka = kafka_at(node);
    take(sink.topic, text_at(node, "topic"));
    take(sink.timeout, exact_at(node, "timeout"));
    take(sink.resend_interval, exact_at(node, "resend_interval"));
    take(sink.tlp_ceiling, word_at<Tlp>(node, "tlp_ceiling"));
    sink.drop_above_ceiling = text_at(node, "on_excess") == "drop";
    take(sink.min_level, word_at<Level>(node, "min_level"));
    read_type(sink, node);
    // Alertmanager has its watchdog, and a log has lines that are no alerts only when asked to.
    if (sink.type == SinkConfig::Type::kLog || sink.type == SinkConfig::Type::kAlertmanager) {
      sink.heartbeat_interval = Milliseconds(0);
    }
    take(sink.heartbeat_interval, exact_at(node, "heartbeat_interval"));
    config_.sinks.push_back(std::move(sink));
  }

  void read_type(SinkConfig& sink, const Node& node) {
    const std::string type = text_at(node, "type").value_or("");
    refuse_foreign_keys(node, type, sink_kinds());
    if (type == "log") {
      require(node, "path", type);
    } else if (type == "kafka") {
      sink.type = SinkConfig::Type::kKafka;
      require(node, "brokers", type);
      require(node, "topic", type);
    } else if (type == "webhook") {
      sink.type = SinkConfig::Type::kWebhook;
      require_one_of(node, "url", "url_file", type);
      if (const Node* url = node.find("url")) check_url(*url, sink.url);
    } else if (type == "alertmanager") {
      sink.type = SinkConfig::Type::kAlertmanager;
      require_one_of(node, "urls", "url", type);
      const Node* urls = node.find("urls");
      for (const Node& url : rules::items_of(urls)) check_url(url, url.scalar);
      if (urls != nullptr && sink.urls.empty()) {
        error("T0503", *urls, "`urls` is empty", "name every member of the cluster");
      }
      if (const Node* url = node.find("url")) {
        check_url(*url, sink.url);
        sink.urls.push_back(sink.url);
      }
    }
  }

  ingest::KafkaConnection kafka_at(const Node& node) {
    return read_kafka_connection(
        node, [this](const std::string& name) { return secret_path(name); }, diagnostics_);
  }

  fs::path folder_;
  Diagnostics& diagnostics_;
  Config config_;
  std::set<std::string> input_names_;
  std::set<std::string> sink_names_;
};

}  // namespace

bool is_loopback(std::string_view address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

std::optional<Config> read_config(const std::string& path, Diagnostics& diagnostics) {
  const auto root = yaml::read_document(path, diagnostics);
  if (!root) return std::nullopt;
  rules::check_shape(*root, config_schema(), "the configuration", diagnostics);
  return ConfigReader(path, diagnostics).read(*root);
}

std::optional<Config> load_config(const std::string& path, Diagnostics& diagnostics) {
  const int errors_before = diagnostics.errors();
  std::optional<Config> config = read_config(path, diagnostics);
  if (diagnostics.errors() != errors_before) return std::nullopt;
  return config;
}

}  // namespace tocsin::daemon
