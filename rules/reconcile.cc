#include "rules/reconcile.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "rules/alert_board.h"
#include "rules/alert_state.h"

namespace tocsin::rules {

namespace {

// From its fire to its end, as it stands after the last transition.
struct Episode {
  AlertTransition first;
  AlertTransition last;
  bool is_open() const { return !last.ends_at; }
};

using Episodes = std::map<GroupName, std::vector<Episode>>;  // by time

Episodes episodes_of(const std::vector<AlertTransition>& decided, const Bundle& bundle,
                     const std::function<bool(const GroupName&)>& touched) {
  Episodes all;
  for (const AlertTransition& t : decided) {
    GroupName name = group_of(t, bundle.raised_by(t.rule));
    if (!touched(name)) continue;
    std::vector<Episode>& of_group = all[std::move(name)];
    const auto known =
        std::find_if(of_group.rbegin(), of_group.rend(),
                     [&](const Episode& episode) { return episode.last.alert == t.alert; });
    if (known == of_group.rend()) {
      of_group.push_back({t, t});
    } else {
      known->last = t;
    }
  }
  return all;
}

bool meet(const ToldAlert& told, const Episode& episode) {
  const EventTime told_end = told.last.ends_at.value_or(kMaxEventTime);
  const EventTime end = episode.last.ends_at.value_or(kMaxEventTime);
  return told.last.starts_at <= end && episode.last.starts_at <= told_end;
}

bool is_over_before(const AlertTransition& last, EventTime t) {
  return last.ends_at && *last.ends_at < t;
}

bool is_told(const std::vector<const ToldAlert*>& told, Hash128 alert) {
  return std::any_of(told.begin(), told.end(),
                     [&](const ToldAlert* one) { return one->last.alert == alert; });
}

// `a` was told, `b` is decided.
bool says_the_same(const AlertTransition& a, const AlertTransition& b) {
  const auto same_values = [](const std::vector<Measured>& x, const std::vector<Measured>& y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                      [](const Measured& v, const Measured& w) {
                        return v.name == w.name && v.value == w.value;
                      });
  };
  return a.level == b.level && a.starts_at == b.starts_at && a.ends_at == b.ends_at &&
         a.tlp >= b.tlp && a.title == b.title && a.summary == b.summary &&
         a.condition == b.condition && a.evidence == b.evidence &&
         a.events_counted == b.events_counted && same_values(a.values, b.values);
}

class Teller {
 public:
  Teller(const Bundle& bundle, EventTime now, Reconciled& to)
      : bundle_(bundle), now_(now), to_(to) {}

  // All that is told of the group, or nothing.
  void group(const GroupName& name, std::vector<const ToldAlert*> told,
             std::vector<Episode> episodes, const Rule& rule, EventTime known_from,
             EventTime settled) {
    of_group_ = {};
    const bool is_decided =
        decide(name, std::move(told), std::move(episodes), rule, known_from, settled);
    if (!is_decided) {
      to_.undecided.insert(name);
      return;
    }
    std::move(of_group_.tell.begin(), of_group_.tell.end(), std::back_inserter(to_.tell));
    to_.pins.merge(of_group_.pins);
  }

 private:
  // False: it cannot be told what became of it.
  bool decide(const GroupName& name, std::vector<const ToldAlert*> told,
              std::vector<Episode> episodes, const Rule& rule, EventTime known_from,
              EventTime settled) {
    // Before they could be taken for an alert that is kept.
    std::erase_if(episodes, [&](const Episode& episode) {
      return is_over_before(episode.last, settled) && !is_told(told, episode.last.alert);
    });
    const std::vector<const ToldAlert*> matched = match(told, episodes);
    for (size_t i = 0; i < episodes.size(); ++i) {
      const Episode& episode = episodes[i];
      const ToldAlert* known = matched[i];
      const EventTime began = (known == nullptr ? episode.last : known->last).starts_at;
      if (began < known_from) {
        if (!go_on(name, known, episode, rule, settled)) return false;
      } else if (known == nullptr || known->is_withdrawn) {
        fire(name, episode, known);
      } else {
        change(name, *known, episode);
      }
    }
    for (const ToldAlert* left : told) {
      if (left->is_withdrawn || is_over_before(left->last, settled)) continue;
      if (left->last.starts_at >= known_from) {
        withdraw(name, *left);
      } else if (left->is_open()) {
        return false;
      }
    }
    return true;
  }

  // What began before anything is known of it. False: as decide().
  bool go_on(const GroupName& name, const ToldAlert* known, const Episode& episode,
             const Rule& rule, EventTime settled) {
    if (known == nullptr || known->is_withdrawn) return !episode.is_open();
    if (!known->is_open() && !episode.is_open()) return true;
    const bool both_open = known->is_open() && episode.is_open();
    const AlertTransition& over = known->is_open() ? episode.last : known->last;
    // Until then both go by the same events: it is the state at the beginning that differs.
    if (!both_open && is_over_before(over, settled)) return false;
    const Level level = known->last.level;
    if (both_open && episode.last.level < level && holds_itself(known->last, rule)) return false;
    if (both_open && episode.last.level == level) {
      pin(name, known->last);
      return true;
    }
    Episode since = episode;
    since.last.starts_at = known->last.starts_at;
    change(name, *known, since);
    return true;
  }

  // By episode what was told of it, taken out of `told`; nullptr: nothing. Those of the same id
  // first, so that no id is given to another while its own episode is there.
  static std::vector<const ToldAlert*> match(std::vector<const ToldAlert*>& told,
                                             const std::vector<Episode>& episodes) {
    std::vector<const ToldAlert*> matched(episodes.size(), nullptr);
    const auto take = [&](size_t i, auto&& fits) {
      if (matched[i] != nullptr) return;
      const auto found = std::find_if(told.begin(), told.end(), fits);
      if (found == told.end()) return;
      matched[i] = *found;
      told.erase(found);
    };
    for (size_t i = 0; i < episodes.size(); ++i) {
      take(i, [&](const ToldAlert* alert) { return alert->last.alert == episodes[i].last.alert; });
    }
    for (size_t i = 0; i < episodes.size(); ++i) {
      take(i, [&](const ToldAlert* alert) {
        return !alert->is_withdrawn && meet(*alert, episodes[i]);
      });
    }
    return matched;
  }

  void pin(const GroupName& name, const AlertTransition& last) {
    of_group_.pins[name] = {.alert = last.alert,
                            .seq = last.seq + 1,
                            .starts_at = last.starts_at,
                            .last_at = last.at,
                            .tlp = last.tlp};
  }

  void tell(AlertTransition t, Action action, Hash128 alert, uint32_t seq, Level previous) {
    t.action = action;
    t.alert = alert;
    t.seq = seq;
    t.previous = previous;
    t.retroactive = true;
    of_group_.tell.push_back(std::move(t));
  }

  void fire(const GroupName& name, const Episode& episode, const ToldAlert* before) {
    const Hash128 alert = episode.last.alert;
    const uint32_t seq = before == nullptr ? 0 : before->last.seq + 1;
    AlertTransition first = episode.is_open() ? episode.last : episode.first;
    first.ends_at.reset();
    tell(std::move(first), Action::kFire, alert, seq, Level::kNone);
    if (!episode.is_open()) {
      AlertTransition end = episode.last;
      end.at = std::max(end.at, of_group_.tell.back().at);
      tell(std::move(end), Action::kResolve, alert, seq + 1, episode.last.level);
    } else {
      pin(name, of_group_.tell.back());
    }
  }

  void change(const GroupName& name, const ToldAlert& told, const Episode& episode) {
    AlertTransition t = episode.last;
    t.at = std::max(t.at, told.last.at);
    t.tlp = std::max(t.tlp, told.last.tlp);
    const Hash128 alert = told.last.alert;
    const bool is_same =
        told.is_open() == episode.is_open() && says_the_same(told.last, episode.last);
    if (is_same) {
      if (episode.is_open()) pin(name, told.last);
      return;
    }
    Action action = Action::kUpdate;
    if (!episode.is_open()) {
      action = Action::kResolve;
    } else if (!told.is_open()) {
      action = Action::kFire;
    } else if (t.level != told.last.level) {
      action = t.level > told.last.level ? Action::kEscalate : Action::kDeescalate;
    }
    tell(std::move(t), action, alert, told.last.seq + 1, told.last.level);
    if (episode.is_open()) pin(name, of_group_.tell.back());
  }

  void withdraw(const GroupName& name, const ToldAlert& told) {
    AlertTransition t = told.last;
    const auto rule = std::find_if(bundle_.rules.begin(), bundle_.rules.end(),
                                   [&](const Rule& known) { return known.identity == name.rule; });
    t.rule = static_cast<RuleIndex>(rule - bundle_.rules.begin());
    t.region.reset();
    for (size_t i = 0; i < name.key.size() && i < rule->by.size(); ++i) {
      if (rule->by[i].kind == GroupKey::Kind::kRegion) {
        t.region = bundle_.catalogue->find_region(name.key[i]);
      }
    }
    t.at = std::max(t.at, now_);
    if (!t.ends_at) t.ends_at = t.at;
    t.condition = "what it rested on was taken back or changed: as it stands now, it never held";
    tell(std::move(t), Action::kWithdraw, told.last.alert, told.last.seq + 1, told.last.level);
  }

  const Bundle& bundle_;
  const EventTime now_;
  Reconciled& to_;
  Reconciled of_group_;  // tell and pins
};

}  // namespace

bool holds_itself(const AlertTransition& open, const Rule& rule) {
  const int index = index_of(rule.levels, open.level);
  return open.flapping_since || index < 0 ||
         rule.levels[static_cast<size_t>(index)].exit.has_value();
}

bool Reconciled::is_decided(const Rule& rule, const std::vector<std::string>& key) const {
  if (!knows_alerts && is_over_alerts(rule.kind())) return false;
  return !undecided.contains({rule.identity, key});
}

size_t Reconciled::undecided_rules() const {
  std::set<std::string_view> rules;
  for (const GroupName& group : undecided) rules.insert(group.rule);
  return rules.size();
}

Reconciled reconcile(const ToldAlerts& told, const std::vector<AlertTransition>& decided,
                     const Bundle& bundle, const std::function<bool(const GroupName&)>& touched,
                     const std::function<EventTime(const Rule&)>& known_from, EventTime settled,
                     EventTime now) {
  Episodes episodes = episodes_of(decided, bundle, touched);
  told.for_each_group([&](GroupName name) {
    if (touched(name)) episodes.try_emplace(std::move(name));
  });
  Reconciled result;
  Teller teller(bundle, now, result);
  std::map<std::string_view, std::pair<const Rule*, EventTime>> known;
  for (const Rule& rule : bundle.rules) known[rule.identity] = {&rule, known_from(rule)};
  for (const bool over_alerts : {false, true}) {
    if (over_alerts) result.knows_alerts = result.undecided.empty();
    for (const auto& [name, of_group] : episodes) {
      const auto found = known.find(name.rule);
      if (found == known.end()) continue;  // its alerts ended with the rule
      const auto& [rule, from] = found->second;
      if (is_over_alerts(rule->kind()) != over_alerts || !result.is_decided(*rule, name.key)) {
        continue;
      }
      teller.group(name, told.of(name), of_group, *rule, from,
                   std::max(settled, told.forgotten_before(name.rule)));
    }
  }
  return result;
}

}  // namespace tocsin::rules
