#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rules/model/result.h"

namespace RdKafka {
class Conf;
class Event;
}  // namespace RdKafka

namespace tocsin::ingest {

// How to reach a broker; shared by reader and writer. Secrets are files, read once at start.
struct KafkaConnection {
  std::string brokers;            // "host:9092,host:9093"
  std::string security_protocol;  // "" or "plaintext", "ssl", "sasl_plaintext", "sasl_ssl"
  std::string sasl_mechanism;     // "SCRAM-SHA-512" and the like
  std::string sasl_username;
  std::string sasl_password_file;
  std::string ssl_ca_file;
  std::string ssl_certificate_file;
  std::string ssl_key_file;
  std::string ssl_key_password_file;
  std::map<std::string, std::string> properties;  // any other of librdkafka's, set last
};

// Properties that decide whether a promise holds; `properties` may not change them.
bool is_reserved_property(std::string_view name);

// Sets what `connection` says on `conf`; the first thing that cannot be.
Status apply_connection(const KafkaConnection& connection, RdKafka::Conf& conf);

// Everything in `connection` that apply_connection would refuse: properties that librdkafka does
// not know or we set ourselves, files that are missing or cannot be read. Connects to nobody.
std::vector<Error> problems_of(const KafkaConnection& connection);

// One property, with librdkafka's own words when it refuses.
Status set_property(RdKafka::Conf& conf, const std::string& name, const std::string& value);

// A broker answered but does not let us in: its message says why, which a later one that no broker
// can be reached does not.
bool is_refusal(RdKafka::Event& event);

// The version of the library that this program runs with: "2.0.2".
std::string kafka_library_version();

}  // namespace tocsin::ingest
