#include "rules/load/signal_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "rules/key_map.h"
#include "rules/load/budget.h"
#include "rules/load/detect.h"
#include "rules/load/formats.h"
#include "rules/load/group_keys.h"
#include "rules/load/shape.h"
#include "rules/load/values.h"
#include "rules/model/check.h"

namespace tocsin::rules {

namespace {

constexpr int64_t kMostPanes = 20'000;
constexpr Milliseconds kHoldOfIrregular = std::chrono::hours(24 * 30);

std::string_view word_of(RegionLevel level) {
  static constexpr std::string_view kWords[] = {"country", "admin1", "admin2"};
  return kWords[static_cast<size_t>(level)];
}

std::string text_of(const GroupKey& key) {
  switch (key.kind) {
    case GroupKey::Kind::kRegion:
      return fmt::format("region@{}", word_of(key.level));
    case GroupKey::Kind::kAttr:
      return "e.attrs." + key.attr;
    case GroupKey::Kind::kEach:
      return key.name;
    default:
      return "e." + key.name;
  }
}

bool is_signal_name(std::string_view name) {
  size_t start = 0;
  while (start <= name.size()) {
    const size_t end = std::min(name.find('.', start), name.size());
    if (!is_identifier(name.substr(start, end - start))) return false;
    start = end + 1;
  }
  return true;
}

// Names in signal("NAME") and signal('NAME').
void add_names(std::string_view text, std::set<std::string>& names) {
  constexpr std::string_view kCall = "signal";
  const auto skip_spaces = [&](size_t at) {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t')) ++at;
    return at;
  };
  for (size_t at = text.find(kCall); at != std::string_view::npos; at = text.find(kCall, at + 1)) {
    size_t open = skip_spaces(at + kCall.size());
    if (open >= text.size() || text[open] != '(') continue;
    open = skip_spaces(open + 1);
    if (open >= text.size() || (text[open] != '"' && text[open] != '\'')) continue;
    const size_t close = text.find(text[open], open + 1);
    if (close != std::string_view::npos) {
      names.emplace(text.substr(open + 1, close - open - 1));
    }
  }
}

// Where no expression over signals stands.
bool is_elsewhere(std::string_view key) {
  return key == "doc" || key == "armed" || key == "labels" || key == "select" || key == "owner";
}

void collect_names(RuleFile& file, const yaml::Node& node, std::set<std::string>& names) {
  if (node.is_scalar()) {
    add_names(node.scalar, names);
    if (node.scalar.find("macro.") != std::string::npos) {
      add_names(note_uses(file, node.scalar), names);
    }
  }
  for (const yaml::Node& item : node.items) collect_names(file, item, names);
  for (const auto& entry : node.entries) {
    if (!is_elsewhere(entry.key)) collect_names(file, entry.value, names);
  }
}

// What nothing is: zero for what is added up, missing for a mean of nothing.
NoData default_of(AggregateKind kind) {
  const bool adds_up = kind == AggregateKind::kCount || kind == AggregateKind::kSum ||
                       kind == AggregateKind::kDistinct;
  return adds_up ? NoData::kZero : NoData::kMissing;
}

void read_no_data(RuleScope& scope, Signal& signal) {
  signal.no_data = default_of(signal.measure().aggregate);
  const auto word = text_at(scope.node(), "no_data");
  if (!word) return;
  if (*word == "zero") {
    signal.no_data = NoData::kZero;
  } else if (*word == "missing") {
    signal.no_data = NoData::kMissing;
  } else if (const auto hold = parse_hold(*word)) {
    signal.no_data = NoData::kHold;
    signal.hold = *hold;
  } else {
    scope.error("T0375", scope.node().find("no_data")->place, "`no_data` cannot be `" + *word + "`",
                "zero, missing or hold(30d)");
  }
}

std::optional<Signal> compile_signal(const Catalogue& catalogue, RuleFile& file,
                                     const std::string& name, const yaml::Node& node,
                                     Diagnostics& diagnostics) {
  const int errors_before = diagnostics.errors();
  check_shape(node, signal_schema(), "signal `" + name + "`", diagnostics);
  RuleScope scope(catalogue, file, node, RuleKind::kThreshold, diagnostics);
  const yaml::Node* select = node.find("select");
  const yaml::Node* measure = node.find("measure");
  if (select == nullptr || measure == nullptr || !measure->is_mapping()) return std::nullopt;
  Signal signal;
  signal.key = name;
  Rule& rule = signal.rule;
  rule.id = rule.identity = "signal " + name;
  rule.name = name;
  rule.place = node.place;
  read_timezone(scope, rule);
  rule.select = scope.predicate(*select, "`select`", scope.event_environment());
  if (!rule.select) return std::nullopt;
  scope.set_select(*rule.select);
  rule.indicators = rule.select->analysis().indicators;
  rule.countries = rule.select->analysis().countries;
  scope.check_sources(rule.indicators, select->places.start());
  rule.by = compile_group_keys(scope, node, "by", rule.indicators);
  if (const yaml::Node* limits = node.find("limits")) read_limits(*limits, rule);
  auto compiled = compile_measure(scope, *measure, "value");
  if (!compiled) return std::nullopt;
  rule.detect = ThresholdDetect{{std::move(*compiled)}, always_true()};
  read_no_data(scope, signal);
  if (diagnostics.errors() != errors_before) return std::nullopt;
  check_budget(scope, rule);
  rule.shape = hash128(shape_text(scope, rule));
  if (diagnostics.errors() != errors_before) return std::nullopt;
  return signal;
}

Milliseconds span_of_window(const Signal& signal) {
  const Measure& measure = signal.measure();
  return longest(measure.every) * (int64_t{measure.panes} + 1);
}

}  // namespace

std::optional<Span> parse_hold(std::string_view text) {
  if (!text.starts_with("hold(") || !text.ends_with(')')) return std::nullopt;
  const auto span = parse_span(text.substr(5, text.size() - 6));
  return span && !span->is_zero() ? span : std::nullopt;
}

std::vector<std::string> signal_names(RuleFile& file, const yaml::Node& node) {
  std::set<std::string> names;
  collect_names(file, node, names);
  return {names.begin(), names.end()};
}

std::optional<std::vector<IndicatorId>> joined(const std::optional<std::vector<IndicatorId>>& a,
                                               const std::optional<std::vector<IndicatorId>>& b) {
  if (!a || !b) return std::nullopt;
  std::set<IndicatorId> all(a->begin(), a->end());
  all.insert(b->begin(), b->end());
  return std::vector<IndicatorId>(all.begin(), all.end());
}

void SignalRegistry::declare(RuleFile& file) {
  for (const auto& entry : entries_of(file.root.find("signals"))) {
    const std::string& name = entry.key;
    if (!is_signal_name(name)) {
      diagnostics_.error("T0376", entry.key_place, "`" + name + "` is no name for a signal",
                         "letters, digits and `_`, parts joined by dots");
      continue;
    }
    if (catalogue_.find_indicator(name)) {
      diagnostics_.error("T0376", entry.key_place,
                         "`" + name + "` is an indicator, whose figures are a signal already",
                         "give the signal another name");
      continue;
    }
    if (const auto first = declared_.find(name); first != declared_.end()) {
      const Place& place = first->second.place;
      diagnostics_.error("T0376", entry.key_place, "the signal `" + name + "` is there twice",
                         fmt::format("it is already at {}:{}", place.file, place.line));
      continue;
    }
    if (!entry.value.is_mapping()) {
      diagnostics_.error("T0301", entry.value.place, "a signal must be a mapping",
                         "`select`, `by` and `measure`");
      continue;
    }
    Declared& declared = declared_[name];
    declared.place = entry.key_place;
    auto signal = compile_signal(catalogue_, file, name, entry.value, diagnostics_);
    declared.is_refused = !signal;
    if (signal) declared.signal = std::move(*signal);
  }
}

bool SignalRegistry::knows(const std::string& name) {
  const auto found = declared_.find(name);
  if (found == declared_.end()) return catalogue_.find_indicator(name).has_value();
  found->second.is_named = true;
  return true;
}

const std::vector<std::string>& SignalRegistry::names() {
  if (names_.empty()) {
    for (const auto& [key, declared] : declared_) names_.push_back(key);
    for (const Indicator& indicator : catalogue_.indicators()) names_.push_back(indicator.name);
  }
  return names_;
}

void SignalRegistry::resolve(std::vector<SignalUse>& uses, const std::vector<GroupKey>& by,
                             const Place& place) {
  for (SignalUse& use : uses) {
    if (catalogue_.find_indicator(use.name)) {
      resolve_indicator(use, by, place);
    } else {
      resolve_declared(use, by, place);
    }
  }
  std::erase_if(uses, [](const SignalUse& use) { return use.signals.empty(); });
}

void SignalRegistry::resolve_declared(SignalUse& use, const std::vector<GroupKey>& by,
                                      const Place& place) {
  const auto found = declared_.find(use.name);
  if (found == declared_.end() || found->second.is_refused) return;  // told there
  found->second.is_read = true;
  for (const GroupKey& wanted : found->second.signal.rule.by) {
    if (part_for(by, wanted) != nullptr) continue;
    diagnostics_.error("T0374", place,
                       fmt::format("the signal `{}` is counted by {}, which the rule does not "
                                   "group by",
                                   use.name, text_of(wanted)),
                       "a rule reads signals of its own keys, or of the region that holds them");
    return;
  }
  use.signals = {use.name};
}

void SignalRegistry::resolve_indicator(SignalUse& use, const std::vector<GroupKey>& by,
                                       const Place& place) {
  const auto region = std::find_if(by.begin(), by.end(), [](const GroupKey& key) {
    return key.kind == GroupKey::Kind::kRegion;
  });
  if (region == by.end()) {
    diagnostics_.error(
        "T0374", place,
        fmt::format("`{}` is told of places, and the rule does not group by region", use.name),
        "add `region@country` to `by`, or declare a signal without `by`");
    return;
  }
  // What is told of the place itself, else of its parts, else of what it is a part of.
  const IndicatorId id = *catalogue_.find_indicator(use.name);
  use.signals = {of_indicator(id, region->level, true)};
  if (region->level != RegionLevel::kAdmin2) {
    use.signals.push_back(of_indicator(id, region->level, false));
  }
  for (int level = static_cast<int>(region->level); level-- > 0;) {
    use.signals.push_back(of_indicator(id, static_cast<RegionLevel>(level), true));
  }
}

std::string SignalRegistry::of_indicator(IndicatorId id, RegionLevel level, bool is_exact) {
  const Indicator& indicator = catalogue_.indicator(id);
  const std::string key =
      fmt::format("{}@{}{}", indicator.name, word_of(level), is_exact ? "" : " parts");
  const auto [found, is_new] = declared_.try_emplace(key);
  if (!is_new) return key;
  found->second.is_read = true;
  Signal& signal = found->second.signal;
  signal.key = key;
  signal.is_of_indicator = true;
  signal.no_data = NoData::kHold;
  signal.hold = {.exact = indicator.cadence.count() > 0 ? indicator.cadence * 2 : kHoldOfIrregular};
  Rule& rule = signal.rule;
  rule.id = rule.identity = "signal " + key;
  rule.name = key;
  cel::Environment environment;
  environment.catalogue = &catalogue_;
  environment.has_event = true;
  const auto compile = [&](const std::string& text) {
    auto program = cel::Program::compile(text, Place{}, environment, diagnostics_);
    TOCSIN_CHECK(program.has_value());
    return *program;
  };
  rule.select =
      compile(fmt::format("e.indicator == \"{}\" && has(e.value) && region(e).level() {} \"{}\"",
                          indicator.name, is_exact ? "==" : "!=", word_of(level)));
  rule.indicators = std::vector<IndicatorId>{id};
  rule.by = {{.kind = GroupKey::Kind::kRegion, .level = level, .attr = "", .name = "region"}};
  environment.indicators = *rule.indicators;
  environment.proven = {"e.value"};
  Measure measure;
  measure.name = "value";
  measure.aggregate = AggregateKind::kMean;
  measure.of = compile("e.value");
  measure.every = {.exact = std::chrono::hours(24)};
  rule.detect = ThresholdDetect{{std::move(measure)}, always_true()};
  rule.shape = hash128(key + " 1");
  return key;
}

void SignalRegistry::add_reader(const Rule& rule) {
  const auto add = [&](const SignalUse& use, const std::string& key) {
    Signal& signal = declared_.at(key).signal;
    const auto feeds = joined(rule.indicators, rule.read_indicators);
    signal.rule.read_indicators = joined(signal.rule.read_indicators, feeds);
    signal.rule.lateness = std::max(signal.rule.lateness, rule.lateness);
    const Span hold = use.hold.value_or(signal.hold);
    signal.reach = std::max(signal.reach, span_of_window(signal) + longest(hold) + use.back);
  };
  for (const SignalUse& use : rule.signals) {
    for (const std::string& key : use.signals) add(use, key);
  }
}

std::optional<std::vector<IndicatorId>> SignalRegistry::indicators_of(
    const std::vector<SignalUse>& uses) const {
  std::optional<std::vector<IndicatorId>> all(std::in_place);
  for (const SignalUse& use : uses) {
    all = joined(all, declared_.at(use.signals.front()).signal.rule.indicators);
  }
  return all;
}

std::string SignalRegistry::print_of(const std::vector<SignalUse>& uses) const {
  std::string print;
  for (const SignalUse& use : uses) {
    const Signal& signal = declared_.at(use.signals.front()).signal;
    print += fmt::format("{} {} {} {}\n", use.name, to_hex(signal.rule.shape),
                         static_cast<int>(signal.no_data), format_span(signal.hold));
  }
  return print;
}

std::vector<Signal> SignalRegistry::finish() {
  std::vector<Signal> signals;
  for (auto& [key, declared] : declared_) {
    if (declared.is_read &&
        declared.signal.reach / shortest(declared.signal.measure().every) > kMostPanes) {
      diagnostics_.error("T0375", declared.place,
                         "the signal `" + key + "` is looked back at over more than " +
                             std::to_string(kMostPanes) + " panes",
                         "make `every` longer, or `hold` and windows shorter");
    }
    if (declared.is_read) {
      signals.push_back(std::move(declared.signal));
    } else if (!declared.is_named && !declared.is_refused) {
      diagnostics_.error("T0326", declared.place, "no rule reads the signal `" + key + "`",
                         "remove it; a rule that should read it may have its name misspelt");
    }
  }
  return signals;
}

}  // namespace tocsin::rules
