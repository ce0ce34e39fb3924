#include "ingest/kafka_options.h"

#include <fmt/format.h>
#include <librdkafka/rdkafkacpp.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

namespace tocsin::ingest {
namespace {

constexpr std::array<std::string_view, 14> kReserved{"bootstrap.servers",
                                                     "metadata.broker.list",
                                                     "group.id",
                                                     "group.instance.id",
                                                     "enable.auto.commit",
                                                     "enable.auto.offset.store",
                                                     "partition.assignment.strategy",
                                                     "enable.idempotence",
                                                     "acks",
                                                     "request.required.acks",
                                                     "enable.partition.eof",
                                                     "isolation.level",
                                                     "sasl.password",
                                                     "ssl.key.password"};

Result<std::string> read_secret(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return not_found(fmt::format("read secret {}: cannot be opened", path));
  std::string text{std::istreambuf_iterator<char>(in), {}};
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (text.empty()) return invalid(fmt::format("read secret {}: is empty", path));
  return text;
}

Status set_secret(RdKafka::Conf& conf, const std::string& name, const std::string& path) {
  if (path.empty()) return Status::ok();
  auto secret = read_secret(path);
  return secret ? set_property(conf, name, *secret) : Status(secret.error());
}

}  // namespace

bool is_reserved_property(std::string_view name) {
  return std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end();
}

Status set_property(RdKafka::Conf& conf, const std::string& name, const std::string& value) {
  std::string why;
  if (conf.set(name, value, why) == RdKafka::Conf::CONF_OK) return Status::ok();
  return invalid(fmt::format("set Kafka property {}: {}", name, why));
}

Status apply_connection(const KafkaConnection& connection, RdKafka::Conf& conf) {
  if (connection.brokers.empty()) return invalid("connect to Kafka: no brokers are named");
  const std::pair<const char*, const std::string&> plain[] = {
      {"bootstrap.servers", connection.brokers},
      {"security.protocol", connection.security_protocol},
      {"sasl.mechanism", connection.sasl_mechanism},
      {"sasl.username", connection.sasl_username},
      {"ssl.ca.location", connection.ssl_ca_file},
      {"ssl.certificate.location", connection.ssl_certificate_file},
      {"ssl.key.location", connection.ssl_key_file},
  };
  for (const auto& [name, value] : plain) {
    if (value.empty()) continue;
    if (Status set = set_property(conf, name, value); !set) return set;
  }
  Status secret = set_secret(conf, "sasl.password", connection.sasl_password_file);
  if (!secret) return secret;
  secret = set_secret(conf, "ssl.key.password", connection.ssl_key_password_file);
  if (!secret) return secret;
  for (const auto& [name, value] : connection.properties) {
    if (is_reserved_property(name)) {
      return invalid(
          fmt::format("set Kafka property {}: it decides whether events can be lost and "
                      "cannot be changed; take it out",
                      name));
    }
    if (Status set = set_property(conf, name, value); !set) return set;
  }
  return Status::ok();
}

std::string kafka_library_version() { return RdKafka::version_str(); }

}  // namespace tocsin::ingest
