#include "rules/authoring/demands.h"

#include <fmt/format.h>

#include <cmath>

#include "rules/cel/printer.h"

namespace tocsin::rules {

namespace {

using cel::Expr;
using cel::Operator;

std::string both(const std::string& a, const std::string& b) {
  return fmt::format("{} and {} exclude each other", a, b);
}

}  // namespace

std::string Demands::ask_number(const Expr& term, Operator op, double value,
                                const std::string& said) {
  Demand& demand = of(term);
  const bool is_int = term.type.tag() == cel::Type::Tag::kInt;
  const bool is_low = op == Operator::kGreater || op == Operator::kGreaterEqual;
  const bool is_high = op == Operator::kLess || op == Operator::kLessEqual;
  if (op == Operator::kNotEqual) demand.not_numbers.emplace(value, said);
  if (is_low || op == Operator::kEqual) {
    raise(demand.low, {value, op == Operator::kGreater, said}, is_int);
  }
  if (is_high || op == Operator::kEqual) {
    lower(demand.high, {value, op == Operator::kLess, said}, is_int);
  }
  return complaint_of_numbers(demand);
}

std::string Demands::ask_texts(const Expr& term, std::set<std::string> allowed,
                               const std::string& said) {
  Demand& demand = of(term);
  std::string other = demand.texts_said;
  if (demand.texts) {
    std::erase_if(allowed, [&](const std::string& text) { return !demand.texts->contains(text); });
  }
  for (const auto& [text, refusal] : demand.not_texts) {
    if (allowed.erase(text) > 0) other = refusal;
  }
  demand.texts = std::move(allowed);
  demand.texts_said = said;
  if (!demand.texts->empty()) return {};
  return other.empty() ? fmt::format("{} allows no text", said) : both(other, said);
}

std::string Demands::refuse_texts(const Expr& term, const std::set<std::string>& refused,
                                  const std::string& said) {
  Demand& demand = of(term);
  for (const std::string& text : refused) demand.not_texts.emplace(text, said);
  if (!demand.texts) return {};
  std::erase_if(*demand.texts, [&](const std::string& text) { return refused.contains(text); });
  return demand.texts->empty() ? both(demand.texts_said, said) : "";
}

std::string Demands::ask_truth(const Expr& term, bool truth, const std::string& said) {
  Demand& demand = of(term);
  if (demand.truth && *demand.truth != truth) {
    return fmt::format("{} cannot be true and false", said);
  }
  demand.truth = truth;
  return {};
}

Demands::Demand& Demands::of(const Expr& term) {
  const std::string name = cel::print(term);
  const auto [entry, is_new] = demands_.try_emplace(name);
  Demand& demand = entry->second;
  const auto known = known_->find(name);
  if (!is_new || known == known_->end()) return demand;
  const auto [least, most] = known->second;
  if (std::isfinite(least)) {
    demand.low = Side{least, false, fmt::format("`{}` is never below {}", name, least)};
  }
  if (std::isfinite(most)) {
    demand.high = Side{most, false, fmt::format("`{}` is never above {}", name, most)};
  }
  return demand;
}

// Of whole numbers the next one is the bound.
void Demands::raise(std::optional<Side>& low, Side side, bool is_int) {
  if (is_int && side.is_strict) side = {side.value + 1, false, std::move(side.said)};
  const bool is_higher = !low || side.value > low->value ||
                         (side.value == low->value && side.is_strict && !low->is_strict);
  if (is_higher) low = std::move(side);
}

void Demands::lower(std::optional<Side>& high, Side side, bool is_int) {
  if (is_int && side.is_strict) side = {side.value - 1, false, std::move(side.said)};
  const bool is_lower = !high || side.value < high->value ||
                        (side.value == high->value && side.is_strict && !high->is_strict);
  if (is_lower) high = std::move(side);
}

std::string Demands::complaint_of_numbers(const Demand& demand) {
  if (!demand.low || !demand.high) return {};
  const Side& low = *demand.low;
  const Side& high = *demand.high;
  const bool is_point = low.value == high.value;
  if (low.value > high.value || (is_point && (low.is_strict || high.is_strict))) {
    return both(low.said, high.said);
  }
  const auto refused = is_point ? demand.not_numbers.find(low.value) : demand.not_numbers.end();
  return refused == demand.not_numbers.end() ? "" : both(low.said, refused->second);
}

}  // namespace tocsin::rules
