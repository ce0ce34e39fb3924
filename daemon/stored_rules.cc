#include "daemon/stored_rules.h"

#include "rules/load/rule_loader.h"

namespace tocsin::daemon {

std::shared_ptr<const rules::Bundle> compile_stored(const std::string& serialized) {
  const auto text = rules::parse_bundle_text(serialized);
  Diagnostics diagnostics;
  return text ? rules::load_bundle(*text, diagnostics) : nullptr;
}

}  // namespace tocsin::daemon
