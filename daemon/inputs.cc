#include "daemon/inputs.h"

#include <algorithm>
#include <functional>
#include <string_view>

#include "ingest/event_decoder.h"
#include "ingest/file_source.h"
#include "ingest/kafka_source.h"
#include "ingest/mapping_decoder.h"

namespace tocsin::daemon {
namespace {

using Mapping = std::shared_ptr<const ingest::SourceMapping>;
using Symbols = std::shared_ptr<const ingest::CurrentSymbols>;

// nullptr without an error: the input has no mapping.
Result<Mapping> mapping_of(const InputConfig& config, const Symbols& symbols) {
  if (config.mapping.empty()) return Mapping();
  Diagnostics diagnostics;
  Mapping mapping = ingest::load_mapping(config.mapping, &symbols->get()->catalogue(), diagnostics);
  if (mapping) {
    if (Status fits = check_mapping_fits(config, *mapping); !fits) return fits.error();
    return mapping;
  }
  std::string told = "the mapping does not load:";
  for (const Diagnostic& d : diagnostics.sorted()) told += "\n  " + to_text(d);
  return invalid(told);
}

std::unique_ptr<ingest::EventSource> make_file(const InputConfig& config, const Mapping& mapping,
                                               const Symbols& symbols) {
  ingest::FileSourceOptions options;
  options.name = config.name;
  options.path = config.path;
  options.follow = config.follow;
  if (mapping) options.framing = mapping->framing();
  options.make_decoder =
      [mapping, symbols](std::string_view header) -> std::shared_ptr<ingest::RecordDecoder> {
    if (!mapping) return std::make_shared<ingest::EventDecoder>(symbols, ingest::EventForm::kLines);
    auto decoder = std::make_shared<ingest::MappingDecoder>(mapping, symbols);
    if (!header.empty()) decoder->adopt_header(header);
    return decoder;
  };
  return std::make_unique<ingest::FileSource>(std::move(options));
}

std::unique_ptr<ingest::EventSource> make_kafka(const InputConfig& config, const Mapping& mapping,
                                                const Symbols& symbols,
                                                const std::string& instance) {
  ingest::KafkaSourceOptions options;
  options.name = config.name;
  options.connection = config.kafka;
  options.topics = config.topics;
  options.group = config.group;
  options.instance_id = config.instance.empty() ? fmt::format("tocsin-{}-{}", instance, config.name)
                                                : config.instance;
  options.symbols = symbols;
  if (mapping) {
    options.make_decoder = [mapping, symbols](std::string_view) {
      return std::make_shared<ingest::MappingDecoder>(mapping, symbols);
    };
  }
  return std::make_unique<ingest::KafkaSource>(std::move(options));
}

}  // namespace

bool is_stream_of(const InputConfig& config, std::string_view stream) {
  if (config.type == InputConfig::Type::kFile) return stream == "file/" + config.name;
  constexpr std::string_view kPrefix = "kafka/";
  if (!stream.starts_with(kPrefix)) return false;
  const std::string_view topic = stream.substr(kPrefix.size(), stream.rfind('/') - kPrefix.size());
  return std::any_of(config.topics.begin(), config.topics.end(), [&](const std::string& each) {
    return each == topic || each.starts_with('^');  // a pattern: may be
  });
}

Status check_mapping_fits(const InputConfig& config, const ingest::SourceMapping& mapping) {
  if (config.type != InputConfig::Type::kKafka || !mapping.header_in_file) return Status::ok();
  return invalid(
      "mapping " + config.mapping +
      ": the first row names the columns, but messages of Kafka have no header row; list "
      "the columns in their order, `header: [a, b]`");
}

Result<Input> make_input(const InputConfig& config, const Symbols& symbols,
                         const std::string& instance) {
  const Result<Mapping> mapping = mapping_of(config, symbols);
  if (!mapping) return mapping.error();
  return Input{.reader = config.type == InputConfig::Type::kKafka
                             ? make_kafka(config, *mapping, symbols, instance)
                             : make_file(config, *mapping, symbols),
               .source = *mapping ? (*mapping)->source : std::string()};
}

}  // namespace tocsin::daemon
