#include "rules/authoring/bundle_diff.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "rules/authoring/rule_fields.h"
#include "rules/engine.h"
#include "rules/load/shape.h"

namespace tocsin::rules {

namespace {

constexpr const char* kCatalogue = "catalogue";

std::vector<FieldChange> changed_fields(const RuleSource& before, const RuleSource& after) {
  const auto old_fields = fields_of(before);
  const auto new_fields = fields_of(after);
  std::vector<FieldChange> changes;
  for (const auto& [path, text] : new_fields) {
    const auto old = old_fields.find(path);
    const std::string was = old == old_fields.end() ? "" : old->second;
    if (was != text) changes.push_back({path, was, text});
  }
  for (const auto& [path, text] : old_fields) {
    if (!new_fields.contains(path)) changes.push_back({path, text, ""});
  }
  std::sort(changes.begin(), changes.end(),
            [](const FieldChange& a, const FieldChange& b) { return a.path < b.path; });
  return changes;
}

// They may stand in any file, so not in the rule's source.
std::string text_of(const std::vector<Exception>& exceptions) {
  std::vector<std::string> texts;
  for (const Exception& exception : exceptions) texts.push_back(text_of(exception));
  return texts.empty() ? "" : list_text(texts);
}

// Reads the files again once a rule has changed: for most there is no need.
class SourcesWhenAsked {
 public:
  explicit SourcesWhenAsked(const BundleText& text) : text_(text) {}
  const std::vector<RuleSource>& get() {
    if (!sources_) sources_ = read_rule_sources(text_);
    return *sources_;
  }

 private:
  const BundleText& text_;
  std::optional<std::vector<RuleSource>> sources_;
};

class BundleComparison {
 public:
  BundleComparison(const LoadedBundle& before, const LoadedBundle& after)
      : before_(*before.bundle),
        after_(*after.bundle),
        old_sources_(before.text),
        new_sources_(after.text) {
    diff_.is_renumbered = fingerprint(*before_.catalogue) != fingerprint(*after_.catalogue);
  }

  BundleDiff run() {
    std::map<std::string_view, const Rule*> fresh;
    for (const Rule& rule : after_.rules) fresh[rule.identity] = &rule;
    for (const Rule& old : before_.rules) {
      const auto found = fresh.find(old.identity);
      if (found == fresh.end()) {
        add(old.id, ReloadEffect::kRemoved);
      } else {
        compare(old, *found->second);
        fresh.erase(found);
      }
    }
    for (const auto& [identity, rule] : fresh) {
      RuleChange& change = add(rule->id, ReloadEffect::kNew);
      change.warm_up = look_back(*rule);
      add_signals(*rule, change);
    }
    std::sort(diff_.rules.begin(), diff_.rules.end(),
              [](const RuleChange& a, const RuleChange& b) { return a.id < b.id; });
    return std::move(diff_);
  }

 private:
  RuleChange& add(const std::string& id, ReloadEffect effect) {
    RuleChange& change = diff_.rules.emplace_back();
    change.id = id;
    change.effect = effect;
    return change;
  }

  void compare(const Rule& old, const Rule& fresh) {
    RuleChange& change = add(fresh.id, ReloadEffect::kKeep);
    if (old.shape != fresh.shape || diff_.is_renumbered) {
      change.effect = ReloadEffect::kRebuild;
      change.parts = changed_parts(old.shape_text, fresh.shape_text);
      if (diff_.is_renumbered && (change.parts.empty() || change.parts.back() != kCatalogue)) {
        change.parts.emplace_back(kCatalogue);
      }
      change.warm_up = look_back(fresh);
    } else if (old.hash != fresh.hash) {
      change.effect = ReloadEffect::kRethreshold;
    }
    add_signals(fresh, change);
    if (!change.signals.empty() && change.effect == ReloadEffect::kKeep) {
      change.effect = ReloadEffect::kRethreshold;
    }
    if (old.hash == fresh.hash) return;
    const RuleSource* before = find_source(old_sources_.get(), old.id);
    const RuleSource* after = find_source(new_sources_.get(), fresh.id);
    if (before != nullptr && after != nullptr) change.fields = changed_fields(*before, *after);
    const std::string were = text_of(old.exceptions);
    const std::string are = text_of(fresh.exceptions);
    if (were != are) change.fields.push_back({"exceptions", were, are});
  }

  bool begins_anew(const Signal& signal) const {
    const auto old = std::find_if(before_.signals.begin(), before_.signals.end(),
                                  [&](const Signal& other) { return other.key == signal.key; });
    return diff_.is_renumbered || old == before_.signals.end() ||
           old->rule.shape != signal.rule.shape;
  }

  // A rule knows no more than the signals that it reads.
  void add_signals(const Rule& rule, RuleChange& change) const {
    std::set<std::string_view> read;
    for (const Rule* reader : {&rule, rule.arming ? &rule.arming->rule : nullptr}) {
      if (reader == nullptr) continue;
      for (const SignalUse& use : reader->signals) {
        read.insert(use.signals.begin(), use.signals.end());
      }
    }
    for (const Signal& signal : after_.signals) {
      if (!read.contains(signal.key) || !begins_anew(signal)) continue;
      change.signals.push_back(signal.key);
      const Span reach = look_back(signal.rule).reach;
      if (longest(change.warm_up.reach) < longest(reach)) change.warm_up.reach = reach;
    }
  }

  const Bundle& before_;
  const Bundle& after_;
  SourcesWhenAsked old_sources_;
  SourcesWhenAsked new_sources_;
  BundleDiff diff_;
};

}  // namespace

std::string_view to_string(ReloadEffect effect) {
  switch (effect) {
    case ReloadEffect::kKeep:
      return "keep";
    case ReloadEffect::kRethreshold:
      return "re-threshold";
    case ReloadEffect::kRebuild:
      return "rebuild";
    case ReloadEffect::kNew:
      return "new";
    case ReloadEffect::kRemoved:
      return "removed";
  }
  return "";
}

bool BundleDiff::is_same() const {
  return count(ReloadEffect::kKeep) == static_cast<int64_t>(rules.size());
}

int64_t BundleDiff::count(ReloadEffect effect) const {
  return std::count_if(rules.begin(), rules.end(),
                       [&](const RuleChange& change) { return change.effect == effect; });
}

BundleDiff diff_bundles(const LoadedBundle& before, const LoadedBundle& after) {
  return BundleComparison(before, after).run();
}

}  // namespace tocsin::rules
