#include "rules/statistics.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>

namespace tocsin::rules {

namespace {

namespace policies = boost::math::policies;
// Errors become NaN or 0 rather than exceptions; surprise_of() knows what to do with them.
using Quiet = policies::policy<
    policies::domain_error<policies::ignore_error>, policies::pole_error<policies::ignore_error>,
    policies::overflow_error<policies::ignore_error>,
    policies::underflow_error<policies::ignore_error>,
    policies::denorm_error<policies::ignore_error>,
    policies::evaluation_error<policies::ignore_error>, policies::promote_double<false>>;

constexpr double kMostSurprise = 300.0;
constexpr double kMadToSd = 1.4826;  // of a normal distribution
constexpr double kLeastSd = 0.5;     // half a count: below it any change would be a wonder
constexpr double kPseudoCount = 0.5;

double median_of(std::vector<double>& values) {
  const size_t half = values.size() / 2;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(half);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

}  // namespace

Baseline baseline_of(std::span<const double> values, std::vector<double>& scratch) {
  Baseline b;
  b.n = values.size();
  if (values.empty()) return b;
  for (const double x : values) b.sum += x;
  b.mean = b.sum / static_cast<double>(b.n);
  double squares = 0;
  for (const double x : values) squares += (x - b.mean) * (x - b.mean);
  if (b.n > 1) b.sd = std::sqrt(squares / static_cast<double>(b.n - 1));
  scratch.assign(values.begin(), values.end());
  b.median = median_of(scratch);
  scratch.assign(values.begin(), values.end());
  for (double& x : scratch) x = std::abs(x - b.median);
  b.mad = median_of(scratch);
  return b;
}

double negative_binomial_tail(double k, double r, double p) {
  if (!(k > 0)) return 1.0;
  return boost::math::ibeta(k, r, 1.0 - p, Quiet());
}

double surprise_of(double probability) {
  if (std::isnan(probability)) return 0.0;
  if (probability <= 0.0) return kMostSurprise;
  return std::clamp(-std::log10(probability), 0.0, kMostSurprise);
}

double poisson_surprise(double k, const Baseline& baseline) {
  if (baseline.n == 0) return 0.0;
  const auto n = static_cast<double>(baseline.n);
  return surprise_of(
      negative_binomial_tail(k, std::max(baseline.sum, 0.0) + kPseudoCount, n / (n + 1)));
}

double negative_binomial_surprise(double k, const Baseline& baseline) {
  if (baseline.n == 0) return 0.0;
  const double mean =
      (std::max(baseline.sum, 0.0) + kPseudoCount) / static_cast<double>(baseline.n);
  const double variance = baseline.sd * baseline.sd;
  if (variance <= mean) return poisson_surprise(k, baseline);
  return surprise_of(negative_binomial_tail(k, mean * mean / (variance - mean), mean / variance));
}

double z_score(double k, const Baseline& baseline, bool robust) {
  if (baseline.n == 0) return 0.0;
  const double centre = robust ? baseline.median : baseline.mean;
  const double spread = robust ? kMadToSd * baseline.mad : baseline.sd;
  return (k - centre) / std::max(spread, kLeastSd);
}

double ratio_of(double k, const Baseline& baseline) { return (k + 1) / (baseline.mean + 1); }

double theil_sen_slope(std::span<const SeriesPoint> points, std::vector<double>& scratch) {
  scratch.clear();
  for (size_t i = 0; i < points.size(); ++i) {
    for (size_t j = i + 1; j < points.size(); ++j) {
      scratch.push_back((points[j].y - points[i].y) / (points[j].x - points[i].x));
    }
  }
  return scratch.empty() ? 0.0 : median_of(scratch);
}

double least_squares_slope(std::span<const SeriesPoint> points) {
  const auto n = static_cast<double>(points.size());
  double mean_x = 0;
  double mean_y = 0;
  for (const SeriesPoint& point : points) {
    mean_x += point.x / n;
    mean_y += point.y / n;
  }
  double xy = 0;
  double xx = 0;
  for (const SeriesPoint& point : points) {
    xy += (point.x - mean_x) * (point.y - mean_y);
    xx += (point.x - mean_x) * (point.x - mean_x);
  }
  return xx == 0 ? 0.0 : xy / xx;
}

double mann_kendall_p(std::span<const SeriesPoint> points) {
  const size_t n = points.size();
  if (n < 3) return 1.0;
  int64_t s = 0;  // pairs that rise less pairs that fall
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = i + 1; j < n; ++j) {
      s += static_cast<int64_t>(points[j].y > points[i].y) -
           static_cast<int64_t>(points[j].y < points[i].y);
    }
  }
  const auto term = [](double t) { return t * (t - 1) * (2 * t + 5); };
  std::vector<double> sorted(n);
  std::transform(points.begin(), points.end(), sorted.begin(),
                 [](const SeriesPoint& point) { return point.y; });
  std::sort(sorted.begin(), sorted.end());
  double variance = term(static_cast<double>(n));
  for (size_t i = 0, end = 0; i < n; i = end) {
    end = i + 1;
    while (end < n && sorted[end] == sorted[i]) ++end;
    variance -= term(static_cast<double>(end - i));
  }
  variance /= 18;
  if (s == 0 || variance <= 0) return 1.0;
  const double z = (std::abs(static_cast<double>(s)) - 1) / std::sqrt(variance);
  return std::erfc(z / std::sqrt(2.0));
}

double change_in_noise(std::span<const SeriesPoint> points, uint32_t panes, double least,
                       std::vector<double>& scratch) {
  const double change = theil_sen_slope(points, scratch) * panes;
  std::vector<double> steps;
  for (size_t i = 1; i < points.size(); ++i) {
    steps.push_back((points[i].y - points[i - 1].y) / (points[i].x - points[i - 1].x));
  }
  const Baseline noise = baseline_of(steps, scratch);
  const double unit =
      std::max(1.4826 * noise.mad, least) * std::sqrt(static_cast<double>(points.size()));
  if (change == 0) return 0;
  return std::clamp(change / std::max(unit, 1e-12), -kMostNoise, kMostNoise);
}

double score_of(SurgeMethod method, double k, const Baseline& baseline, bool robust) {
  switch (method) {
    case SurgeMethod::kPoisson:
      return poisson_surprise(k, baseline);
    case SurgeMethod::kNegativeBinomial:
      return negative_binomial_surprise(k, baseline);
    case SurgeMethod::kZScore:
      return z_score(k, baseline, robust);
    case SurgeMethod::kRatio:
      return ratio_of(k, baseline);
  }
  return 0.0;
}

}  // namespace tocsin::rules
