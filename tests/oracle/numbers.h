#pragma once

#include <utility>
#include <vector>

// The statistics of rules/kinds/README.md, by their definitions.
namespace tocsin::rules::oracle {

using Point = std::pair<double, double>;  // pane, value

double median(std::vector<double> values);
double mean(const std::vector<double>& values);
double sample_variance(const std::vector<double>& values);
// Median of the distances from the median.
double median_deviation(const std::vector<double>& values);

// -log10 of P(X >= k), at most 300, of the past `x`; k is whole.
double poisson_surprise(double k, const std::vector<double>& x);
double negative_binomial_surprise(double k, const std::vector<double>& x);

// Median of the slopes of all pairs.
double theil_sen(const std::vector<Point>& points);
double least_squares(const std::vector<Point>& points);
// Two-sided p of Mann-Kendall's test.
double mann_kendall(const std::vector<Point>& points);
// Slope times panes in units of the noise of the steps, within 10 to both sides.
double change_in_noise(const std::vector<Point>& points, double panes, double least_noise);

}  // namespace tocsin::rules::oracle
