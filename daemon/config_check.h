#pragma once

#include "daemon/config.h"
#include "rules/model/catalogue.h"
#include "rules/model/diagnostic.h"

namespace tocsin::daemon {

// Looks into the files that the configuration names, other than rules and catalogue: mappings of
// inputs (codes T04xx), secrets, and what connections to Kafka need (T0508). Adds everything that
// `tocsin run` would refuse in them, and warns of what sinks would miss.
// With a catalogue the names in mappings are checked too.
void check_named_files(const Config& config, const Catalogue* catalogue, Diagnostics& diagnostics);

}  // namespace tocsin::daemon
