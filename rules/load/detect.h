#pragma once

#include <optional>

#include "rules/load/rule_scope.h"

// One function a kind: the `detect` block, typed and compiled. nullopt when it cannot be used; why
// has been told.
namespace tocsin::rules {

std::optional<Detect> compile_threshold(RuleScope& scope, const yaml::Node& detect);
std::optional<Detect> compile_surge(RuleScope& scope, const yaml::Node& detect);
std::optional<Detect> compile_trend(RuleScope& scope, const yaml::Node& detect);
std::optional<Detect> compile_sequence(RuleScope& scope, const yaml::Node& detect);
// `by` decides what a roster's items must be.
std::optional<Detect> compile_absence(RuleScope& scope, const yaml::Node& detect,
                                      const std::vector<GroupKey>& by);
// `by` decides whether a group has a parent.
std::optional<Detect> compile_new_term(RuleScope& scope, const yaml::Node& detect,
                                       const std::vector<GroupKey>& by);

// These read signals and, in an index, select events by their parts.
std::optional<Detect> compile_index(RuleScope& scope, const yaml::Node& detect);
std::optional<Detect> compile_divergence(RuleScope& scope, const yaml::Node& detect);

// These look at alerts; `by` must be one region.
std::optional<Detect> compile_layers(RuleScope& scope, const yaml::Node& detect,
                                     const std::vector<GroupKey>& by);
std::optional<Detect> compile_spillover(RuleScope& scope, const yaml::Node& detect,
                                        const std::vector<GroupKey>& by);

// Where numbers are taken of events that `select` has let through; optional fields may be read
// freely: an event without them is left out of the measure.
cel::Environment value_environment(RuleScope& scope, const cel::Program& select);

// A measure of a threshold or surge.
std::optional<Measure> compile_measure(RuleScope& scope, const yaml::Node& node,
                                       const std::string& name);

// Where what is taken of an event is compiled. It may read optional fields freely: the kinds say
// what becomes of an event without them.
cel::Environment value_environment(RuleScope& scope);

// What it takes of each event: `agg`, `of` and `min_n` into the measure. False when it was refused.
bool compile_value(RuleScope& scope, const yaml::Node& node, Measure& measure);

// Method of a surge and the score it asks for, from `test` and `confirm`.
std::optional<SurgeMethod> parse_method(const std::string& word);
// Whether scores of the method are -log10 of a probability.
bool gives_surprise(SurgeMethod method);

}  // namespace tocsin::rules
