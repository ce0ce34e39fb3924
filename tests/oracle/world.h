#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "rules/rule.h"

namespace tocsin::rules::oracle {

inline constexpr Milliseconds kDay = std::chrono::hours(24);
inline constexpr EventTime kStart = from_ms(1'577'836'800'000);  // 2020-01-01T00:00:00Z

// The catalogue of all streams: three countries in a row, three provinces, three indicators, two
// sources. The third country is one that nothing comes from.
std::shared_ptr<const Catalogue> world();

// All kinds, as each suite over them is instantiated, and how its tests are named.
inline constexpr const char* kKinds[] = {"event",    "threshold",  "surge",    "trend",
                                         "index",    "divergence", "sequence", "absence",
                                         "new_term", "layers",     "spillover"};
inline constexpr auto kKindName = [](const auto& param) { return std::string(param.param); };

// The rules of a kind, by the name of their file in rules/. They load, or all ends.
std::shared_ptr<const Bundle> rules_of(const std::string& kind);

// A number that the environment asks for: TOCSIN_ORACLE_SEED, TOCSIN_ORACLE_COUNT.
std::optional<uint32_t> asked_for(const char* name);

}  // namespace tocsin::rules::oracle
