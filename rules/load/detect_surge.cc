#include "rules/load/detect.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

struct Test {
  SurgeMethod method = SurgeMethod::kNegativeBinomial;
  double at_least = 0;
};

std::optional<Test> compile_test(RuleScope& scope, const yaml::Node& node, const char* what) {
  const auto word = text_at(node, "method");
  const auto method = word ? parse_method(*word) : std::nullopt;
  if (!method) return std::nullopt;
  const auto surprise = number_at(node, "surprise");
  const auto at_least = number_at(node, "at_least");
  if (surprise.has_value() == at_least.has_value()) {
    scope.error("T0355", node.place,
                std::string(what) + (surprise ? " has both `surprise` and `at_least`"
                                              : " lacks the score to reach"),
                gives_surprise(*method) ? "`surprise: 3.0`" : "`at_least: 3.0`");
    return std::nullopt;
  }
  if (surprise && !gives_surprise(*method)) {
    scope.error("T0355", node.find("surprise")->place,
                "the method `" + *word + "` gives no surprise", "write `at_least`");
    return std::nullopt;
  }
  return Test{*method, surprise ? *surprise : *at_least};
}

bool check_baseline(RuleScope& scope, const yaml::Node& baseline, const SurgeDetect& surge) {
  bool good = true;
  if (surge.min_history > surge.history) {
    const yaml::Node* node = baseline.find("min_history");
    scope.error("T0356", node != nullptr ? node->place : baseline.place,
                "`min_history` (" + std::to_string(surge.min_history) +
                    ") is more than `history` (" + std::to_string(surge.history) +
                    "): the rule could never fire");
    good = false;
  }
  return good;
}

}  // namespace

std::optional<SurgeMethod> parse_method(const std::string& word) {
  if (word == "poisson") return SurgeMethod::kPoisson;
  if (word == "negbin") return SurgeMethod::kNegativeBinomial;
  if (word == "zscore") return SurgeMethod::kZScore;
  if (word == "ratio") return SurgeMethod::kRatio;
  return std::nullopt;
}

bool gives_surprise(SurgeMethod method) {
  return method == SurgeMethod::kPoisson || method == SurgeMethod::kNegativeBinomial;
}

std::optional<Detect> compile_surge(RuleScope& scope, const yaml::Node& detect) {
  const yaml::Node* measure_node = detect.find("measure");
  const yaml::Node* test_node = detect.find("test");
  if (measure_node == nullptr || test_node == nullptr) return std::nullopt;
  auto measure = compile_measure(scope, *measure_node, "k");
  const auto test = compile_test(scope, *test_node, "`test`");
  std::optional<Test> confirm;
  const yaml::Node* confirm_node = detect.find("confirm");
  if (confirm_node != nullptr) confirm = compile_test(scope, *confirm_node, "`confirm`");
  if (!measure || !test || (confirm_node != nullptr && !confirm)) return std::nullopt;

  SurgeDetect surge;
  surge.measure = std::move(*measure);
  surge.method = test->method;
  surge.at_least = test->at_least;
  if (confirm) {
    surge.confirm = confirm->method;
    surge.confirm_at_least = confirm->at_least;
  }
  surge.floor = number_at(detect, "floor").value_or(surge.floor);
  if (const yaml::Node* baseline = detect.find("baseline")) {
    surge.history = static_cast<uint32_t>(int_at(*baseline, "history").value_or(surge.history));
    surge.min_history =
        static_cast<uint32_t>(int_at(*baseline, "min_history").value_or(surge.min_history));
    if (const auto gap = span_at(*baseline, "gap")) {
      const auto panes = panes_in(*gap, surge.measure.every);
      if (!panes) {
        scope.error("T0356", baseline->find("gap")->place,
                    "`gap` is not a multiple of the measure's `every`");
        return std::nullopt;
      }
      surge.gap = static_cast<uint32_t>(*panes);
    }
    surge.robust = bool_at(*baseline, "robust").value_or(surge.robust);
    surge.stable_sources = text_at(*baseline, "sources").value_or("all") == "stable";
    if (!check_baseline(scope, *baseline, surge)) return std::nullopt;
  }
  return surge;
}

}  // namespace tocsin::rules
