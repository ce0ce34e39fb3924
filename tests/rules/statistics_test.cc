#include "rules/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tocsin::rules {
namespace {

// Expected numbers: mpmath with 80 to 250 digits, 1 - sum_{i<k} Γ(r+i)/(Γ(r) i!) p^r (1-p)^i, so
// without the incomplete beta function that the code uses.
TEST(NegativeBinomialTail, AgreesWithDirectSummation) {
  struct Row {
    double k, r, p, tail;
  };
  for (const Row& row :
       {Row{1, 0.5, 8.0 / 9, 0.057190958417936634}, Row{9, 20.5, 20.0 / 21, 4.4826182200302515e-6},
        Row{5, 3, 0.25, 0.75640869140625}, Row{40, 2.25, 0.3, 1.3929896999930682e-5}}) {
    EXPECT_NEAR(negative_binomial_tail(row.k, row.r, row.p) / row.tail, 1.0, 1e-11)
        << "k=" << row.k << " r=" << row.r << " p=" << row.p;
  }
  EXPECT_EQ(negative_binomial_tail(0, 2, 0.5), 1.0);
}

TEST(Surprise, KeepsItsDigitsFarOutInTheTail) {
  EXPECT_NEAR(surprise_of(negative_binomial_tail(100, 26.5, 26.0 / 27)), 117.091614091814, 1e-8);
  EXPECT_EQ(surprise_of(0.0), 300.0);
  EXPECT_EQ(surprise_of(1.0), 0.0);
}

constexpr double kPast[] = {0, 3, 1, 0, 7, 2, 0, 1, 5, 0};  // mean 1.9, variance 5.877778

Baseline past() {
  std::vector<double> scratch;
  return baseline_of(kPast, scratch);
}

TEST(BaselineOf, HasSampleMomentsMedianAndMad) {
  const Baseline b = past();
  EXPECT_DOUBLE_EQ(b.mean, 1.9);
  EXPECT_DOUBLE_EQ(b.sd, 2.4244128727957575);
  EXPECT_DOUBLE_EQ(b.median, 1.0);
  EXPECT_DOUBLE_EQ(b.mad, 1.0);
}

// Same computation with r = m'^2/(v-m'), p = m'/v, m' = (sum + 0.5)/n; and the Poisson predictive.
TEST(SurpriseScores, AgreeWithDirectSummation) {
  struct Row {
    double k, negbin, poisson;
  };
  for (const Row& row :
       {Row{6, 1.07265010183875, 1.69946414137605}, Row{12, 2.13074434633429, 5.15278174353498},
        Row{20, 3.53745848094163, 10.8702752303262}}) {
    EXPECT_NEAR(negative_binomial_surprise(row.k, past()), row.negbin, 1e-10) << row.k;
    EXPECT_NEAR(poisson_surprise(row.k, past()), row.poisson, 1e-10) << row.k;
  }
}

TEST(SurpriseScores, ANonOverdispersedPastIsPoisson) {
  const double even[] = {2, 2, 2, 2, 2, 2};
  std::vector<double> scratch;
  const Baseline b = baseline_of(even, scratch);
  EXPECT_EQ(negative_binomial_surprise(7, b), poisson_surprise(7, b));
}

TEST(SurpriseScores, NothingAgainstNothingIsNoSurprise) {
  const double zeros[] = {0, 0, 0, 0, 0, 0, 0, 0};
  std::vector<double> scratch;
  const Baseline b = baseline_of(zeros, scratch);
  EXPECT_EQ(negative_binomial_surprise(0, b), 0.0);
  EXPECT_EQ(ratio_of(0, b), 1.0);
  EXPECT_EQ(z_score(0, b, true), 0.0);
  EXPECT_LT(negative_binomial_surprise(1, b), 1.3);  // P(X >= 1) = 0.057
}

TEST(ZScore, NeverDividesByLessThanHalfACount) {
  const double even[] = {2, 2, 2, 2};
  std::vector<double> scratch;
  EXPECT_DOUBLE_EQ(z_score(5, baseline_of(even, scratch), true), 6.0);
  EXPECT_NEAR(z_score(6, past(), true), 5.0 / 1.4826, 1e-12);
  EXPECT_NEAR(z_score(6, past(), false), 4.1 / 2.4244128727957575, 1e-12);
}

// Expected numbers: Python's `statistics.median` over the slopes of `itertools.combinations`, the
// textbook sums, and `math.erfc` over Gilbert's formulas 16.1 to 16.3; no code in common.
TEST(Slope, AgreesWithSlopesOfAllPairsAndTextbookSums) {
  struct Row {
    const char* name;
    std::vector<SeriesPoint> points;
    double theil_sen;
    double least_squares;
    double p;
  };
  const Row rows[] = {
      {"falls steadily",
       {{0, 50}, {1, 48}, {2, 46}, {3, 44}, {4, 42}, {5, 40}, {6, 38}, {7, 36}, {8, 34}, {9, 32}},
       -2.0,
       -2.0,
       8.303070332644999e-05},
      {"has gaps",
       {{0, 5}, {1, 4.5}, {4, 4}, {5, 4.25}, {9, 2}},
       -0.28125,
       -0.30118110236220474,
       0.08641073297370007},
      {"has an outlier",
       {{0, 1}, {1, 2}, {2, 3}, {3, 100}, {4, 5}, {5, 6}},
       1.0,
       3.742857142857143,
       0.06028917399060213},
      {"has ties",
       {{0, 3}, {1, 3}, {2, 2}, {3, 2}, {4, 2}, {5, 1}, {6, 1}, {7, 1}},
       -1.0 / 3,
       -0.32142857142857145,
       0.008071487425268021},
      {"is flat", {{0, 7}, {1, 7}, {2, 7}, {3, 7}}, 0, 0, 1},
      {"goes up and down", {{0, 1}, {1, 3}, {2, 2}, {3, 3}, {4, 1}}, 0, 0, 1},
      {"is one point", {{3, 1}}, 0, 0, 1},
      {"is empty", {}, 0, 0, 1},
  };
  std::vector<double> scratch;
  for (const Row& row : rows) {
    EXPECT_NEAR(theil_sen_slope(row.points, scratch), row.theil_sen, 1e-12) << row.name;
    EXPECT_NEAR(least_squares_slope(row.points), row.least_squares, 1e-12) << row.name;
    EXPECT_NEAR(mann_kendall_p(row.points), row.p, 1e-12) << row.name;
  }
}

}  // namespace
}  // namespace tocsin::rules
