#include "rules/look_back.h"

#include <algorithm>

namespace tocsin::rules {

namespace {

Span times(Span pane, int64_t n) {
  return {.exact = pane.exact * n, .months = static_cast<int>(pane.months * n)};
}

Span longer(Span a, Span b) { return longest(a) < longest(b) ? b : a; }

// Milliseconds when one of them is exact: a reader wants one figure.
Span sum(Span a, Span b) {
  if (a.is_calendar() && b.is_calendar()) return {.months = a.months + b.months};
  return {.exact = longest(a) + longest(b)};
}

// One event is all there is to know.
LookBack of(const EventDetect& /*detect*/) { return {}; }

LookBack of(const ThresholdDetect& detect) {
  LookBack result;
  for (const Measure& measure : detect.measures) {
    result.reach = longer(result.reach, times(measure.every, measure.panes));
    result.tick = longer(result.tick, measure.every);
  }
  return result;
}

LookBack of(const SurgeDetect& detect) {
  const auto windows = [&](int64_t n) {
    return times(detect.measure.every, n * detect.measure.panes + detect.gap);
  };
  return {.reach = windows(int64_t{detect.history} + 1),
          .silent = windows(int64_t{detect.min_history} + 1),
          .tick = detect.measure.every};
}

LookBack of(const TrendDetect& detect) {
  return {.reach = times(detect.series.every, detect.series.panes),
          .silent = times(detect.series.every, detect.min_points),
          .tick = detect.series.every};
}

LookBack of(const SequenceDetect& detect) { return {.reach = detect.span}; }

// A key that is learned must be seen for a while before it can be missed.
LookBack of(const AbsenceDetect& detect) {
  Span silent = sum(detect.every, detect.grace);
  if (detect.learn) silent = sum(*detect.learn, silent);
  return {.reach = silent, .silent = silent};
}

// Ten half-lives leave a thousandth.
LookBack of(const IndexDetect& detect) {
  LookBack result{.tick = detect.every};
  for (const IndexPart& part : detect.parts) {
    result.reach = longer(result.reach, {.exact = part.half_life * 10});
  }
  return result;
}

LookBack of(const DivergenceDetect& detect) {
  return {.reach = times(detect.pane, detect.panes),
          .silent = times(detect.pane, detect.min_points),
          .tick = detect.pane};
}

LookBack of(const LayersDetect& detect) {
  return {.reach = detect.window, .silent = detect.min_overlap, .tick = detect.every};
}

// What presses now.
LookBack of(const SpilloverDetect& detect) { return {.reach = detect.every, .tick = detect.every}; }

LookBack of(const NewTermDetect& detect) {
  return {.reach = detect.history, .silent = detect.learn_for.value_or(Span{})};
}

}  // namespace

LookBack look_back(const Rule& rule) {
  return std::visit([](const auto& detect) { return of(detect); }, rule.detect);
}

}  // namespace tocsin::rules
