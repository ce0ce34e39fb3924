#include "tests/oracle/over_alerts.h"

#include <array>

namespace tocsin::rules::oracle {

namespace {

cel::Outcome run(const Case& of, const cel::Program& program, const Stretch& stretch,
                 Arena& arena) {
  const Rule& rule = of.bundle.rules[stretch.rule];
  const auto text = [](std::string_view t) { return cel::Value::of_string(t); };
  const auto rank = cel::Value::of_int(static_cast<int64_t>(stretch.level));
  const std::array values = {text(rule.id),
                             text(rule.package),
                             text(to_string(rule.driver)),
                             text(to_string(rule.stage)),
                             text(of.catalogue().region(stretch.region).id),
                             rank,
                             rank};
  return program.run(nullptr, values, arena);
}

}  // namespace

std::vector<Stretch> stretches_of(const Case& of, const std::vector<Said>& alerts) {
  std::vector<Stretch> stretches;
  size_t alert = 0;
  for (const Said& said : alerts) {
    const Rule& rule = of.bundle.rules[said.rule];
    const auto region = region_of(of.catalogue(), rule.by, said.group);
    if (!region) continue;
    if (said.action == Action::kFire) {
      ++alert;
    } else {
      stretches.back().to = said.at;
    }
    if (said.action == Action::kResolve) continue;
    stretches.push_back({alert, said.rule, *region, said.level, said.at, kMaxEventTime});
  }
  std::erase_if(stretches, [](const Stretch& stretch) { return stretch.from == stretch.to; });
  return stretches;
}

bool is_selected(const Case& of, const AlertSelect& select, const Stretch& stretch) {
  const RuleStatus status = of.bundle.rules[stretch.rule].status;
  if (select.production_only && status != RuleStatus::kProduction) return false;
  Arena arena(4096);
  const cel::Outcome outcome = run(of, select.condition, stretch, arena);
  return outcome.ok() && outcome.value.boolean();
}

std::optional<std::string> text_of(const Case& of, const cel::Program& program,
                                   const Stretch& stretch) {
  Arena arena(4096);
  const cel::Outcome outcome = run(of, program, stretch, arena);
  if (!outcome.ok()) return std::nullopt;
  return std::string(outcome.value.text());
}

std::optional<double> number_of(const Case& of, const cel::Program& program,
                                const Stretch& stretch) {
  Arena arena(4096);
  const cel::Outcome outcome = run(of, program, stretch, arena);
  if (!outcome.ok()) return std::nullopt;
  if (outcome.value.kind() == cel::Kind::kInt) return static_cast<double>(outcome.value.integer());
  return outcome.value.real();
}

std::vector<RegionId> places_of(const Catalogue& catalogue, RegionLevel level) {
  std::vector<RegionId> places;
  for (size_t i = 0; i < catalogue.regions().size(); ++i) {
    if (catalogue.regions()[i].level == level) places.push_back(static_cast<RegionId>(i));
  }
  return places;
}

}  // namespace tocsin::rules::oracle
