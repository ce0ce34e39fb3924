#include "tests/oracle/numbers.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace tocsin::rules::oracle {

namespace {

// P(X >= k), X ~ NB(r, p), one probability after the other.
double tail(double k, double r, double p) {
  if (k <= 0) return 1;
  const double log_first = std::lgamma(k + r) - std::lgamma(k + 1) - std::lgamma(r) +
                           r * std::log(p) + k * std::log1p(-p);
  double term = 1;  // in units of the first
  double sum = 0;
  for (double x = k; term > 1e-17 * sum; ++x) {
    sum += term;
    term *= (x + r) / (x + 1) * (1 - p);
  }
  return std::exp(log_first + std::log(sum));
}

double surprise(double probability) {
  return probability <= 0 ? 300 : std::clamp(-std::log10(probability), 0.0, 300.0);
}

double total(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double mean(const std::vector<double>& values) {
  return values.empty() ? 0 : total(values) / static_cast<double>(values.size());
}

double sample_variance(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  double sum = 0;
  for (const double value : values) sum += (value - mean(values)) * (value - mean(values));
  return sum / static_cast<double>(values.size() - 1);
}

double median_deviation(const std::vector<double>& values) {
  std::vector<double> distances;
  for (const double value : values) distances.push_back(std::abs(value - median(values)));
  return median(distances);
}

double poisson_surprise(double k, const std::vector<double>& x) {
  const auto n = static_cast<double>(x.size());
  return surprise(tail(k, total(x) + 0.5, n / (n + 1)));
}

double negative_binomial_surprise(double k, const std::vector<double>& x) {
  const double m = (total(x) + 0.5) / static_cast<double>(x.size());
  const double v = sample_variance(x);
  if (v <= m) return poisson_surprise(k, x);
  return surprise(tail(k, m * m / (v - m), m / v));
}

double theil_sen(const std::vector<Point>& points) {
  std::vector<double> slopes;
  for (size_t i = 0; i < points.size(); ++i) {
    for (size_t j = i + 1; j < points.size(); ++j) {
      slopes.push_back((points[j].second - points[i].second) / (points[j].first - points[i].first));
    }
  }
  return median(slopes);
}

double least_squares(const std::vector<Point>& points) {
  std::vector<double> x, y;
  for (const Point& point : points) {
    x.push_back(point.first);
    y.push_back(point.second);
  }
  double above = 0, below = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    above += (x[i] - mean(x)) * (y[i] - mean(y));
    below += (x[i] - mean(x)) * (x[i] - mean(x));
  }
  return above / below;
}

double mann_kendall(const std::vector<Point>& points) {
  const auto n = static_cast<double>(points.size());
  double s = 0;
  std::map<double, double> ties;
  for (size_t i = 0; i < points.size(); ++i) {
    ++ties[points[i].second];
    for (size_t j = i + 1; j < points.size(); ++j) {
      s += points[j].second > points[i].second ? 1 : points[j].second < points[i].second ? -1 : 0;
    }
  }
  double variance = n * (n - 1) * (2 * n + 5);
  for (const auto& [value, t] : ties) variance -= t * (t - 1) * (2 * t + 5);
  if (s == 0) return 1;
  const double z = (std::abs(s) - 1) / std::sqrt(variance / 18);
  return std::erfc(z / std::sqrt(2.0));
}

double change_in_noise(const std::vector<Point>& points, double panes, double least_noise) {
  std::vector<double> steps;
  for (size_t i = 1; i < points.size(); ++i) {
    steps.push_back((points[i].second - points[i - 1].second) /
                    (points[i].first - points[i - 1].first));
  }
  const double change = theil_sen(points) * panes;
  if (change == 0) return 0;
  const double noise = std::max(1.4826 * median_deviation(steps), least_noise) *
                       std::sqrt(static_cast<double>(points.size()));
  return std::clamp(change / std::max(noise, 1e-12), -10.0, 10.0);
}

}  // namespace tocsin::rules::oracle
