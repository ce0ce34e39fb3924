#pragma once

#include "rules/model/arena.h"
#include "rules/model/event.h"
#include "rules/rule.h"

namespace tocsin::rules {

// The exception of the rule that leaves the event out; nullptr when none does.
const Exception* exception_for(const Rule& rule, const Event& event, Arena& arena);

}  // namespace tocsin::rules
