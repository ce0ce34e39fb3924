#pragma once

#include <memory>
#include <string>

#include "rules/rule.h"

namespace tocsin::daemon {

// The rules that the store keeps as text (Pipeline's `bundle_text`); nullptr when this program
// cannot compile them any more.
std::shared_ptr<const rules::Bundle> compile_stored(const std::string& serialized);

}  // namespace tocsin::daemon
