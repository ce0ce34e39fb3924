#include "daemon/kafka_config.h"

#include <fmt/format.h>

#include <string_view>

#include "rules/load/values.h"

namespace tocsin::daemon {
namespace {

using ingest::KafkaConnection;
using rules::text;
using rules::text_at;
using rules::word;
using yaml::Node;

constexpr std::string_view kSaslKeys[] = {"sasl_mechanism", "username", "password_file"};
constexpr std::string_view kTlsKeys[] = {"ca_file", "certificate_file", "key_file",
                                         "key_password_file"};

class SecurityReader {
 public:
  SecurityReader(const Node& node, Diagnostics& diagnostics)
      : node_(node), protocol_(text_at(node, "protocol").value_or("")), diagnostics_(diagnostics) {}

  void check() {
    if (protocol_.empty()) return;  // told already
    if (protocol_.starts_with("sasl_")) {
      for (const std::string_view key : kSaslKeys) {
        require(key, "`protocol: " + protocol_ + "`",
                "SASL says who we are by sasl_mechanism, username and password_file");
      }
    } else {
      for (const std::string_view key : kSaslKeys) {
        refuse(key, "sasl_plaintext or sasl_ssl logs in; leave the key out otherwise");
      }
    }
    if (!protocol_.ends_with("ssl")) {
      for (const std::string_view key : kTlsKeys) {
        refuse(key, "ssl or sasl_ssl encrypts; leave the key out otherwise");
      }
      return;
    }
    if (says("certificate_file")) {
      require("key_file", "`certificate_file`", "a certificate is shown with its private key");
    }
    if (says("key_file")) {
      require("certificate_file", "`key_file`", "a private key belongs to a certificate");
    }
    if (says("key_password_file")) {
      require("key_file", "`key_password_file`", "it opens that key");
    }
  }

 private:
  bool says(std::string_view key) const { return !text_at(node_, key).value_or("").empty(); }
  void require(std::string_view key, const std::string& who, std::string hint) {
    if (says(key)) return;
    diagnostics_.error("T0509", node_.place, fmt::format("{} needs `{}`", who, key),
                       std::move(hint));
  }
  void refuse(std::string_view key, std::string hint) {
    for (const Node::Entry& entry : node_.entries) {
      if (entry.key != key) continue;
      diagnostics_.error("T0509", entry.key_place,
                         fmt::format("`protocol: {}` does not read `{}`", protocol_, key),
                         std::move(hint));
    }
  }

  const Node& node_;
  const std::string protocol_;
  Diagnostics& diagnostics_;
};

// librdkafka's names for what `security` says; `properties` come last and would silently win.
bool is_said_by_security(std::string_view property) {
  return property == "security.protocol" || property.starts_with("sasl.") ||
         property.starts_with("ssl.ca.") || property.starts_with("ssl.certificate.") ||
         property.starts_with("ssl.key.");
}

}  // namespace

rules::Schema kafka_security_schema() {
  return rules::mapping(
      "security",
      {rules::required("protocol", word({"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"},
                                        "ssl encrypts, sasl logs in")),
       rules::optional("sasl_mechanism", word({"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"})),
       rules::optional("username", text("of SASL")),
       rules::optional("password_file", text("of SASL: a file that holds it")),
       rules::optional("ca_file", text("PEM; who may vouch for brokers; default: the system's")),
       rules::optional("certificate_file", text("PEM; our own, where brokers ask for one")),
       rules::optional("key_file", text("PEM; of certificate_file")),
       rules::optional("key_password_file", text("of key_file: a file that holds it"))});
}

KafkaConnection read_kafka_connection(const Node& node,
                                      const std::function<std::string(const std::string&)>& path_of,
                                      Diagnostics& diagnostics) {
  KafkaConnection connection;
  connection.brokers = text_at(node, "brokers").value_or("");
  for (const Node::Entry& entry : rules::entries_of(node.find("properties"))) {
    connection.properties[entry.key] = entry.value.scalar;
  }
  const Node* security = node.find("security");
  if (security == nullptr) return connection;
  SecurityReader(*security, diagnostics).check();
  const auto file = [&](std::string_view key) {
    const auto name = text_at(*security, key);
    return name ? path_of(*name) : std::string();
  };
  connection.security_protocol = text_at(*security, "protocol").value_or("");
  connection.sasl_mechanism = text_at(*security, "sasl_mechanism").value_or("");
  connection.sasl_username = text_at(*security, "username").value_or("");
  connection.sasl_password_file = file("password_file");
  connection.ssl_ca_file = file("ca_file");
  connection.ssl_certificate_file = file("certificate_file");
  connection.ssl_key_file = file("key_file");
  connection.ssl_key_password_file = file("key_password_file");
  for (const Node::Entry& entry : rules::entries_of(node.find("properties"))) {
    if (!is_said_by_security(entry.key)) continue;
    diagnostics.error("T0509", entry.key_place,
                      fmt::format("`security` and the property {} are both given", entry.key),
                      "say it in `security` alone");
  }
  return connection;
}

}  // namespace tocsin::daemon
