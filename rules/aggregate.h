#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "rules/cel/value.h"
#include "rules/rule.h"

namespace tocsin::rules {

__extension__ typedef __int128 int128;  // NOLINT(modernize-use-using): needs __extension__

// `value` in units of 1e-9, exact for whole numbers and to 1e-9 otherwise. |value| <= kMaxValue.
int128 to_units(double value);
double from_units(int128 units);

// Distinct values of one pane as sorted 64-bit hashes, with how often each came.
//
// Exact up to kMost values; beyond, the kMost smallest hashes are kept, so that what is kept does
// not depend on the order of arrival.
class DistinctSet {
 public:
  struct Entry {
    uint64_t hash;
    uint32_t times;
  };
  static constexpr size_t kMost = 4096;

  void add(uint64_t hash, uint32_t times = 1);
  void merge(const DistinctSet& other);
  void clear() { entries_.clear(); }
  size_t size() const { return entries_.size(); }
  const std::vector<Entry>& entries() const { return entries_; }
  std::vector<Entry>& entries() { return entries_; }

 private:
  std::vector<Entry> entries_;
};

// All that a measure may ask of a set of values; the order of adding does not matter.
struct Accumulator {
  int128 sum = 0;
  uint64_t n = 0;
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  DistinctSet distinct;

  void add(double value) {
    sum += to_units(value);
    ++n;
    min = std::min(min, value);
    max = std::max(max, value);
  }
  void merge(const Accumulator& other, AggregateKind kind);
  void clear();
  // nullopt: undefined (mean of fewer than `min_n`, min and max of none).
  std::optional<double> result(AggregateKind kind, uint32_t min_n) const;
};

// A number out of a CEL value; nullopt when it is none within ±kMaxValue.
std::optional<double> number_of(const cel::Value& value);
// The hash that tells values of `distinct` apart.
uint64_t hash_of(const cel::Value& value);

}  // namespace tocsin::rules
