#pragma once

#include <functional>
#include <string>

#include "ingest/kafka_options.h"
#include "rules/load/schema.h"
#include "rules/model/diagnostic.h"
#include "rules/yaml/document.h"

// How an input or a sink reaches Kafka: its keys `brokers`, `security` and `properties`.
namespace tocsin::daemon {

// The mapping `security`: how the connection is encrypted and who we are. Without it: neither.
rules::Schema kafka_security_schema();

// Reads the keys of `node`, an input or a sink whose shape has been checked. Tells (T0509) every
// combination of `security` that could not mean what it says: a password without SASL, a
// certificate without TLS or without its key, a property that says the same another way.
// `path_of` turns a file's name as it stands there into a path.
ingest::KafkaConnection read_kafka_connection(
    const yaml::Node& node, const std::function<std::string(const std::string&)>& path_of,
    Diagnostics& diagnostics);

}  // namespace tocsin::daemon
