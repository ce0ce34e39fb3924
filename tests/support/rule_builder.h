#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "rules/rule.h"

namespace tocsin::testing {

// A rule as the loader would make it, from the same expressions; throws on any error in them.
class RuleBuilder {
 public:
  RuleBuilder(std::shared_ptr<const Catalogue> catalogue, std::string name)
      : catalogue_(std::move(catalogue)) {
    rule_.id = rule_.identity = "test/" + name;
    rule_.package = "test";
    rule_.name = std::move(name);
    rule_.shape = hash128(rule_.id);
    rule_.by = {{.kind = rules::GroupKey::Kind::kRegion,
                 .level = RegionLevel::kAdmin1,
                 .attr = "",
                 .name = "region"}};
  }

  RuleBuilder& select(const std::string& expression) {
    rule_.select = compile(expression, true, {});
    rule_.indicators = rule_.select->analysis().indicators;
    rule_.countries = rule_.select->analysis().countries;
    return *this;
  }
  RuleBuilder& by(std::vector<rules::GroupKey> keys) {
    rule_.by = std::move(keys);
    return *this;
  }
  RuleBuilder& event() {
    rule_.detect = rules::EventDetect{};
    return *this;
  }
  RuleBuilder& measure(std::string name, rules::AggregateKind kind, const std::string& of,
                       Milliseconds window, Milliseconds every, uint32_t min_n = 1) {
    measures_.push_back(make_measure(std::move(name), kind, of, window, every, min_n));
    std::sort(measures_.begin(), measures_.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return *this;
  }
  RuleBuilder& threshold(const std::string& when) {
    const rules::Detect names = rules::ThresholdDetect{measures_, compile("true", false, {})};
    const auto variables = rules::variables_of(rules::RuleKind::kThreshold, names);
    rule_.detect = rules::ThresholdDetect{measures_, compile(when, false, variables)};
    return *this;
  }
  RuleBuilder& surge(rules::SurgeDetect detect, rules::AggregateKind kind, const std::string& of,
                     Milliseconds window, Milliseconds every) {
    detect.measure = make_measure("k", kind, of, window, every, 1);
    rule_.detect = std::move(detect);
    return *this;
  }
  // The detect's own series says panes and points; this, what it takes of events.
  RuleBuilder& trend(rules::TrendDetect detect, rules::AggregateKind kind, const std::string& of) {
    detect.series.name = "series";
    detect.series.aggregate = kind;
    if (!of.empty()) detect.series.of = compile(of, true, {});
    rule_.detect = std::move(detect);
    rule_.emit = rules::Emit::kFinal;
    return *this;
  }
  RuleBuilder& new_term(rules::NewTermDetect detect, const std::vector<std::string>& term) {
    for (const std::string& part : term) detect.term.push_back(compile(part, true, {}));
    rule_.detect = std::move(detect);
    return *this;
  }
  struct Step {
    std::string name;
    std::string select;
    Span within{};
    Span wait{};  // not zero: negated
    bool optional = false;
  };
  RuleBuilder& sequence(const std::vector<Step>& steps, Span span, const std::string& until = "",
                        bool strict = true, bool skip_past_last = true, uint32_t max_open = 16) {
    rules::SequenceDetect detect;
    detect.span = span;
    detect.strict_order = strict;
    detect.skip_past_last = skip_past_last;
    detect.max_open = max_open;
    std::vector<cel::Variable> variables = common();
    for (const Step& step : steps) {
      if (step.wait.is_zero()) variables.push_back({step.name, cel::Type::Tag::kDyn});
    }
    std::optional<std::vector<IndicatorId>> indicators(std::in_place);
    for (const Step& step : steps) {
      const cel::Program program = compile(step.select, true, variables);
      add_indicators(program, indicators);
      detect.steps.push_back({.name = step.name,
                              .select = program,
                              .negated = !step.wait.is_zero(),
                              .optional = step.optional,
                              .within = step.within,
                              .wait = step.wait});
    }
    if (!until.empty()) {
      detect.until = compile(until, true, variables);
      add_indicators(*detect.until, indicators);
    }
    rule_.indicators = indicators;
    rule_.detect = std::move(detect);
    return *this;
  }
  RuleBuilder& absence(rules::AbsenceDetect detect) {
    rule_.detect = std::move(detect);
    rule_.emit = rules::Emit::kFinal;
    return *this;
  }
  RuleBuilder& unless(const std::string& expression) {
    std::get<rules::AbsenceDetect>(rule_.detect).unless = compile(expression, false, own());
    return *this;
  }
  RuleBuilder& level(Level level, const std::string& when = "", const std::string& exit = "",
                     Span hold = {}) {
    const bool has_event = rules::sees_event(rule_.kind());
    rules::LevelSpec spec;
    spec.level = level;
    if (!when.empty()) spec.when = compile(when, has_event, own());
    if (!exit.empty()) spec.exit = compile(exit, has_event, own());
    spec.hold = hold;
    rule_.levels.push_back(std::move(spec));
    return *this;
  }
  RuleBuilder& title(const std::string& language, const std::string& text) {
    cel::Environment environment = scope(rules::sees_event(rule_.kind()), own());
    Diagnostics diagnostics;
    auto compiled = rules::Template::compile(text, {}, environment, diagnostics);
    fail_on(diagnostics, text);
    rule_.titles.emplace(language, std::move(*compiled));
    return *this;
  }
  rules::AlertPolicy& alert() { return rule_.alert; }
  rules::Rule& rule() { return rule_; }
  rules::Rule build() const { return rule_; }

 private:
  static std::vector<cel::Variable> common() {
    return rules::variables_of(rules::RuleKind::kEvent, rules::EventDetect{});
  }
  std::vector<cel::Variable> own() const { return rules::variables_of(rule_.kind(), rule_.detect); }
  cel::Environment scope(bool has_event, std::vector<cel::Variable> variables) const {
    cel::Environment environment;
    environment.catalogue = catalogue_.get();
    environment.has_event = has_event;
    environment.variables = std::move(variables);
    return environment;
  }
  static void fail_on(const Diagnostics& diagnostics, const std::string& source) {
    if (!diagnostics.has_errors()) return;
    throw std::invalid_argument(source + ": " + to_text(diagnostics.all().front()));
  }
  cel::Program compile(const std::string& source, bool has_event,
                       std::vector<cel::Variable> variables) const {
    Diagnostics diagnostics;
    const cel::Environment environment = scope(has_event, std::move(variables));
    auto program = cel::Program::compile(source, {}, environment, diagnostics);
    fail_on(diagnostics, source);
    return *program;
  }
  rules::Measure make_measure(std::string name, rules::AggregateKind kind, const std::string& of,
                              Milliseconds window, Milliseconds every, uint32_t min_n) const {
    rules::Measure measure;
    measure.name = std::move(name);
    measure.aggregate = kind;
    if (!of.empty()) measure.of = compile(of, true, {});
    measure.every = {.exact = every};
    measure.panes = static_cast<uint32_t>(window / every);
    measure.min_n = min_n;
    return measure;
  }
  // Those that either can match; nullopt: any.
  static void add_indicators(const cel::Program& program,
                             std::optional<std::vector<IndicatorId>>& to) {
    if (!program.analysis().indicators) to.reset();
    if (!to) return;
    to->insert(to->end(), program.analysis().indicators->begin(),
               program.analysis().indicators->end());
    std::sort(to->begin(), to->end());
    to->erase(std::unique(to->begin(), to->end()), to->end());
  }

  std::shared_ptr<const Catalogue> catalogue_;
  rules::Rule rule_;
  std::vector<rules::Measure> measures_;
};

inline std::shared_ptr<const rules::Bundle> bundle_of(std::shared_ptr<const Catalogue> catalogue,
                                                      std::vector<rules::Rule> rules) {
  std::sort(rules.begin(), rules.end(),
            [](const rules::Rule& a, const rules::Rule& b) { return a.id < b.id; });
  auto bundle = std::make_shared<rules::Bundle>();
  bundle->catalogue = std::move(catalogue);
  bundle->rules = std::move(rules);
  return bundle;
}

}  // namespace tocsin::testing
