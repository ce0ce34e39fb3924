#include "daemon/rules_in_force.h"

#include <algorithm>
#include <utility>

namespace tocsin::daemon {

RulesInForce::Rules RulesInForce::present() const {
  const std::scoped_lock lock(mutex_);
  return rules_;
}

void RulesInForce::put(Rules rules) {
  const std::scoped_lock lock(mutex_);
  rules_ = std::move(rules);
}

std::vector<Level> RulesInForce::levels_of(const std::string& rule) const {
  const std::shared_ptr<const rules::Bundle> bundle = present().bundle;
  std::vector<Level> levels;
  const auto found =
      std::lower_bound(bundle->rules.begin(), bundle->rules.end(), rule,
                       [](const rules::Rule& r, const std::string& id) { return r.id < id; });
  if (found == bundle->rules.end() || found->id != rule) return levels;
  for (const rules::LevelSpec& spec : found->levels) levels.push_back(spec.level);
  return levels;
}

void RulesInForce::remember_load(bool accepted, std::vector<std::string> diagnostics) {
  const std::scoped_lock lock(mutex_);
  load_.successful = accepted;
  load_.diagnostics = std::move(diagnostics);
  if (accepted) {
    load_.last_success = std::chrono::floor<Milliseconds>(std::chrono::system_clock::now());
  }
}

ReloadStatus RulesInForce::last_load() const {
  const std::scoped_lock lock(mutex_);
  return load_;
}

}  // namespace tocsin::daemon
