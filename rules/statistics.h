#pragma once

#include <span>
#include <vector>

#include "rules/rule.h"

// How unusual a number is against its own past (rules/kinds/README.md has the formulas).
namespace tocsin::rules {

struct Baseline {
  double mean = 0;
  double sd = 0;  // sample
  double median = 0;
  double mad = 0;  // median absolute deviation, not scaled
  double sum = 0;
  size_t n = 0;
};

// `scratch` is only there to save allocations.
Baseline baseline_of(std::span<const double> values, std::vector<double>& scratch);

// P(X >= k) of a negative binomial with size r and success probability p: the regularised
// incomplete beta I_{1-p}(k, r); 1 for k <= 0.
double negative_binomial_tail(double k, double r, double p);

// -log10 of a probability, within 0..300.
double surprise_of(double probability);

// Posterior predictive of a Poisson rate under the Jeffreys prior.
double poisson_surprise(double k, const Baseline& baseline);
// Moment-fitted; falls back to poisson_surprise when the past is not overdispersed.
double negative_binomial_surprise(double k, const Baseline& baseline);
double z_score(double k, const Baseline& baseline, bool robust);
double ratio_of(double k, const Baseline& baseline);

// A value at a place on the time axis, counted in panes.
struct SeriesPoint {
  double x = 0;
  double y = 0;
};

// Change of y a pane; 0 for fewer than two points. Theil-Sen: the median of the slopes of all pairs
// (Sen 1968), which a third of the points can be wrong in. `scratch` is only there to save
// allocations.
double theil_sen_slope(std::span<const SeriesPoint> points, std::vector<double>& scratch);
double least_squares_slope(std::span<const SeriesPoint> points);

// Two-sided p of the Mann-Kendall test for a trend: how likely points in any order would be as
// ordered as these. Normal approximation with correction for continuity and ties (Gilbert 1987,
// chapter 16); 1 for fewer than three points.
double mann_kendall_p(std::span<const SeriesPoint> points);

// How far a series moves over `panes`, in units of its own noise: Theil-Sen's slope times panes,
// against 1.4826 MAD of the steps between neighbours, or `least` if that is more, times the root of
// their number; within ±kMostNoise, which a series without noise reaches at once.
inline constexpr double kMostNoise = 10;
double change_in_noise(std::span<const SeriesPoint> points, uint32_t panes, double least,
                       std::vector<double>& scratch);

double score_of(SurgeMethod method, double k, const Baseline& baseline, bool robust);

}  // namespace tocsin::rules
