#include "daemon/diff_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "daemon/terminal.h"
#include "rules/model/json_text.h"

namespace tocsin::daemon {

namespace {

using rules::ReloadEffect;
using rules::RuleChange;

constexpr std::array kAllEffects{ReloadEffect::kKeep, ReloadEffect::kRethreshold,
                                 ReloadEffect::kRebuild, ReloadEffect::kNew,
                                 ReloadEffect::kRemoved};
constexpr size_t kFieldsShown = 12;
constexpr size_t kTextShown = 60;  // code points of a field

std::string effect_text(ReloadEffect effect, bool colour) {
  const std::string_view word = to_string(effect);
  if (!colour) return std::string(word);
  switch (effect) {
    case ReloadEffect::kKeep:
      return std::string(word);
    case ReloadEffect::kRethreshold:
      return fmt::format("\x1b[36m{}\x1b[0m", word);
    case ReloadEffect::kRebuild:
      return fmt::format("\x1b[33m{}\x1b[0m", word);
    case ReloadEffect::kNew:
      return fmt::format("\x1b[32m{}\x1b[0m", word);
    case ReloadEffect::kRemoved:
      return fmt::format("\x1b[31m{}\x1b[0m", word);
  }
  return std::string(word);
}

// Calendar spans as they were written, others as people read them.
std::string length_text(Span span) {
  return span.is_calendar() ? format_span(span) : format_duration(span.exact);
}

bool has_warm_up(const RuleChange& change) {
  return change.effect == ReloadEffect::kRebuild || change.effect == ReloadEffect::kNew ||
         !change.signals.empty();
}

std::string warm_up_text(const RuleChange& change) {
  if (!has_warm_up(change)) return "";
  const rules::LookBack& warm_up = change.warm_up;
  if (warm_up.reach.is_zero()) return "at once";
  std::string text = length_text(warm_up.reach);
  if (!warm_up.silent.is_zero()) {
    text += fmt::format(", silent for {}", length_text(warm_up.silent));
  }
  return text;
}

// What of the rule is another, in a word or two.
std::string reason_text(const RuleChange& change) {
  switch (change.effect) {
    case ReloadEffect::kKeep:
    case ReloadEffect::kNew:
      return "";
    case ReloadEffect::kRemoved:
      return "open alerts end";
    case ReloadEffect::kRebuild:
    case ReloadEffect::kRethreshold:
      break;
  }
  std::vector<std::string> keys = change.parts;
  for (const rules::FieldChange& field : change.fields) {
    if (change.effect == ReloadEffect::kRebuild) break;  // the parts say it
    const std::string key = field.path.substr(0, field.path.find('.'));
    if (keys.empty() || keys.back() != key) keys.push_back(key);
  }
  for (const std::string& signal : change.signals) keys.push_back("signal " + signal);
  return fmt::format("{}", fmt::join(keys, ", "));
}

std::string shortened(const std::string& text) {
  if (text.empty()) return "(nothing)";
  size_t points = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_inside = (static_cast<unsigned char>(text[i]) & 0xC0U) == 0x80U;
    if (!is_inside && ++points > kTextShown) return text.substr(0, i) + "…";
  }
  return text;
}

// Two long texts that begin alike would look the same when cut: they are cut before they differ.
std::pair<std::string, std::string> shortened(const rules::FieldChange& field) {
  const auto differ = std::mismatch(field.before.begin(), field.before.end(), field.after.begin(),
                                    field.after.end());
  auto same = static_cast<size_t>(differ.first - field.before.begin());
  if (same <= kTextShown / 2) return {shortened(field.before), shortened(field.after)};
  same -= kTextShown / 4;
  const auto is_inside = [&](size_t i) {
    return i > 0 && (static_cast<unsigned char>(field.before[i]) & 0xC0U) == 0x80U;
  };
  while (is_inside(same)) --same;
  return {"…" + shortened(field.before.substr(same)), "…" + shortened(field.after.substr(same))};
}

std::string fields_text(const RuleChange& change) {
  std::string text;
  const size_t shown = std::min(change.fields.size(), kFieldsShown);
  for (size_t i = 0; i < shown; ++i) {
    const rules::FieldChange& field = change.fields[i];
    const auto [before, after] = shortened(field);
    text += fmt::format("    {}: {} → {}\n", field.path, before, after);
  }
  if (shown < change.fields.size()) {
    text += fmt::format("    … and {} more\n", change.fields.size() - shown);
  }
  return text;
}

std::string counts_text(const rules::BundleDiff& diff) {
  std::vector<std::string> counts;
  for (const ReloadEffect effect : kAllEffects) {
    const int64_t n = diff.count(effect);
    if (n > 0) counts.push_back(fmt::format("{} {}", to_string(effect), n));
  }
  return counts.empty() ? "no rules" : fmt::format("{}", fmt::join(counts, ", "));
}

int64_t seconds(Span span) { return longest(span).count() / 1000; }

std::string to_json(const RuleChange& change) {
  std::string text =
      fmt::format(R"({{"rule":{},"effect":"{}")", json_string(change.id), to_string(change.effect));
  if (change.effect == ReloadEffect::kRebuild) {
    std::vector<std::string> parts;
    for (const std::string& part : change.parts) parts.push_back(json_string(part));
    text += fmt::format(R"(,"parts":[{}])", fmt::join(parts, ","));
  }
  if (!change.fields.empty()) {
    std::vector<std::string> fields;
    for (const rules::FieldChange& field : change.fields) {
      fields.push_back(fmt::format(R"({{"path":{},"before":{},"after":{}}})",
                                   json_string(field.path), json_string(field.before),
                                   json_string(field.after)));
    }
    text += fmt::format(R"(,"fields":[{}])", fmt::join(fields, ","));
  }
  if (!change.signals.empty()) {
    std::vector<std::string> signals;
    for (const std::string& signal : change.signals) signals.push_back(json_string(signal));
    text += fmt::format(R"(,"signals":[{}])", fmt::join(signals, ","));
  }
  if (has_warm_up(change)) {
    text +=
        fmt::format(R"(,"look_back":"{}","look_back_seconds":{},"silent":"{}","silent_seconds":{})",
                    format_span(change.warm_up.reach), seconds(change.warm_up.reach),
                    format_span(change.warm_up.silent), seconds(change.warm_up.silent));
  }
  return text + "}";
}

}  // namespace

std::string diff_text(const rules::BundleDiff& diff, const DiffStyle& style) {
  std::vector<const RuleChange*> shown;
  std::vector<std::vector<std::string>> rows;
  for (const RuleChange& change : diff.rules) {
    if (style.only_changes && change.effect == ReloadEffect::kKeep) continue;
    shown.push_back(&change);
    rows.push_back({change.id, effect_text(change.effect, style.colour), warm_up_text(change),
                    reason_text(change)});
  }
  std::string text;
  if (diff.is_renumbered) {
    text += "The catalogue has other sources, indicators or regions: no state can be kept.\n\n";
  }
  if (!rows.empty()) {
    const std::string table =
        format_table({"rule", "effect", "warming up", "what differs"}, rows, 0);
    size_t at = 0;
    for (size_t line = 0; at < table.size(); ++line) {
      const size_t end = table.find('\n', at);
      std::string_view row = std::string_view(table).substr(at, end - at);
      while (row.ends_with(' ')) row.remove_suffix(1);
      text += fmt::format("{}\n", row);
      if (line > 0) text += fields_text(*shown[line - 1]);
      at = end + 1;
    }
    text += "\n";
  }
  return text + counts_text(diff) + "\n";
}

std::string diff_json(const rules::BundleDiff& diff) {
  std::vector<std::string> counts;
  for (const ReloadEffect effect : kAllEffects) {
    counts.push_back(fmt::format(R"("{}":{})", to_string(effect), diff.count(effect)));
  }
  std::vector<std::string> rules;
  for (const RuleChange& change : diff.rules) rules.push_back(to_json(change));
  return fmt::format(R"({{"same":{},"renumbered":{},"counts":{{{}}},"rules":[{}]}})",
                     diff.is_same(), diff.is_renumbered, fmt::join(counts, ","),
                     fmt::join(rules, ","));
}

}  // namespace tocsin::daemon
