#include "rules/authoring/why_not.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "rules/alert_board.h"
#include "rules/authoring/rule_programs.h"
#include "rules/exception.h"
#include "rules/inspection.h"

namespace tocsin::rules {

namespace {

constexpr size_t kMostNear = 5;
constexpr size_t kMostEvidence = 8;

std::string_view word_of(GroupState state) {
  switch (state) {
    case GroupState::kInactive:
      return "no alert";
    case GroupState::kWarming:
      return "warming: too little history to judge by";
    case GroupState::kPending:
      return "pending: it holds, but not for long enough yet (`for`)";
    case GroupState::kFiring:
      return "firing";
  }
  return "?";
}

std::string text_of(const Measured& value) {
  return std::visit([&](const auto& v) { return fmt::format("{} = {}", value.name, v); },
                    value.value);
}

void add_levels(const Inspection& found, std::string& to) {
  for (const Inspection::LevelAsks& level : found.levels) {
    const std::string_view answer = !level.holds   ? "is not known"
                                    : *level.holds ? "holds"
                                                   : "does not hold";
    to += fmt::format("  {:<9} {}{}\n", to_string(level.level), answer,
                      level.condition.empty() ? "" : ": " + level.condition);
  }
}

}  // namespace

WhyNot::WhyNot(std::shared_ptr<const Bundle> bundle, RuleIndex rule, std::vector<std::string> key,
               EventTime at)
    : bundle_(std::move(bundle)),
      rule_(bundle_->rules[rule]),
      index_(rule),
      key_(std::move(key)),
      at_(at),
      engine_(bundle_, {.emit = Emit::kFinal}),
      keyer_(*bundle_->catalogue, rule_.by, rule_.missing_key) {}

void WhyNot::take(const Event& event) {
  if (event.time >= at_) return;
  journal_.push_back(fmt::format("{} {} {}", format_time(event.time),
                                 bundle_->catalogue->source(event.source).name, event.id));
  engine_.on_event(event, journal_.size(), transitions_);
  transitions_.clear();
  note_near(event);
}

bool WhyNot::is_of_group(const Event& event) {
  const auto wanted = keyer_.hash(key_);
  arena_.reset();
  const std::string_view none;
  const std::span<const std::string_view> whole(&none, 1);
  for (const std::string_view text : rule_.each ? each_of(rule_, event, arena_).texts : whole) {
    keyer_.set_each(text);
    if (wanted && keyer_.hash(event) == wanted) return true;
  }
  return false;
}

void WhyNot::note_selected(const Event& event) {
  if (const Exception* exception = exception_for(rule_, event, arena_)) {
    ++excepted_;
    exception_ = exception;
    return;
  }
  ++selected_;
  last_selected_ = std::max(last_selected_, event.time);
}

std::string WhyNot::tell_why_unknown() const {
  if (selected_ > 0) {
    return fmt::format(
        "nothing stands of this group any more: {} events were selected for it, the latest on {}, "
        "which no window reaches now\n",
        selected_, format_time(last_selected_));
  }
  if (excepted_ > 0) {
    return fmt::format(
        "nothing is known of this group: an exception left out all {} events, the "
        "latest that of {} until {}: {}\n",
        excepted_, exception_->by, format_time(exception_->until), exception_->reason);
  }
  return "nothing is known of this group: no event before then was selected for it\n";
}

void WhyNot::note_near(const Event& event) {
  const auto& indicators = rule_.indicators;
  if (indicators && !std::binary_search(indicators->begin(), indicators->end(), event.indicator)) {
    return;
  }
  if (!is_of_group(event)) return;
  const std::vector<NamedProgram> conditions = event_conditions(rule_);
  if (conditions.empty()) return;
  std::string why;
  for (const NamedProgram& condition : conditions) {
    arena_.reset();
    // Steps that name an earlier one cannot be asked alone.
    if (!condition.program->analysis().variables.empty()) return;
    const cel::Outcome outcome = condition.program->run(&event, {}, arena_);
    if (outcome.ok() && outcome.value.kind() == cel::Kind::kBool && outcome.value.boolean()) {
      note_selected(event);
      return;
    }
    if (!why.empty()) why += "; ";
    if (conditions.size() > 1) why += condition.name + ": ";
    why += cel::explain_missing(*condition.program, &event, {}, arena_);
  }
  ++near_count_;
  near_.push_back({event.time, std::string(event.id), bundle_->catalogue->source(event.source).name,
                   std::move(why)});
  if (near_.size() > kMostNear) near_.erase(near_.begin());
}

std::string WhyNot::tell() {
  engine_.finish(at_, transitions_);
  std::string to = fmt::format("{} about", rule_.id);
  for (size_t i = 0; i < key_.size(); ++i) to += fmt::format(" {}={}", rule_.by[i].name, key_[i]);
  to += fmt::format(", at {}\n", format_time(at_));
  const auto found = engine_.inspect(index_, key_, at_);
  if (!found) {
    to += tell_why_unknown();
  } else {
    to += fmt::format("state     {}", word_of(found->state));
    if (found->level != Level::kNone) to += fmt::format(", level {}", to_string(found->level));
    to += '\n';
    if (found->is_armed) to += fmt::format("armed     {}\n", *found->is_armed ? "yes" : "no");
    if (!found->condition.empty()) to += fmt::format("asked     {}\n", found->condition);
    if (!found->progress.empty()) to += fmt::format("waits     {}\n", found->progress);
    for (const Inspection::Reading& reading : found->signals) {
      to += fmt::format("read      {} = {}\n", signal_variable(reading.name),
                        reading.value ? fmt::format("{:g}", *reading.value) : "not known");
    }
    for (const Measured& value : found->values) to += fmt::format("measured  {}\n", text_of(value));
    to += "levels\n";
    add_levels(*found, to);
    to += fmt::format("counted   {} events\n", found->events_counted);
    for (size_t i = 0; i < std::min(found->evidence.size(), kMostEvidence); ++i) {
      const EvidenceRef& ref = found->evidence[i];
      if (ref.seq == 0 || ref.seq > journal_.size()) continue;
      to += fmt::format("  {} ({})\n", journal_[ref.seq - 1], ref.role);
    }
  }
  if (near_count_ > 0) {
    to += fmt::format("came near {} events of its indicators here were not selected; the latest:\n",
                      near_count_);
    for (auto near = near_.rbegin(); near != near_.rend(); ++near) {
      to += fmt::format("  {} {} {}\n    {}\n", format_time(near->time), near->source, near->id,
                        near->why);
    }
  } else if (!found && selected_ + excepted_ == 0 && !is_over_alerts(rule_.kind())) {
    to += "no event of its indicators came for it either\n";
  }
  return to;
}

std::optional<RuleIndex> find_rule(const Bundle& bundle, const std::string& id, std::string& hint) {
  std::vector<std::string> ids;
  for (RuleIndex i = 0; i < bundle.rules.size(); ++i) {
    if (bundle.rules[i].id == id) return i;
    ids.push_back(bundle.rules[i].id);
  }
  hint = nearest_name(id, ids);
  return std::nullopt;
}

std::optional<std::vector<std::string>> parse_group(const Bundle& bundle, const Rule& rule,
                                                    const std::vector<std::string>& parts,
                                                    std::string& problem) {
  std::map<std::string, std::string> given;
  for (const std::string& part : parts) {
    const size_t equals = part.find('=');
    if (equals == std::string::npos) {
      problem = "`" + part + "` is no KEY=VALUE";
      return std::nullopt;
    }
    given[part.substr(0, equals)] = part.substr(equals + 1);
  }
  std::vector<std::string> key;
  for (const GroupKey& wanted : rule.by) {
    const auto found = given.find(wanted.name);
    if (found == given.end()) {
      problem = "the rule groups by `" + wanted.name + "`: add --group " + wanted.name + "=…";
      return std::nullopt;
    }
    key.push_back(found->second);
    given.erase(found);
  }
  if (!given.empty()) {
    problem = "the rule does not group by `" + given.begin()->first + "`";
    return std::nullopt;
  }
  GroupKeyer keyer(*bundle.catalogue, rule.by, rule.missing_key);
  if (!keyer.hash(key)) {
    problem = "the catalogue knows no such region, source or indicator";
    return std::nullopt;
  }
  return key;
}

}  // namespace tocsin::rules
