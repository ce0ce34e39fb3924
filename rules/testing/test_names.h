#pragma once

#include <memory>
#include <vector>

#include "rules/model/diagnostic.h"
#include "rules/rule.h"
#include "rules/testing/rule_test.h"

namespace tocsin::rules {

// Refuses what a test expects of a rule that none of the bundles has, or of a key that the rule
// does not group by: it could never be so.
void check_test_names(const RuleTest& test,
                      const std::vector<std::shared_ptr<const Bundle>>& bundles,
                      Diagnostics& diagnostics);

}  // namespace tocsin::rules
