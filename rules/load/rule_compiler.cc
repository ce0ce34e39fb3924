#include "rules/load/rule_compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "rules/alert_board.h"
#include "rules/key_map.h"
#include "rules/load/arming.h"
#include "rules/load/budget.h"
#include "rules/load/detect.h"
#include "rules/load/formats.h"
#include "rules/load/group_keys.h"
#include "rules/load/levels.h"
#include "rules/load/monotone.h"
#include "rules/load/shape.h"
#include "rules/load/signal_registry.h"
#include "rules/load/tunable.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

std::string one_of_kinds() { return fmt::format("one of: {}", fmt::join(rule_kind_words(), ", ")); }

// The kind, or nullopt with the reason told.
std::optional<RuleKind> kind_of(const yaml::Node& item, Diagnostics& diagnostics) {
  const yaml::Node* node = item.find("kind");
  if (node == nullptr) {
    diagnostics.error("T0305", item.place, "a rule lacks `kind`", one_of_kinds());
    return std::nullopt;
  }
  if (!node->is_scalar()) {
    diagnostics.error("T0301", node->place, "`kind` must be a text");
    return std::nullopt;
  }
  const auto kind = parse_rule_kind(node->scalar);
  if (kind) return kind;
  const std::string nearest = nearest_name(node->scalar, rule_kind_words());
  diagnostics.error("T0309", node->place, "`kind` cannot be `" + node->scalar + "`",
                    nearest.empty() ? one_of_kinds() : "did you mean `" + nearest + "`?");
  return std::nullopt;
}

Place place_of(const yaml::Node& node, std::string_view key) {
  const yaml::Node* value = node.find(key);
  return value == nullptr ? node.place : value->place;
}

class RuleCompiler {
 public:
  RuleCompiler(RuleScope& scope) : scope_(scope), node_(scope.node()) {}

  std::optional<Rule> compile() {
    const int errors_before = scope_.diagnostics().errors();
    read_head();
    compile_select();
    compile_armed();
    const bool has_detect = compile_detect();
    compile_each(has_detect);
    read_policies();
    check_production();
    if (!has_detect) {
      note_texts(node_);  // what cannot be compiled now is not unused for that
      return std::nullopt;
    }
    rule_.levels = compile_levels(scope_, rule_.detect);
    compile_texts();
    rule_.tunable = read_tunable(scope_, rule_);
    resolve_readings();
    if (scope_.diagnostics().errors() != errors_before) return std::nullopt;
    tell_unused_measures();
    decide_emission();
    check_budget(scope_, rule_);
    rule_.shape_text = shape_text(scope_, rule_);
    rule_.shape = hash128(rule_.shape_text);
    if (arming_ != nullptr) arming_->rule.shape = rule_.shape;
    registry().add_reader(rule_);
    rule_.hash = hash128(canonical_text(node_) + uses_of(node_) + to_hex(rule_.shape) +
                         registry().print_of(rule_.signals));
    if (scope_.diagnostics().errors() != errors_before) return std::nullopt;
    return std::move(rule_);
  }

 private:
  void read_head() {
    rule_.package = scope_.file().package;
    rule_.name = text_at(node_, "rule").value_or("");
    rule_.id = rule_.package + "/" + rule_.name;
    const auto was = text_at(node_, "was");
    rule_.identity = was ? qualified_id(*was, rule_.package) : rule_.id;
    rule_.place = place_of(node_, "rule");
    rule_.status = status_of(node_);
    rule_.driver = required_word<Driver>("driver");
    rule_.stage = required_word<Stage>("stage");
    rule_.missing_key = text_at(node_, "missing").value_or("drop") == "group" ? MissingKey::kGroup
                                                                              : MissingKey::kDrop;
    read_timezone(scope_, rule_);
    if (const yaml::Node* doc = node_.find("doc")) read_documentation(*doc);
    for (const auto& entry : entries_of(node_.find("labels"))) {
      if (entry.value.is_scalar()) rule_.labels[entry.key] = entry.value.scalar;
    }
    if (const auto owner = text_at(node_, "owner")) rule_.labels.emplace("owner", *owner);
  }

  template <typename Enum>
  Enum required_word(const char* key) {
    if (node_.find(key) == nullptr) {
      scope_.error("T0305", node_.place, "a rule lacks `" + std::string(key) + "`",
                   "it may also stand in the file's `defaults`");
    }
    return word_at<Enum>(node_, key).value_or(Enum{});
  }

  void read_documentation(const yaml::Node& doc) {
    rule_.doc.rationale = text_at(doc, "rationale").value_or("");
    rule_.doc.response = text_at(doc, "response").value_or("");
    rule_.doc.false_positives = texts_at(doc, "false_positives");
    if (const yaml::Node* source = doc.find("source")) {
      rule_.doc.document = text_at(*source, "document").value_or("");
      rule_.doc.paragraph = text_at(*source, "paragraph").value_or("");
    }
  }

  void compile_select() {
    const yaml::Node* select = node_.find("select");
    if (!has_select(scope_.kind()) || select == nullptr) return;
    rule_.select = scope_.predicate(*select, "`select`", scope_.event_environment());
    if (!rule_.select) return;
    scope_.set_select(*rule_.select);
    rule_.indicators = rule_.select->analysis().indicators;
    rule_.countries = rule_.select->analysis().countries;
    scope_.check_sources(rule_.indicators, select->places.start());
  }

  void compile_each(bool has_keys) {
    const yaml::Node* each = node_.find("each");
    if (each == nullptr) return;
    rule_.each = scope_.texts(
        *each, "`each`", rule_.select ? value_environment(scope_) : scope_.event_environment());
    const auto& keys = items_of(node_.find("by"));
    const bool is_named = std::any_of(keys.begin(), keys.end(), [](const yaml::Node& key) {
      return key.is_scalar() && key.scalar == "each";
    });
    if (is_named || !has_keys) return;
    scope_.error("T0348", each->places.start(), "`each` is not among the keys",
                 "`by: [each]`, or `by: [region@country, each]`");
  }

  bool compile_detect() {
    const yaml::Node empty;
    const yaml::Node* found = node_.find("detect");
    const yaml::Node& detect = found == nullptr ? empty : *found;
    if (is_over_alerts(scope_.kind())) return compile_detect_over_alerts(detect);
    if (!has_select(scope_.kind())) return compile_detect_that_selects(detect);
    if (!rule_.select) {
      note_texts(detect);
      return false;
    }
    rule_.by = compile_group_keys(scope_, rule_.indicators);
    std::optional<Detect> compiled;
    switch (scope_.kind()) {
      case RuleKind::kEvent:
        compiled = EventDetect{};
        break;
      case RuleKind::kThreshold:
        compiled = compile_threshold(scope_, detect);
        break;
      case RuleKind::kSurge:
        compiled = compile_surge(scope_, detect);
        break;
      case RuleKind::kTrend:
        compiled = compile_trend(scope_, detect);
        break;
      case RuleKind::kAbsence:
        compiled = compile_absence(scope_, detect, rule_.by);
        break;
      case RuleKind::kNewTerm:
        compiled = compile_new_term(scope_, detect, rule_.by);
        break;
      case RuleKind::kSequence:
      case RuleKind::kIndex:
      case RuleKind::kDivergence:
      case RuleKind::kLayers:
      case RuleKind::kSpillover:
        break;
    }
    if (compiled) rule_.detect = std::move(*compiled);
    return compiled.has_value();
  }

  bool compile_detect_over_alerts(const yaml::Node& detect) {
    rule_.indicators = std::vector<IndicatorId>{};
    rule_.by = compile_group_keys(scope_, rule_.indicators);
    auto compiled = scope_.kind() == RuleKind::kLayers
                        ? compile_layers(scope_, detect, rule_.by)
                        : compile_spillover(scope_, detect, rule_.by);
    if (!compiled) {
      note_texts(detect);
      return false;
    }
    rule_.detect = std::move(*compiled);
    return true;
  }

  // Steps and parts select, so the keys can be checked only after them.
  bool compile_detect_that_selects(const yaml::Node& detect) {
    auto compiled = scope_.kind() == RuleKind::kSequence ? compile_sequence(scope_, detect)
                    : scope_.kind() == RuleKind::kIndex  ? compile_index(scope_, detect)
                                                         : compile_divergence(scope_, detect);
    if (!compiled) {
      note_texts(detect);
      return false;
    }
    rule_.detect = std::move(*compiled);
    const std::vector<const cel::Program*> programs = selecting_programs();
    rule_.indicators = union_of(programs, &cel::Analysis::indicators);
    rule_.countries = union_of(programs, &cel::Analysis::countries);
    rule_.by = compile_group_keys(scope_, rule_.indicators);
    if (!programs.empty()) scope_.check_sources(rule_.indicators, detect.place);
    return true;
  }

  std::vector<const cel::Program*> selecting_programs() const {
    std::vector<const cel::Program*> programs;
    if (const auto* sequence = std::get_if<SequenceDetect>(&rule_.detect)) {
      for (const SequenceStep& step : sequence->steps) programs.push_back(&step.select);
      if (sequence->until) programs.push_back(&*sequence->until);
    } else if (const auto* index = std::get_if<IndexDetect>(&rule_.detect)) {
      for (const IndexPart& part : index->parts) {
        if (part.events) programs.push_back(&*part.events);
      }
    }
    return programs;
  }

  template <typename Id>
  static std::optional<std::vector<Id>> union_of(
      const std::vector<const cel::Program*>& programs,
      std::optional<std::vector<Id>> cel::Analysis::*member) {
    std::set<Id> all;
    for (const cel::Program* program : programs) {
      const auto& ids = program->analysis().*member;
      if (!ids) return std::nullopt;
      all.insert(ids->begin(), ids->end());
    }
    return std::vector<Id>(all.begin(), all.end());
  }

  void read_policies() {
    if (const yaml::Node* alert = node_.find("alert")) read_alert(*alert);
    if (const yaml::Node* time = node_.find("time")) {
      rule_.lateness = exact_at(*time, "lateness").value_or(rule_.lateness);
      rule_.page_within = exact_at(*time, "page_within").value_or(rule_.page_within);
    }
    if (const yaml::Node* limits = node_.find("limits")) read_limits(*limits, rule_);
    if (is_of_matches(scope_.kind()) && rule_.alert.hold.is_zero()) {
      scope_.error("T0367", place_of(node_, "alert"), "`alert` needs `hold`",
                   "how long the alert goes on after the last match: `alert: {hold: 72h}`");
    }
  }

  void read_alert(const yaml::Node& alert) {
    AlertPolicy& policy = rule_.alert;
    policy.pending = span_at(alert, "for").value_or(policy.pending);
    policy.keep_firing_for = span_at(alert, "keep_firing_for").value_or(policy.keep_firing_for);
    policy.hold = span_at(alert, "hold").value_or(policy.hold);
    policy.update_every = span_at(alert, "update_every").value_or(policy.update_every);
    if (const auto text = text_at(alert, "max_step_down")) read_step_down(*text, alert);
    policy.holds_flapping = text_at(alert, "flapping").value_or("hold") != "off";
    if (const yaml::Node* evidence = alert.find("evidence")) {
      policy.max_evidence =
          static_cast<uint32_t>(int_at(*evidence, "max").value_or(policy.max_evidence));
    }
    refuse_without_effect(alert);
  }

  // `1`, or `1 per 7d`.
  void read_step_down(const std::string& text, const yaml::Node& alert) {
    const size_t per = text.find(" per ");
    const std::string count = text.substr(0, per);
    const auto every = per == std::string::npos ? Span{} : parse_span(text.substr(per + 5));
    if (count.size() != 1 || count[0] < '0' || count[0] > '4' || !every) {
      scope_.error("T0309", alert.find("max_step_down")->place,
                   "`max_step_down` cannot be `" + text + "`",
                   "levels at a time, 0 (any) to 4: `1`, or `1 per 7d`");
      return;
    }
    rule_.alert.max_step_down = static_cast<uint32_t>(count[0] - '0');
    rule_.alert.step_down_every = *every;
  }

  // Combinations without effect are mistakes.
  void refuse_without_effect(const yaml::Node& alert) {
    const auto refuse = [&](const char* key, const char* reason) {
      if (const yaml::Node* node = alert.find(key)) scope_.without_effect(key, *node, reason);
    };
    if (is_of_matches(scope_.kind())) {
      refuse("for", "a match is a point in time: nothing holds for long");
      refuse("keep_firing_for", "`hold` says how long the alert goes on");
      refuse("max_step_down", "each level ends by itself, `hold` after its last match");
    } else {
      refuse("hold", "the condition itself says how long; `keep_firing_for` adds to it");
    }
    if (scope_.kind() == RuleKind::kAbsence) {
      refuse("keep_firing_for", "the report that comes again ends the alert");
    } else {
      refuse("resolve", "it is of absence only");
    }
  }

  void check_production() {
    if (rule_.status != RuleStatus::kProduction) return;
    const Place doc = place_of(node_, "doc");
    const auto require = [&](bool there, const char* what) {
      if (there) return;
      scope_.error("T0342", doc, "a rule in production needs " + std::string(what),
                   "write it, or say `status: draft`");
    };
    require(!rule_.doc.rationale.empty(), "`doc.rationale`: why it matters");
    require(!rule_.doc.paragraph.empty(), "`doc.source.paragraph`: what it rests on");
    require(!rule_.doc.false_positives.empty(),
            "`doc.false_positives`: what it takes for an alarm wrongly");
    require(!rule_.doc.response.empty(), "`doc.response`: who does what");
  }

  void compile_texts() {
    const cel::Environment environment = scope_.variable_environment(rule_.detect);
    compile_localised(node_.find("title"), "`title`", environment, rule_.titles);
    if (const yaml::Node* annotations = node_.find("annotations")) {
      compile_localised(annotations->find("summary"), "`summary`", environment, rule_.summaries);
    }
  }

  // A text alone is in English.
  void compile_localised(const yaml::Node* node, const char* what,
                         const cel::Environment& environment,
                         std::map<std::string, Template>& out) {
    if (node == nullptr) return;
    const auto add = [&](const std::string& language, const yaml::Node& text) {
      if (auto compiled = scope_.text_template(text, environment)) {
        out.emplace(language, std::move(*compiled));
      }
    };
    if (node->is_scalar()) add("en", *node);
    for (const auto& entry : node->entries) add(entry.key, entry.value);
    if (node->is_mapping() && node->find("en") == nullptr) {
      scope_.error("T0342", node->place, std::string(what) + " has no English text",
                   "add `en: …`; other languages fall back to it");
    }
  }

  void tell_unused_measures() {
    const auto* threshold = std::get_if<ThresholdDetect>(&rule_.detect);
    if (threshold == nullptr) return;
    std::set<std::string> used;
    const auto note = [&](const std::set<std::string>& names) {
      used.insert(names.begin(), names.end());
    };
    note(threshold->when.analysis().variables);
    for (const LevelSpec& level : rule_.levels) {
      if (level.when) note(level.when->analysis().variables);
      if (level.exit) note(level.exit->analysis().variables);
    }
    for (const auto* texts : {&rule_.titles, &rule_.summaries}) {
      for (const auto& [language, text] : *texts) note(text.variables());
    }
    for (const auto& entry : node_.find("detect")->find("measures")->entries) {
      if (used.contains(entry.key)) continue;
      scope_.warning("T0353", entry.key_place, "nothing uses the measure `" + entry.key + "`",
                     "name it in `when`, a level or a text, or take it out: it costs memory");
    }
  }

  void compile_armed() {
    const yaml::Node* armed = node_.find("armed");
    if (armed == nullptr || !armed->is_mapping()) return;
    arming_ = compile_arming(scope_, registry(), *armed, rule_);
    if (arming_ != nullptr) scope_.set_armed(variables_of(*arming_));
  }

  // What the rule looks at beside its own events. Its keys are known by now.
  void resolve_readings() {
    rule_.signals = scope_.signals();
    // An alert of matches speaks of the time of its match while it holds.
    for (SignalUse& use : rule_.signals) use.back = std::max(use.back, longest(rule_.alert.hold));
    if (arming_ != nullptr) arming_->back = longest(rule_.alert.hold);
    registry().resolve(rule_.signals, rule_.by, rule_.place);
    if (rule_.signals.size() != scope_.signals().size()) return;  // told
    rule_.read_indicators = registry().indicators_of(rule_.signals);
    // Their groups begin with what their signals count.
    if (scope_.kind() == RuleKind::kIndex || scope_.kind() == RuleKind::kDivergence) {
      rule_.indicators = joined(rule_.indicators, rule_.read_indicators);
      rule_.countries.reset();
    }
    if (arming_ == nullptr) return;
    const Place place = place_of(node_, "armed");
    for (const GroupKey& key : arming_->rule.by) {
      if (part_for(rule_.by, key) != nullptr) continue;
      scope_.error("T0377", place,
                   "`armed` has the key `" + key.name + "`, which the rule does not group by",
                   "each group of the rule is armed by its own keys, or by the region that holds "
                   "it");
      return;
    }
    const size_t captured = arming_->rule.signals.size();
    registry().resolve(arming_->rule.signals, arming_->rule.by, place);
    if (arming_->rule.signals.size() != captured) return;
    rule_.read_indicators = joined(rule_.read_indicators, arming_->rule.indicators);
    rule_.read_indicators =
        joined(rule_.read_indicators, registry().indicators_of(arming_->rule.signals));
    // It waits for all that the rule waits for.
    arming_->rule.read_indicators = joined(rule_.indicators, rule_.read_indicators);
    arming_->rule.lateness = rule_.lateness;
    registry().add_reader(arming_->rule);
    rule_.arming = arming_;
  }

  SignalRegistry& registry() { return *scope_.registry(); }

  void decide_emission() {
    const auto reason = why_not_monotone(scope_, rule_);
    const std::string wanted = text_at(node_, "emit").value_or("");
    rule_.emit = reason || wanted == "final" ? Emit::kFinal : Emit::kEarly;
    if (reason && wanted == "early") {
      scope_.error("T0368", node_.find("emit")->place,
                   "the rule cannot fire on arrival: " + *reason,
                   "leave `emit` out: the rule fires when the watermark has passed");
    }
  }

  // Marks the lists and macros in every text of the node as used.
  void note_texts(const yaml::Node& node) { uses_of(node); }

  std::string uses_of(const yaml::Node& node) {
    std::string texts = node.is_scalar() ? note_uses(scope_.file(), node.scalar) : "";
    for (const yaml::Node& item : node.items) texts += uses_of(item);
    for (const auto& entry : node.entries) {
      if (entry.key == "roster" && entry.value.is_mapping()) note_roster(entry.value);
      texts += uses_of(entry.value);
    }
    return texts;
  }

  void note_roster(const yaml::Node& roster) {
    if (const auto list = text_at(roster, "list")) scope_.file().used_lists.insert(*list);
  }

  RuleScope& scope_;
  const yaml::Node& node_;
  Rule rule_;
  std::shared_ptr<Arming> arming_;
};

}  // namespace

std::optional<Rule> compile_rule(const Catalogue& catalogue, RuleFile& file, const yaml::Node& item,
                                 SignalRegistry& signals, Diagnostics& diagnostics) {
  const auto kind = kind_of(item, diagnostics);
  if (!kind) {
    note_uses(file, canonical_text(item));
    return std::nullopt;
  }
  const std::string where = "rule `" + text_at(item, "rule").value_or("?") + "`";
  const int errors_before = diagnostics.errors();
  check_shape(item, rule_schema(*kind), where, diagnostics);
  const yaml::Node merged = with_defaults(item, file.root.find("defaults"));
  RuleScope scope(catalogue, file, merged, *kind, diagnostics, &signals);
  auto rule = RuleCompiler(scope).compile();
  if (diagnostics.errors() != errors_before) return std::nullopt;
  return rule;
}

}  // namespace tocsin::rules
