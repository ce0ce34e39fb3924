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
  std::string text(kMaxSecretBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return failed();
  if (text.size() > kMaxSecretBytes) {
    return invalid(fmt::format("read secret {}: is longer than {} bytes", path, kMaxSecretBytes));
  }
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (text.empty()) return invalid(fmt::format("read secret {}: is empty", path));
  return text;
}

Status set_secret(RdKafka::Conf& conf, const std::string& name, const std::string& path) {
  if (path.empty()) return Status::ok();
  auto secret = read_secret(path);
  return secret ? set_property(conf, name, *secret) : Status(secret.error());
}

// A file that librdkafka reads itself, when the client is made, and then in OpenSSL's words.
Status set_file(RdKafka::Conf& conf, const std::string& name, const std::string& path) {
  if (path.empty()) return Status::ok();
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (!file) return invalid(fmt::format("read {}: {}", path, std::strerror(errno)));
  return set_property(conf, name, path);
}

// Sets all that can be set; what cannot.
std::vector<Error> apply_all(const KafkaConnection& connection, RdKafka::Conf& conf) {
  std::vector<Error> problems;
  const auto note = [&problems](const Status& set) {
    if (!set) problems.push_back(set.error());
  };
  if (connection.brokers.empty()) note(invalid("connect to Kafka: no brokers are named"));
  const std::pair<const char*, const std::string&> plain[] = {
      {"bootstrap.servers", connection.brokers},
      {"security.protocol", connection.security_protocol},
      {"sasl.mechanism", connection.sasl_mechanism},
      {"sasl.username", connection.sasl_username},
  };
  for (const auto& [name, value] : plain) {
    if (!value.empty()) note(set_property(conf, name, value));
  }
  note(set_secret(conf, "sasl.password", connection.sasl_password_file));
  note(set_file(conf, "ssl.ca.location", connection.ssl_ca_file));
  note(set_file(conf, "ssl.certificate.location", connection.ssl_certificate_file));
  note(set_file(conf, "ssl.key.location", connection.ssl_key_file));
  note(set_secret(conf, "ssl.key.password", connection.ssl_key_password_file));
  for (const auto& [name, value] : connection.properties) {
    note(is_reserved_property(name)
             ? Status(invalid(fmt::format("set Kafka property {}: it decides whether events can be "
                                          "lost and cannot be changed; take it out",
                                          name)))
             : set_property(conf, name, value));
  }
  return problems;
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
  const std::vector<Error> problems = apply_all(connection, conf);
  return problems.empty() ? Status::ok() : Status(problems.front());
}

std::vector<Error> problems_of(const KafkaConnection& connection) {
  const std::unique_ptr<RdKafka::Conf> conf(RdKafka::Conf::create(RdKafka::Conf::CONF_GLOBAL));
  return apply_all(connection, *conf);
}

bool is_refusal(RdKafka::Event& event) {
  return event.type() == RdKafka::Event::EVENT_ERROR &&
         (event.err() == RdKafka::ERR__AUTHENTICATION || event.err() == RdKafka::ERR__SSL);
}

std::string kafka_library_version() { return RdKafka::version_str(); }

}  // namespace tocsin::ingest
