#include "daemon/check_report.h"

#include <fmt/format.h>

#include <vector>

#include "daemon/terminal.h"
#include "rules/authoring/bundle_summary.h"
#include "rules/load/budget.h"
#include "rules/model/json_text.h"

namespace tocsin::daemon {

namespace {

std::string to_json(const Diagnostic& d) {
  return fmt::format(
      R"({{"severity":"{}","code":{},"file":{},"line":{},"column":{},"message":{},"hint":{}}})",
      d.severity == Severity::kError ? "error" : "warning", json_string(d.code),
      json_string(d.place.file), d.place.line, d.place.column, json_string(d.message),
      json_string(d.hint));
}

std::string counted(size_t n, const char* noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

std::string counts_line(const rules::Bundle* bundle, const Diagnostics& diagnostics) {
  std::string text = counted(static_cast<size_t>(diagnostics.errors()), "error") + ", " +
                     counted(static_cast<size_t>(diagnostics.warnings()), "warning");
  if (bundle == nullptr) return text;
  const Catalogue& catalogue = *bundle->catalogue;
  return counted(bundle->rules.size(), "rule") + ", " +
         counted(catalogue.indicators().size(), "indicator") + ", " +
         counted(catalogue.sources().size(), "source") + ", " +
         counted(catalogue.regions().size(), "region") + ": " + text;
}

template <typename Key>
std::string counts_text(const std::map<Key, size_t>& counts) {
  std::vector<std::string> parts;
  for (const auto& [key, n] : counts) parts.push_back(fmt::format("{} {}", to_string(key), n));
  return fmt::format("{}", fmt::join(parts, ", "));
}

template <typename Key>
std::string counts_json(const std::map<Key, size_t>& counts) {
  std::vector<std::string> parts;
  for (const auto& [key, n] : counts) {
    parts.push_back(fmt::format(R"("{}":{})", to_string(key), n));
  }
  return fmt::format("{{{}}}", fmt::join(parts, ","));
}

std::string summary_text(const rules::Bundle& bundle) {
  const rules::BundleSummary summary = rules::summarize(bundle);
  if (bundle.rules.empty()) return {};
  std::string text = fmt::format("status:  {}\ndrivers: {}\n", counts_text(summary.by_status),
                                 counts_text(summary.by_driver));
  text += fmt::format("state:   at most about {} in a busy time; the dearest rules:\n",
                      rules::readable_bytes(summary.state_bytes));
  for (const rules::RuleCost& cost : summary.dearest) {
    text += fmt::format("  {:>10}  {}: {} of {}\n", rules::readable_bytes(cost.bytes()), cost.rule,
                        counted(cost.groups, "group"), rules::readable_bytes(cost.bytes_per_group));
  }
  if (summary.unread.empty()) return text;
  // Somebody's own few rules leave out most of the catalogue, which is no news.
  const bool is_most = 2 * summary.unread.size() > bundle.catalogue->indicators().size();
  text += fmt::format("unread:  {} that no rule here looks at{}\n",
                      counted(summary.unread.size(), "indicator"),
                      is_most ? "; `--format json` names them" : ":");
  if (is_most) return text;
  for (const std::string& name : summary.unread) text += fmt::format("  {}\n", name);
  return text;
}

std::string summary_json(const rules::Bundle& bundle) {
  const rules::BundleSummary summary = rules::summarize(bundle);
  std::vector<std::string> dearest;
  for (const rules::RuleCost& cost : summary.dearest) {
    dearest.push_back(fmt::format(R"({{"rule":{},"groups":{},"bytes_per_group":{},"bytes":{}}})",
                                  json_string(cost.rule), cost.groups, cost.bytes_per_group,
                                  cost.bytes()));
  }
  std::vector<std::string> unread;
  for (const std::string& name : summary.unread) unread.push_back(json_string(name));
  return fmt::format(
      R"("status":{},"drivers":{},"state":{{"bytes":{},"dearest":[{}]}},"unread":[{}])",
      counts_json(summary.by_status), counts_json(summary.by_driver), summary.state_bytes,
      fmt::join(dearest, ","), fmt::join(unread, ","));
}

}  // namespace

std::string check_text(const rules::Bundle* bundle, const Diagnostics& diagnostics, bool colour) {
  std::string text;
  for (const Diagnostic& d : diagnostics.sorted()) text += diagnostic_text(d, colour) + "\n";
  text += counts_line(bundle, diagnostics) + "\n";
  if (bundle != nullptr) text += summary_text(*bundle);
  return text;
}

std::string check_json(const rules::Bundle* bundle, const Diagnostics& diagnostics, bool good) {
  std::vector<std::string> list;
  for (const Diagnostic& d : diagnostics.sorted()) list.push_back(to_json(d));
  std::string counts;
  if (bundle != nullptr) {
    counts = fmt::format(R"("rules":{},"indicators":{},"sources":{},"regions":{},"hash":"{}",{},)",
                         bundle->rules.size(), bundle->catalogue->indicators().size(),
                         bundle->catalogue->sources().size(), bundle->catalogue->regions().size(),
                         to_hex(bundle->hash), summary_json(*bundle));
  }
  return fmt::format(R"({{"good":{},{}"errors":{},"warnings":{},"diagnostics":[{}]}})", good,
                     counts, diagnostics.errors(), diagnostics.warnings(), fmt::join(list, ","));
}

}  // namespace tocsin::daemon
