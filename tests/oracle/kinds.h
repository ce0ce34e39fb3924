#pragma once

#include <vector>

#include "tests/oracle/said.h"

// What each kind must say of a stream, recomputed from all its events (rules/kinds/README.md).
namespace tocsin::rules::oracle {

std::vector<Said> event_says(const Case& of, const Rule& rule);
std::vector<Said> threshold_says(const Case& of, const Rule& rule);
std::vector<Said> surge_says(const Case& of, const Rule& rule);
std::vector<Said> trend_says(const Case& of, const Rule& rule);
std::vector<Said> index_says(const Case& of, const Rule& rule);
std::vector<Said> divergence_says(const Case& of, const Rule& rule);
std::vector<Said> sequence_says(const Case& of, const Rule& rule);
std::vector<Said> absence_says(const Case& of, const Rule& rule);
std::vector<Said> new_term_says(const Case& of, const Rule& rule);
// Of what the rules over events say.
std::vector<Said> layers_says(const Case& of, const Rule& rule, const std::vector<Said>& alerts);
std::vector<Said> spillover_says(const Case& of, const Rule& rule, const std::vector<Said>& alerts);

// All rules of the bundle.
std::vector<Said> oracle_says(const Case& of);

}  // namespace tocsin::rules::oracle
