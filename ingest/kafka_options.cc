#include "ingest/kafka_options.h"

#include <fmt/format.h>
#include <librdkafka/rdkafkacpp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace tocsin::ingest {
namespace {

constexpr std::array<std::string_view, 16> kReserved{"bootstrap.servers",
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
                                                     "ssl.key.password",
                                                     "auto.offset.reset",
                                                     "statistics.interval.ms"};

constexpr size_t kMaxSecretBytes = 4096;

Result<std::string> read_secret(const std::string& path) {
  const auto failed = [&path] {
    return invalid(fmt::format("read secret {}: {}", path, std::strerror(errno)));
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (!file) return failed();
  std::string text(kMaxSecretBytes, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return failed();
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
