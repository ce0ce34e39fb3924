#include "rules/aggregate.h"

#include <cmath>
#include <cstring>

#include "rules/cel/program.h"
#include "rules/model/hash.h"

namespace tocsin::rules {

namespace {
constexpr int64_t kUnitsPerOne = 1'000'000'000;
}

int128 to_units(double value) {
  const double whole = std::trunc(value);
  return int128{static_cast<int64_t>(whole)} * kUnitsPerOne +
         int128{static_cast<int64_t>(std::nearbyint((value - whole) * 1e9))};
}

double from_units(int128 units) {
  const int128 whole = units / kUnitsPerOne;
  const auto rest = static_cast<int64_t>(units - whole * kUnitsPerOne);
  return static_cast<double>(whole) + static_cast<double>(rest) / 1e9;
}

void DistinctSet::add(uint64_t hash, uint32_t times) {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), hash,
                                   [](const Entry& e, uint64_t h) { return e.hash < h; });
  if (at != entries_.end() && at->hash == hash) {
    at->times += times;
    return;
  }
  if (entries_.size() == kMost) {
    if (at == entries_.end()) return;
    entries_.insert(at, {hash, times});
    entries_.pop_back();
    return;
  }
  entries_.insert(at, {hash, times});
}

void DistinctSet::merge(const DistinctSet& other) {
  for (const Entry& entry : other.entries_) add(entry.hash, entry.times);
}

void Accumulator::merge(const Accumulator& other, AggregateKind kind) {
  n += other.n;
  switch (kind) {
    case AggregateKind::kCount:
      return;
    case AggregateKind::kSum:
    case AggregateKind::kMean:
      sum += other.sum;
      return;
    case AggregateKind::kMin:
      min = std::min(min, other.min);
      return;
    case AggregateKind::kMax:
      max = std::max(max, other.max);
      return;
    case AggregateKind::kDistinct:
      distinct.merge(other.distinct);
      return;
  }
}

void Accumulator::clear() {
  sum = 0;
  n = 0;
  min = std::numeric_limits<double>::infinity();
  max = -std::numeric_limits<double>::infinity();
  distinct.clear();
}

std::optional<double> Accumulator::result(AggregateKind kind, uint32_t min_n) const {
  switch (kind) {
    case AggregateKind::kCount:
      return static_cast<double>(n);
    case AggregateKind::kSum:
      return from_units(sum);
    case AggregateKind::kMean:
      if (n == 0 || n < min_n) return std::nullopt;
      return from_units(sum) / static_cast<double>(n);
    case AggregateKind::kMin:
      if (n == 0) return std::nullopt;
      return min;
    case AggregateKind::kMax:
      if (n == 0) return std::nullopt;
      return max;
    case AggregateKind::kDistinct:
      return static_cast<double>(distinct.size());
  }
  return std::nullopt;
}

std::optional<double> number_of(const cel::Value& value) {
  double number = 0;
  switch (value.kind()) {
    case cel::Kind::kInt:
      number = static_cast<double>(value.integer());
      break;
    case cel::Kind::kUint:
      number = static_cast<double>(value.unsigned_integer());
      break;
    case cel::Kind::kDouble:
      number = value.real();
      break;
    default:
      return std::nullopt;
  }
  if (!(std::abs(number) <= kMaxValue)) return std::nullopt;  // also NaN
  return number;
}

uint64_t hash_of(const cel::Value& value) {
  if (value.kind() == cel::Kind::kString) return hash128(value.text()).low;
  if (const auto number = number_of(value)) {  // 1, 1u and 1.0 are equal in CEL
    char bytes[sizeof(double)];
    const double canonical = *number == 0.0 ? 0.0 : *number;  // -0.0
    std::memcpy(bytes, &canonical, sizeof bytes);
    return hash128({bytes, sizeof bytes}, 1).low;
  }
  return hash128(cel::to_json(value), 2).low;
}

}  // namespace tocsin::rules
