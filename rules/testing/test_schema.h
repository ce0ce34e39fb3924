#pragma once

#include "rules/load/schema.h"

namespace tocsin::rules {

// The shape of a test file (format tests/1).
const Schema& rule_test_schema();

}  // namespace tocsin::rules
