#include "rules/hyperloglog.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <string_view>

namespace tocsin::rules {

namespace {

constexpr int kBits = 64;  // that ranks are counted in

double sigma(double x) {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double y = 1;
  double sum = x;
  for (double before = -1; before != sum;) {
    x *= x;
    before = sum;
    sum += x * y;
    y += y;
  }
  return sum;
}

double tau(double x) {
  if (x == 0 || x == 1) return 0;
  double y = 1;
  double sum = 1 - x;
  for (double before = -1; before != sum;) {
    x = std::sqrt(x);
    before = sum;
    y *= 0.5;
    sum -= (1 - x) * (1 - x) * y;
  }
  return sum / 3;
}

}  // namespace

void HyperLogLog::add(Hash128 hash) {
  if (registers_.empty()) registers_.resize(kRegisters);
  uint8_t& rank = registers_[hash.low % kRegisters];
  rank = std::max(rank, static_cast<uint8_t>(std::countl_zero(hash.high) + 1));
}

double HyperLogLog::estimate() const {
  if (registers_.empty()) return 0;
  std::array<double, kBits + 2> count{};  // of registers, by rank
  for (const uint8_t rank : registers_) ++count[rank];
  constexpr auto kAll = static_cast<double>(kRegisters);
  double z = kAll * tau(1 - count[kBits + 1] / kAll);
  for (size_t rank = kBits; rank >= 1; --rank) z = 0.5 * (z + count[rank]);
  z += kAll * sigma(count[0] / kAll);
  return kAll * kAll / (2 * std::log(2.0) * z);
}

void HyperLogLog::write(ByteWriter& to) const {
  to.text({reinterpret_cast<const char*>(registers_.data()), registers_.size()});
}

void HyperLogLog::read(ByteReader& from) {
  const std::string_view bytes = from.text();
  registers_.assign(bytes.begin(), bytes.end());
  if (registers_.empty()) return;
  registers_.resize(kRegisters);
  for (uint8_t& rank : registers_) rank = std::min<uint8_t>(rank, kBits + 1);
}

}  // namespace tocsin::rules
