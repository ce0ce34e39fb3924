#include "rules/model/check.h"
#include "rules/rule.h"

namespace tocsin::rules {

namespace {

Measure counted(std::string name, AggregateKind kind) {
  Measure measure;
  measure.name = std::move(name);
  measure.aggregate = kind;
  return measure;
}

Template text(std::string_view written, const cel::Environment& environment) {
  Diagnostics diagnostics;
  auto compiled = Template::compile(written, {}, environment, diagnostics);
  TOCSIN_CHECK(compiled.has_value());
  return *std::move(compiled);
}

}  // namespace

Rule overflow_rule() {
  Rule rule;
  rule.id = rule.identity = "tocsin/RuleOverflow";  // no author's, whose names are in kebab-case
  rule.package = "tocsin";
  rule.name = "RuleOverflow";
  rule.driver = Driver::kMonitoring;
  rule.doc.rationale =
      "What a rule refuses it does not watch: that it says nothing of these groups means nothing.";
  rule.doc.false_positives = {"a feed that writes free text into a field that is a group key"};
  rule.doc.response =
      "Whoever keeps the rule: when the refused groups are real, raise the limit or group by less; "
      "when they are junk, mend the feed or leave them out by `select` or an exception.";
  rule.by = {{.kind = GroupKey::Kind::kAttr, .level = {}, .attr = "rule", .name = "rule"}};

  cel::Environment environment;
  environment.variables = {{"events", cel::Type::Tag::kInt}};
  Diagnostics diagnostics;
  auto when = cel::Program::compile("events >= 1", Place{}, environment, diagnostics);
  TOCSIN_CHECK(when.has_value());
  rule.detect = ThresholdDetect{
      {counted("events", AggregateKind::kCount), counted("groups", AggregateKind::kDistinct)},
      *std::move(when)};
  environment.variables = variables_of(rule.kind(), rule.detect);
  rule.levels = {{.level = Level::kWarning, .when = {}, .exit = {}, .hold = {}}};
  rule.alert.hold = {.exact = std::chrono::hours(24)};
  rule.alert.holds_flapping = false;
  rule.titles.emplace("en", text("{{ by.rule }} refuses new groups", environment));
  rule.titles.emplace("fr", text("{{ by.rule }} refuse de nouveaux groupes", environment));
  rule.titles.emplace("ar", text("{{ by.rule }}: ترفض مجموعات جديدة", environment));
  rule.summaries.emplace(
      "en",
      text("{{ events }} events of about {{ groups }} groups were refused at the limit: these "
           "groups are not watched. Those that were there before go on.",
           environment));
  rule.shape = rule.hash = hash128(rule.id);
  return rule;
}

}  // namespace tocsin::rules
