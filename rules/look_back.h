#pragma once

#include "rules/model/time.h"
#include "rules/rule.h"

namespace tocsin::rules {

// How far back into the past a rule looks, and so how long it takes to know again what it forgets
// when its state begins anew.
struct LookBack {
  Span reach{};   // the longest span that a decision rests on
  Span silent{};  // no alert can begin before: too little is known until then
  Span tick{};    // from one look of the rule to its next; zero: it looks when something comes
};

LookBack look_back(const Rule& rule);

}  // namespace tocsin::rules
