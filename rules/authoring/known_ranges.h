#pragma once

#include "rules/authoring/why_never.h"
#include "rules/rule.h"

namespace tocsin::rules {

// Ranges of an event's own numbers, among the events that the rule can select.
KnownRanges ranges_of_event(const Catalogue& catalogue, const Rule& rule);

// Ranges of the variables that `when` and levels see: a count is not below 0, and not more sources
// can be counted than there are to send.
KnownRanges ranges_of_variables(const Catalogue& catalogue, const Rule& rule);

// What the rule's kind asks for before any level counts, beside a `when`: the score of a surge, the
// slope of a trend.
KnownRanges ranges_of_kind(const Rule& rule);

}  // namespace tocsin::rules
