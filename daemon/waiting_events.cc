#include "daemon/waiting_events.h"

#include <algorithm>
#include <optional>

#include "rules/pane_grid.h"

namespace tocsin::daemon {
namespace {

using rules::PaneGrid;
using rules::Rule;

// Of kinds that are judged at ticks and count events themselves.
std::optional<Span> distance_of_ticks(const Rule& rule) {
  if (const auto* threshold = std::get_if<rules::ThresholdDetect>(&rule.detect)) {
    return threshold->measures.front().every;
  }
  if (const auto* surge = std::get_if<rules::SurgeDetect>(&rule.detect)) {
    return surge->measure.every;
  }
  if (const auto* trend = std::get_if<rules::TrendDetect>(&rule.detect)) {
    return trend->series.every;
  }
  if (const auto* index = std::get_if<rules::IndexDetect>(&rule.detect)) return index->every;
  return std::nullopt;
}

bool counts(const Rule& rule, const Event& event, Arena& arena) {
  const auto holds = [&](const cel::Program& program) {
    const cel::Outcome outcome = program.run(&event, {}, arena);
    return outcome.ok() && outcome.value.kind() == cel::Kind::kBool && outcome.value.boolean();
  };
  if (rule.select) return holds(*rule.select);
  const auto* index = std::get_if<rules::IndexDetect>(&rule.detect);
  return index != nullptr &&
         std::any_of(index->parts.begin(), index->parts.end(), [&](const rules::IndexPart& part) {
           return part.events && holds(*part.events);
         });
}

}  // namespace

std::vector<WaitingEvents> waiting_events(const History& history, const rules::Bundle& bundle,
                                          EventTime judged_to) {
  std::vector<WaitingEvents> waiting;
  Arena arena;
  for (const Rule& rule : bundle.rules) {
    const auto every = distance_of_ticks(rule);
    if (!every) continue;
    const PaneGrid grid(*every, rule.zone);
    const EventTime last = grid.start_of(judged_to);
    WaitingEvents found{.rule = rule.id, .events = 0, .tick = grid.step(last, 1)};
    history.for_each([&](const Event& event) {
      if (event.time < last) return;
      if (counts(rule, event, arena)) ++found.events;
      arena.reset();
    });
    if (found.events > 0) waiting.push_back(std::move(found));
  }
  return waiting;
}

}  // namespace tocsin::daemon
