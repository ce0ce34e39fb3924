#include "rules/testing/test_names.h"

#include <fmt/format.h>

#include <algorithm>

namespace tocsin::rules {

namespace {

class NameCheck {
 public:
  NameCheck(const std::vector<std::shared_ptr<const Bundle>>& bundles, Diagnostics& diagnostics)
      : bundles_(bundles), diagnostics_(diagnostics) {}

  template <typename Expected>
  void look_at(const std::vector<Expected>& all) {
    for (const Expected& expected : all) look_at(expected.place, expected.rule, expected.group);
  }

 private:
  void look_at(const Place& place, const std::string& name,
               const std::map<std::string, std::string>& group) {
    const Rule* rule = find(name);
    if (rule == nullptr) return refuse_rule(place, name);
    std::vector<std::string> keys;
    for (const GroupKey& key : rule->by) keys.push_back(key.name);
    for (const auto& [key, value] : group) {
      if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
      diagnostics_.error("T0425", place,
                         fmt::format("the rule `{}` does not group by `{}`", rule->id, key),
                         keys.empty() ? "it has one group for all"
                                      : fmt::format("it groups by: {}", fmt::join(keys, ", ")));
    }
  }

  const Rule* find(const std::string& name) const {
    for (const auto& bundle : bundles_) {
      for (const Rule& rule : bundle->rules) {
        if (rule.id == name || rule.name == name) return &rule;
      }
      const Rule& overflow = bundle->overflow;
      if (overflow.id == name || overflow.name == name) return &overflow;
    }
    return nullptr;
  }

  void refuse_rule(const Place& place, const std::string& name) {
    std::vector<std::string> names;
    for (const auto& bundle : bundles_) {
      for (const Rule& rule : bundle->rules) {
        names.push_back(name.find('/') == std::string::npos ? rule.name : rule.id);
      }
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    const std::string near = nearest_name(name, names);
    constexpr size_t kListed = 8;
    std::string hint = near.empty() ? "" : "did you mean `" + near + "`?";
    if (near.empty() && names.size() <= kListed) {
      hint = fmt::format("the files have: {}", fmt::join(names, ", "));
    }
    diagnostics_.error("T0424", place, "there is no rule `" + name + "` in the files of this test",
                       std::move(hint));
  }

  const std::vector<std::shared_ptr<const Bundle>>& bundles_;
  Diagnostics& diagnostics_;
};

}  // namespace

void check_test_names(const RuleTest& test,
                      const std::vector<std::shared_ptr<const Bundle>>& bundles,
                      Diagnostics& diagnostics) {
  NameCheck check(bundles, diagnostics);
  for (const TestStep& step : test.steps) {
    if (step.alerts) check.look_at(*step.alerts);
    if (step.log) check.look_at(*step.log);
    check.look_at(step.states);
  }
}

}  // namespace tocsin::rules
