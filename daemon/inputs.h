#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "daemon/config.h"
#include "ingest/event_source.h"
#include "ingest/source_mapping.h"
#include "ingest/symbols.h"
#include "rules/model/result.h"

namespace tocsin::daemon {

struct Input {
  std::unique_ptr<ingest::EventSource> reader;
  std::string source;  // that its mapping names; empty: the events name theirs
};

// Makes the input that the configuration describes; not started. kInvalid when its mapping does not
// load (with all its problems) or its options are wrong. `instance` names the data folder for good:
// a Kafka consumer is known by it, so that a restart, also after a kill, takes its partitions back
// at once instead of waiting for the session of its predecessor to run out.
Result<Input> make_input(const InputConfig& config,
                         const std::shared_ptr<const ingest::CurrentSymbols>& symbols,
                         const std::string& instance);

// Whether the input reads that stream: "file/NAME", "kafka/TOPIC/PARTITION".
bool is_stream_of(const InputConfig& config, std::string_view stream);
// Whether the input can be read with that mapping, which has loaded; kInvalid says why not.
Status check_mapping_fits(const InputConfig& config, const ingest::SourceMapping& mapping);

}  // namespace tocsin::daemon
