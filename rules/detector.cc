#include "rules/detector.h"

#include <fmt/format.h>

#include <algorithm>

#include "rules/arming_store.h"
#include "rules/cel/event_fields.h"
#include "rules/exception.h"
#include "rules/inspection.h"
#include "rules/kinds/overflow.h"
#include "rules/look_back.h"
#include "rules/saved_state.h"

namespace tocsin::rules {

namespace {

// Slots of the common variables, as variables_of() orders them.
enum CommonSlot : size_t { kRegion, kBy, kLevel, kLevelRank, kRule, kAt, kStartsAt };

constexpr Milliseconds kLeastToSettle = std::chrono::hours(24 * 7);

// With the shape: a rule whose shape a reload changes begins anew and remembers no episode, so it
// may pin one to the moment of an alert before, which is not its own.
Hash128 episode_id(const Rule& rule, const std::vector<std::string>& key, EventTime pinned,
                   EventTime late_of) {
  std::string bytes;
  ByteWriter to(bytes);
  to.text(rule.identity);
  to.hash(rule.shape);
  for (const std::string& part : key) to.text(part);
  to.time(pinned);
  if (late_of != kUnset) to.time(late_of);
  return hash128(bytes);
}

}  // namespace

void Surroundings::tell(const AlertTransition& transition, const Rule& rule) {
  if (options.work == Work::kEvents || is_over_alerts(rule.kind())) return;
  const BoardEntry* entry = board.note(transition, rule);
  if (entry == nullptr) return;
  for (Detector* detector : over_alerts) detector->on_alert(*entry, transition.at);
}

void Surroundings::refuse(const Refusal& refusal, EventTime at,
                          const std::vector<std::string>& key) {
  if (overflow != nullptr) overflow->take(refusal, nullptr, at, &key);
}

std::optional<std::string> Surroundings::read_back(const Rule& rule, std::string_view key_text) {
  const std::string key = group_prefix(rule.identity) + std::string(key_text);
  Result<std::optional<std::string>> read = options.saved->read(key);
  if (!read) {
    note_fault(rule, key_text, read.error().code, read.error().message);
    return std::nullopt;
  }
  std::optional<std::string>& value = *read;
  std::string_view bytes = value ? std::string_view(*value) : std::string_view();
  if (!value || !unseal(key, bytes)) {
    note_fault(rule, key_text, ErrorCode::kCorrupt, value ? "it is damaged" : "it is not there");
    return std::nullopt;
  }
  value->resize(bytes.size());
  return std::move(value);
}

void Surroundings::note_fault(const Rule& rule, std::string_view key_text, ErrorCode code,
                              std::string_view problem) {
  if (fault) return;
  std::string group;
  for (const char c : key_text) group += c == '\0' ? '/' : c;
  if (!group.empty()) group.pop_back();
  fault = Error{code, fmt::format("read back the saved state of group `{}` of `{}`: {}", group,
                                  rule.identity, problem)};
}

Detector::Detector(Surroundings& around, const Rule& rule, RuleIndex index,
                   Timeline::ClassId time_class)
    : around_(around),
      keyer_(*around.catalogue, rule.by, rule.missing_key),
      rule_(&rule),
      index_(index),
      time_class_(time_class) {
  note_names();
}

void Detector::take(const Event& event, JournalSeq seq) {
  if (!rule_->each) return on_event(event, seq);
  const EachTexts each = each_of(*rule_, event, around_.arena);
  if (each.is_error) ++counters_.evaluation_errors;
  if (each.is_cut) ++counters_.overflow;
  for (const std::string_view text : each.texts) {
    keyer_.set_each(text);
    on_event(event, seq);
  }
  keyer_.set_each({});
}

void Detector::bind_readings() {
  first_signal_ = variables_of(rule_->kind(), rule_->detect).size();
  const size_t armed = rule_->arming == nullptr ? 0 : 1 + rule_->arming->captures.size();
  variables_.assign(first_signal_ + rule_->signals.size() + armed, cel::Value());
  signals_.emplace(around_, *rule_);
  own_feeds_ = own_sources(*around_.catalogue, *rule_);
  armed_by_ = nullptr;
  arming_ = nullptr;
  if (rule_->arming == nullptr) return;
  arming_ = around_.armings.at(rule_->id);
  arming_key_ = KeyMap(rule_->by, rule_->arming->rule.by);
}

bool Detector::counts_new_groups(EventTime at) const {
  if (!has_open_keys_) return false;
  const EventTime first = std::max(around_.timeline->first(own_feeds_), knows_from);
  return first != kNever && at - first >= settles_after_;
}

void Detector::note_names() {
  bind_readings();
  has_open_keys_ = !most_groups(*around_.catalogue, *rule_);
  settles_after_ = std::max(kLeastToSettle, longest(look_back(*rule_).reach));
  names_place_ = false;
  names_time_ = false;
  for (const cel::Program* program : group_conditions(*rule_)) {
    const auto& names = program->analysis().variables;
    names_place_ = names_place_ || names.contains("region") || names.contains("by");
    names_time_ = names_time_ || names.contains("at");
  }
}

void Detector::rebind(const Rule& rule, RuleIndex index, Timeline::ClassId time_class) {
  rule_ = &rule;
  index_ = index;
  time_class_ = time_class;
  keyer_ = GroupKeyer(*around_.catalogue, rule.by, rule.missing_key);
  note_names();
  on_rebind();
  fit_alerts();
}

std::optional<bool> Detector::truth(const cel::Program& program, const Event* event) {
  const cel::Outcome outcome = program.run(event, variables_, around_.arena);
  if (outcome.ok() && outcome.value.kind() == cel::Kind::kBool) return outcome.value.boolean();
  if (!names_undefined(program) && !names_silent_signal(program)) ++counters_.evaluation_errors;
  return std::nullopt;
}

bool Detector::names_silent_signal(const cel::Program& program) const {
  const auto& names = program.analysis().variables;
  const auto is_silent = [&](size_t slot, const std::string& name) {
    return variables_[slot].kind() == cel::Kind::kNull && names.contains(name);
  };
  size_t slot = first_signal_;
  for (const SignalUse& use : rule_->signals) {
    if (is_silent(slot++, signal_variable(use.name))) return true;
  }
  if (rule_->arming == nullptr) return false;
  // A captured signal may have had no value either.
  for (const Capture& capture : rule_->arming->captures) {
    if (is_silent(++slot, "armed." + capture.name)) return true;
  }
  return false;
}

void Detector::count_into(const Measure& measure, const Event& event, Accumulator& cell) {
  if (!measure.of) {
    ++cell.n;
    return;
  }
  const cel::Outcome of = measure.of->run(&event, variables_, around_.arena);
  const bool is_absent =
      of.ok() ? of.value.kind() == cel::Kind::kNull : of.error == cel::EvalError::kNoSuchField;
  if (is_absent) {
    ++counters_.skipped;
  } else if (of.ok() && measure.aggregate == AggregateKind::kDistinct) {
    ++cell.n;
    cell.distinct.add(hash_of(of.value));
  } else if (const auto number = of.ok() ? number_of(of.value) : std::nullopt) {
    cell.add(*number);
  } else {
    ++counters_.evaluation_errors;
  }
}

bool Detector::selects(const Event& event) {
  return (!rule_->select || holds(*rule_->select, &event)) && !is_excepted(event);
}

bool Detector::is_excepted(const Event& event) {
  if (exception_for(*rule_, event, around_.arena) == nullptr) return false;
  ++counters_.excepted;
  return true;
}

bool Detector::holds(const cel::Program& program, const Event* event) {
  return truth(program, event).value_or(false);
}

cel::Value Detector::region_variable(const Group& group, std::string_view language) {
  if (!group.region) return cel::Value::of_map({});
  const Region& region = around_.catalogue->region(*group.region);
  static constexpr std::string_view kLevels[] = {"country", "admin1", "admin2"};
  const auto entries = around_.arena.array<cel::Entry>(3);
  const auto text = [](std::string_view t) { return cel::Value::of_string(t); };
  entries[0] = {text("id"), text(region.id)};
  entries[1] = {text("level"), text(kLevels[static_cast<size_t>(region.level)])};
  entries[2] = {text("name"), text(around_.catalogue->region_name(*group.region, language))};
  return cel::Value::of_map(entries);
}

cel::Value Detector::key_variable(const Group& group) {
  const auto entries = around_.arena.array<cel::Entry>(group.key.size());
  for (size_t i = 0; i < group.key.size(); ++i) {
    entries[i] = {cel::Value::of_string(rule_->by[i].name), cel::Value::of_string(group.key[i])};
  }
  std::sort(entries.begin(), entries.end(),
            [](const cel::Entry& a, const cel::Entry& b) { return a.key.text() < b.key.text(); });
  return cel::Value::of_map(entries);
}

void Detector::set_common(const Group& group, Level level, EventTime at, EventTime starts_at) {
  if (names_place_) set_place(group, "en");
  variables_[kLevel] = cel::Value::of_string(to_string(level));
  variables_[kLevelRank] = cel::Value::of_int(static_cast<int64_t>(level));
  variables_[kRule] = cel::Value::of_string(rule_->id);
  variables_[kAt] = cel::timestamp_of(at);
  variables_[kStartsAt] = cel::timestamp_of(starts_at);
  const EventTime read_at = read_at_.value_or(at);
  if (!signals_->empty()) {
    signals_->read(group, read_at, std::span(variables_).subspan(first_signal_));
  }
  if (arming_ != nullptr) read_arming(group, read_at);
}

void Detector::read_arming(const Group& group, EventTime at) {
  armed_by_ = nullptr;
  std::vector<std::string> key;
  if (arming_key_.apply(*around_.catalogue, group, key)) armed_by_ = arming_->armed_at(key, at);
  const auto slots = std::span(variables_).subspan(first_signal_ + rule_->signals.size());
  if (armed_by_ != nullptr) {
    arming_->fill(*armed_by_, slots);
  } else {
    std::fill(slots.begin(), slots.end(), cel::Value());
  }
}

EventTime Detector::armed_from() const {
  if (armed_by_ == nullptr) return kMinEventTime;
  return add(armed_by_->time, rule_->arming->quiet);
}

Verdict Detector::judge_levels(std::optional<bool> base) {
  Verdict verdict;
  if (!is_armed()) return verdict;
  const auto& levels = rule().levels;
  for (size_t i = 0; i < levels.size(); ++i) {
    std::optional<bool> when = base;
    if (base.value_or(false) && levels[i].when) when = truth(*levels[i].when, nullptr);
    verdict.enters[i] = when.value_or(false);
    verdict.stays[i] = verdict.enters[i];
    verdict.unknown[i] = !when;
    if (!levels[i].exit) continue;
    const std::optional<bool> exit = truth(*levels[i].exit, nullptr);
    verdict.stays[i] = !exit.value_or(false);
    verdict.unknown[i] = !exit;
  }
  return verdict;
}

void Detector::clear_common() { std::fill_n(variables_.begin(), kCommonVariables, cel::Value()); }

void Detector::set_place(const Group& group, std::string_view language) {
  variables_[kRegion] = region_variable(group, language);
  variables_[kBy] = key_variable(group);
}

void Detector::open(Group& group, Level level, EventTime pinned, EventTime starts_at,
                    EventTime late_of) {
  AlertState& alert = group.alert;
  alert.phase = Phase::kFiring;
  alert.level = level;
  alert.id = episode_id(*rule_, group.key, pinned, late_of);
  alert.seq = 0;
  alert.starts_at = starts_at;
  alert.last_at = kUnset;
}

void Detector::add_texts(const Group& group, const Finding& finding, AlertTransition& transition) {
  const auto render = [&](const std::map<std::string, Template>& templates,
                          std::map<std::string, std::string>& to) {
    for (const auto& [language, text] : templates) {
      set_place(group, language);
      set_words(language);
      to[language] = text.render(finding.event, variables_, transition.at, around_.arena);
    }
  };
  render(rule_->titles, transition.title);
  render(rule_->summaries, transition.summary);
  if (names_place_) {
    set_place(group, "en");
  } else {
    variables_[kRegion] = variables_[kBy] = cel::Value();  // the arena that they are in goes
  }
}

void Detector::announce(Group& group, Action action, Level previous, EventTime at,
                        Finding finding) {
  AlertState& alert = group.alert;
  AlertTransition t;
  t.alert = alert.id;
  t.seq = alert.seq++;
  t.action = action;
  t.rule = index_;
  t.level = alert.level;
  t.previous = previous;
  for (size_t i = 0; i < group.key.size(); ++i) {
    t.group.emplace_back(rule_->by[i].name, group.key[i]);
  }
  t.region = group.region;
  t.starts_at = alert.starts_at;
  t.at = std::max(at, alert.last_at);
  if (action == Action::kResolve) t.ends_at = t.at;
  t.provisional = alert.provisional;
  t.watermark = alert.provisional ? watermark() : t.at;
  t.stale = alert.stale;
  t.error = alert.error;
  if (alert.is_flapping()) t.flapping_since = alert.flapping_since;
  set_common(group, t.level, t.at, t.starts_at);
  if (armed_by_ != nullptr) finding.evidence.add(armed_by_->seq, "armed", armed_by_->tlp);
  // Panes with the restricted events leave the window, the texts go on naming what they told.
  alert.tlp = std::max({alert.tlp, finding.tlp, finding.evidence.tlp(),
                        signals_->marking(group, read_at_.value_or(t.at))});
  if (finding.event != nullptr) alert.tlp = std::max(alert.tlp, finding.event->tlp);
  t.tlp = alert.tlp;
  add_texts(group, finding, t);
  t.values = std::move(finding.values);
  t.condition = std::move(finding.condition);
  t.evidence = finding.evidence.take();
  t.events_counted = finding.events_counted;
  alert.last_at = t.at;
  around_.tell(t, *rule_);
  around_.out->push_back(std::move(t));
}

void Detector::add_readings(Inspection& inspection, const Event* event) {
  for (const LevelSpec& level : rule_->levels) {
    Inspection::LevelAsks asks{.level = level.level, .condition = {}, .holds = true};
    if (level.when) {
      const bool needs_event = event == nullptr && sees_event(rule_->kind());
      asks.holds = needs_event ? std::nullopt : truth(*level.when, event);
      if (!needs_event)
        asks.condition = cel::explain(*level.when, event, variables_, around_.arena);
    }
    inspection.levels.push_back(std::move(asks));
  }
  for (size_t i = 0; i < rule_->signals.size(); ++i) {
    const cel::Value& value = variables_[first_signal_ + i];
    const bool is_there = value.kind() == cel::Kind::kDouble;
    inspection.signals.push_back(
        {rule_->signals[i].name, is_there ? std::optional(value.real()) : std::nullopt});
  }
  if (rule_->arming != nullptr) inspection.is_armed = is_armed();
}

void Detector::resolve(Group& group, EventTime at, Finding finding, bool is_early) {
  group.alert.provisional = is_early;
  group.alert.flapping_since = kUnset;
  announce(group, Action::kResolve, group.alert.level, at, std::move(finding));
  group.alert.close();
}

}  // namespace tocsin::rules
