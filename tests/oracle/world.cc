#include "tests/oracle/world.h"

#include <fmt/format.h>

#include <cstdlib>

#include "rules/load/rule_loader.h"
#include "rules/model/check.h"

namespace tocsin::rules::oracle {

namespace {

constexpr Milliseconds kHorizon = 10 * kDay;  // of corrections; older events are refused

Indicator indicator(std::string name, std::vector<AttrDeclaration> attrs) {
  Indicator made;
  made.name = std::move(name);
  made.attrs = std::move(attrs);
  made.cadence = 5 * kDay;
  return made;
}

AttrDeclaration text_attr(std::string name) {
  return {.name = std::move(name),
          .type = AttrType::kString,
          .required = false,
          .values = {},
          .cardinality = 20};
}

Source source(std::string name, Milliseconds lateness) {
  Source made;
  made.name = std::move(name);
  made.lateness = lateness;
  made.idle = 10'000 * kDay;  // no heartbeats
  made.correction_horizon = kHorizon;
  return made;
}

}  // namespace

std::shared_ptr<const Catalogue> world() {
  Catalogue::Draft draft;
  draft.indicators = {
      indicator("violence.attack", {text_attr("method"), text_attr("side")}),
      indicator("justice.inquiry", {text_attr("side")}),
      indicator("exclusion.index", {}),
      indicator("economy.growth", {}),
  };
  Source monitor = source("monitor", 2 * kDay);
  monitor.onboarded = kStart + 12 * kDay;
  draft.sources = {
      {source("desk", kDay), {"violence.attack", "justice.inquiry"}},
      {monitor, {"violence.attack", "justice.inquiry", "exclusion.index"}},
      {source("panel", 60 * kDay), {"economy.growth"}},  // nothing comes of it, so it holds nobody
  };
  for (const char* id : {"XA", "XB", "XC"}) {
    Region country;
    country.id = id;
    draft.regions.push_back({country, ""});
  }
  for (const auto& [id, parent] : {std::pair("XA-1", "XA"), {"XA-2", "XA"}, {"XB-1", "XB"}}) {
    Region province;
    province.id = id;
    province.level = RegionLevel::kAdmin1;
    draft.regions.push_back({province, parent});
  }
  draft.borders = {{"XA", "XB"}, {"XB", "XA"}, {"XB", "XC"}, {"XC", "XB"}};
  return std::make_shared<const Catalogue>(std::move(draft));
}

std::shared_ptr<const Bundle> rules_of(const std::string& kind) {
  const std::string path = fmt::format("{}/tests/oracle/rules/{}.yaml", TOCSIN_SOURCE_DIR, kind);
  Diagnostics diagnostics;
  const BundleText text = read_bundle_text({.catalogue = {}, .rules = {path}}, diagnostics);
  auto bundle = load_rules(text, world(), diagnostics);
  for (const Diagnostic& d : diagnostics.all()) {
    if (d.severity == Severity::kError) fmt::print(stderr, "{}\n", to_text(d));
  }
  TOCSIN_CHECK(bundle != nullptr);
  return bundle;
}

std::optional<uint32_t> asked_for(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  return static_cast<uint32_t>(std::stoul(text));
}

}  // namespace tocsin::rules::oracle
