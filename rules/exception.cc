#include "rules/exception.h"

namespace tocsin::rules {

const Exception* exception_for(const Rule& rule, const Event& event, Arena& arena) {
  for (const Exception& exception : rule.exceptions) {
    if (event.time >= exception.until) continue;
    for (const cel::Program& item : exception.items) {
      const cel::Outcome outcome = item.run(&event, {}, arena);
      if (!outcome.ok() || outcome.value.kind() != cel::Kind::kBool) continue;
      if (outcome.value.boolean()) return &exception;
    }
  }
  return nullptr;
}

}  // namespace tocsin::rules
