#pragma once

#include "rules/load/schema.h"

namespace tocsin::daemon {

// The configuration file `config/1` as a table: its check and its JSON Schema.
const rules::Schema& config_schema();

}  // namespace tocsin::daemon
