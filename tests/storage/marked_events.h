#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "rules/model/arena.h"
#include "rules/model/catalogue.h"
#include "storage/store.h"

// Events and alerts with a marking, for tests of retention by marking.
namespace tocsin::storage::testing {

inline WallTime at_day(int day) { return WallTime(std::chrono::days(day)); }

// Zero: no limit.
Store::ByMarking limits(Milliseconds amber_strict, Milliseconds red);

// The n-th text of that kind, like no other, so that packing leaves it as it is.
std::string unlike(std::string_view what, uint64_t n);

// An event whose texts (`id`, `actor`, `attr` n, `tag` of its marking) are found nowhere else.
Event marked_event(const Catalogue& catalogue, uint64_t n, Tlp tlp, Arena& arena);

// Alert n is marked red when n is even, else clear; its text is `summary` n.
AlertRecord marked_alert(uint64_t alert, uint32_t seq, bool open);
Tlp marking_in(std::string_view json);

}  // namespace tocsin::storage::testing
