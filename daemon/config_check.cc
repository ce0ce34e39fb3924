#include "daemon/config_check.h"

#include "daemon/http/access.h"
#include "daemon/http_client.h"
#include "daemon/inputs.h"
#include "daemon/secret_file.h"
#include "ingest/kafka_options.h"
#include "ingest/source_mapping.h"

namespace tocsin::daemon {
namespace {

// A sink reads its secrets when it sends, and tries again until they are there: no reason not to
// run, but no alert arrives. That of Kafka is made then, whatever is wrong with its connection.
void check_what_it_sends_with(const SinkConfig& sink, const Place& place,
                              Diagnostics& diagnostics) {
  const auto warn = [&](const std::string& part, const std::string& what) {
    diagnostics.warning("T0508", place, part + " of sink " + sink.name + ": " + what,
                        "until then it is sent nothing");
  };
  if (sink.type == SinkConfig::Type::kKafka) {
    for (const Error& each : ingest::problems_of(sink.kafka)) warn("Kafka", each.message);
  }
  if (!sink.token_file.empty()) {
    if (const auto token = read_secret(sink.token_file); !token) {
      warn("`token_file`", token.error().message);
    }
  }
  if (sink.url_file.empty()) return;
  const auto url = read_secret(sink.url_file);
  if (!url) return warn("`url_file`", url.error().message);
  if (address_of(*url).empty()) {
    warn("`url_file`",
         "what stands in " + sink.url_file + " is not http://HOST:PORT/PATH or https://…");
  }
}

}  // namespace

void check_named_files(const Config& config, const Catalogue* catalogue, Diagnostics& diagnostics) {
  const Place place{.file = config.path, .line = 0, .column = 0};
  for (const InputConfig& input : config.inputs) {
    if (input.type == InputConfig::Type::kKafka) {
      for (const Error& each : ingest::problems_of(input.kafka)) {
        diagnostics.error("T0508", place, "Kafka of input " + input.name + ": " + each.message);
      }
    }
    if (input.mapping.empty()) continue;
    const auto mapping = ingest::load_mapping(input.mapping, catalogue, diagnostics);
    if (!mapping) continue;
    if (Status fits = check_mapping_fits(input, *mapping); !fits) {
      diagnostics.error("T0508", place, "input " + input.name + ": " + fits.error().message);
    }
  }
  if (!config.http.tokens_file.empty()) {
    const auto tokens = http::read_tokens(config.http.tokens_file);
    if (!tokens) {
      diagnostics.error("T0508", place, "`tokens_file` of http: " + tokens.error().message);
    }
  }
  for (const SinkConfig& sink : config.sinks) check_what_it_sends_with(sink, place, diagnostics);
}

}  // namespace tocsin::daemon
