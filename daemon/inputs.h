#pragma once

#include <memory>

#include "daemon/config.h"
#include "ingest/event_source.h"
#include "ingest/symbols.h"
#include "rules/model/result.h"

namespace tocsin::daemon {

// Makes the input that the configuration describes; not started. kInvalid when its mapping does not
// load (with all its problems) or its options are wrong.
Result<std::unique_ptr<ingest::EventSource>> make_input(
    const InputConfig& config, const std::shared_ptr<const ingest::CurrentSymbols>& symbols);

}  // namespace tocsin::daemon
