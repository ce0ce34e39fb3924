#pragma once

#include <memory>

#include "rules/model/catalogue.h"

namespace tocsin::rules::oracle {

inline constexpr Milliseconds kDay = std::chrono::hours(24);
inline constexpr EventTime kStart = from_ms(1'577'836'800'000);  // 2020-01-01T00:00:00Z

// The catalogue of all streams: three countries in a row, three provinces, three indicators, two
// sources. The third country is one that nothing comes from.
std::shared_ptr<const Catalogue> world();

}  // namespace tocsin::rules::oracle
