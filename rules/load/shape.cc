#include "rules/load/shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

namespace tocsin::rules {

namespace {

void add(std::string& out, std::string_view key, std::string_view value) {
  out += fmt::format("{}={}:{}\n", key, value.size(), value);
}

void add_program(RuleScope& scope, std::string& out, std::string_view key,
                 const std::optional<cel::Program>& program) {
  add(out, key, program ? scope.canonical(program->source()) : "");
}

// Of some panes: milliseconds, or months.
std::string length(Span pane, int64_t panes) {
  if (pane.is_calendar()) return fmt::format("{}mo", panes * pane.months);
  return std::to_string(panes * pane.exact.count());
}

void add_measure(RuleScope& scope, std::string& out, const Measure& measure) {
  add(out, "measure", measure.name);
  add(out, "agg", std::to_string(static_cast<int>(measure.aggregate)));
  add_program(scope, out, "of", measure.of);
  add(out, "window",
      fmt::format("{}/{}", length(measure.every, measure.panes), length(measure.every, 1)));
}

void add_detect(RuleScope& /*scope*/, std::string& /*out*/, const EventDetect& /*detect*/) {}

void add_detect(RuleScope& scope, std::string& out, const ThresholdDetect& detect) {
  for (const Measure& measure : detect.measures) add_measure(scope, out, measure);
}

void add_detect(RuleScope& scope, std::string& out, const SurgeDetect& detect) {
  add_measure(scope, out, detect.measure);
  add(out, "baseline",
      fmt::format("{} {} {}", detect.history, length(detect.measure.every, detect.gap),
                  detect.stable_sources));
}

void add_detect(RuleScope& scope, std::string& out, const SequenceDetect& detect) {
  for (const SequenceStep& step : detect.steps) {
    add(out, "step", step.name);
    add_program(scope, out, "select", step.select);
    add(out, "time",
        fmt::format("{} {} {} {}", step.negated, step.optional, format_span(step.within),
                    format_span(step.wait)));
  }
  add_program(scope, out, "until", detect.until);
  add(out, "match",
      fmt::format("{} {} {} {}", format_span(detect.span), detect.strict_order,
                  detect.skip_past_last, detect.max_open));
}

void add_detect(RuleScope& scope, std::string& out, const AbsenceDetect& detect) {
  add(out, "expect",
      fmt::format("{} {} {}", detect.at_least, format_span(detect.every),
                  format_span(detect.grace)));
  for (const std::string& key : detect.roster) add(out, "roster", key);
  add(out, "learn",
      fmt::format("{} {}", detect.learn ? format_span(*detect.learn) : "",
                  detect.forget ? format_span(*detect.forget) : ""));
  add_program(scope, out, "unless", detect.unless);
}

void add_detect(RuleScope& scope, std::string& out, const TrendDetect& detect) {
  add_measure(scope, out, detect.series);
}

// Not the limit: what was learned in years is worth more than the same terms at it.
void add_detect(RuleScope& scope, std::string& out, const NewTermDetect& detect) {
  for (const cel::Program& part : detect.term) add_program(scope, out, "term", part);
  add(out, "history", format_span(detect.history));
  add(out, "learn",
      fmt::format("{} {}", detect.learn_for ? format_span(*detect.learn_for) : "",
                  detect.learn_events.value_or(0)));
  add(out, "missing_field", std::to_string(static_cast<int>(detect.missing_is_term)));
}

// Weights, scales and what is combined how decide nothing that is kept.
void add_detect(RuleScope& scope, std::string& out, const IndexDetect& detect) {
  add(out, "every", format_span(detect.every));
  for (const IndexPart& part : detect.parts) {
    add(out, "part", part.name);
    add_program(scope, out, "events", part.events);
    add_program(scope, out, "of", part.of);
    add(out, "half life", std::to_string(part.half_life.count()));
  }
}

void add_detect(RuleScope& /*scope*/, std::string& out, const DivergenceDetect& detect) {
  add(out, "pane", format_span(detect.pane));
}

// Their groups keep nothing but the alert.
void add_detect(RuleScope& /*scope*/, std::string& out, const LayersDetect& detect) {
  add(out, "every", format_span(detect.every));
}

void add_detect(RuleScope& /*scope*/, std::string& out, const SpilloverDetect& detect) {
  add(out, "every", format_span(detect.every));
}

void add_key(std::string& out, const GroupKey& key) {
  add(out, "by",
      fmt::format("{} {} {}", static_cast<int>(key.kind), static_cast<int>(key.level), key.attr));
}

void add_arming(RuleScope& scope, std::string& out, const Arming& arming) {
  add_program(scope, out, "armed", arming.arms);
  add_program(scope, out, "disarm", arming.disarms);
  add(out, "armed for", fmt::format("{} {}", format_span(arming.span), format_span(arming.quiet)));
  for (const GroupKey& key : arming.rule.by) add_key(out, key);
  for (const Capture& capture : arming.captures) {
    add(out, "capture", capture.name);
    add_program(scope, out, "of", capture.value);
  }
  for (const SignalUse& use : arming.rule.signals) add(out, "signal", use.name);
}

void add_catalogue(const Catalogue& catalogue, std::string& out, const Rule& rule) {
  if (!rule.indicators) return;
  for (const IndicatorId id : *rule.indicators) {
    const Indicator& indicator = catalogue.indicator(id);
    add(out, "indicator", indicator.name);
    for (const AttrDeclaration& attr : indicator.attrs) {
      add(out, attr.name, std::to_string(static_cast<int>(attr.type)));
    }
  }
}

// A stretch of a shape text that is told under one name.
struct Part {
  std::string name;
  std::string text;
};

std::vector<Part>::const_iterator find_part(const std::vector<Part>& parts,
                                            const std::string& name) {
  return std::find_if(parts.begin(), parts.end(), [&](const Part& p) { return p.name == name; });
}

// Behind `lateness` come the lines of the kind, and behind them those of the catalogue, which begin
// with an indicator.
std::vector<Part> parts_of(std::string_view text) {
  std::vector<Part> parts;
  std::string own_name;  // of what comes when keys no longer are the parts' names
  text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
  while (!text.empty()) {
    const size_t equals = text.find('=');
    const size_t colon = text.find(':', equals);
    if (colon == std::string_view::npos) break;
    const std::string key(text.substr(0, equals));
    size_t size = 0;
    std::from_chars(text.data() + equals + 1, text.data() + colon, size);
    const std::string_view line = text.substr(0, colon + 1 + size + 1);
    text.remove_prefix(line.size());
    if (key == "indicator" && !own_name.empty()) own_name = "catalogue";
    const std::string& name = own_name.empty() ? key : own_name;
    if (parts.empty() || parts.back().name != name) parts.push_back({name, ""});
    parts.back().text += line;
    if (key == "lateness" && own_name.empty()) own_name = "detect";
  }
  return parts;
}

}  // namespace

std::string shape_text(RuleScope& scope, const Rule& rule) {
  std::string out = "shape 1\n";
  add(out, "id", rule.identity);
  add(out, "kind", std::to_string(rule.detect.index()));
  add_program(scope, out, "select", rule.select);
  for (const GroupKey& key : rule.by) add_key(out, key);
  if (rule.each) add_program(scope, out, "each", rule.each);
  add(out, "missing", std::to_string(static_cast<int>(rule.missing_key)));
  if (rule.timezone != "UTC") add(out, "timezone", rule.timezone);
  add(out, "lateness", std::to_string(rule.lateness.count()));
  std::visit([&](const auto& detect) { add_detect(scope, out, detect); }, rule.detect);
  if (rule.arming != nullptr) add_arming(scope, out, *rule.arming);
  add_catalogue(scope.catalogue(), out, rule);
  return out;
}

std::vector<std::string> changed_parts(std::string_view before, std::string_view after) {
  const std::vector<Part> old_parts = parts_of(before);
  const std::vector<Part> new_parts = parts_of(after);
  std::vector<std::string> changed;
  for (const auto& [name, text] : new_parts) {
    const auto old = find_part(old_parts, name);
    if (old == old_parts.end() || old->text != text) changed.push_back(name);
  }
  for (const auto& [name, text] : old_parts) {
    if (find_part(new_parts, name) == new_parts.end()) changed.push_back(name);
  }
  return changed;
}

std::string shape_without_id(std::string_view shape_text) {
  std::string text;
  for (const auto& [name, part] : parts_of(shape_text)) {
    if (name != "id") text += part;
  }
  return text;
}

std::string canonical_text(const yaml::Node& node) {
  switch (node.kind) {
    case yaml::NodeKind::kNull:
      return "~";
    case yaml::NodeKind::kScalar:
      return fmt::format("{}:{}", node.scalar.size(), node.scalar);
    case yaml::NodeKind::kSequence: {
      std::string out = "[";
      for (const yaml::Node& item : node.items) out += canonical_text(item) + ",";
      return out + "]";
    }
    case yaml::NodeKind::kMapping: {
      std::map<std::string, std::string> sorted;
      for (const auto& entry : node.entries) sorted[entry.key] = canonical_text(entry.value);
      std::string out = "{";
      for (const auto& [key, value] : sorted)
        out += fmt::format("{}:{}={},", key.size(), key, value);
      return out + "}";
    }
  }
  return {};
}

}  // namespace tocsin::rules
