#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rules/model/catalogue.h"

namespace tocsin::testing {

// A small catalogue for tests; names are told, numbers follow.
class CatalogueBuilder {
 public:
  CatalogueBuilder& indicator(std::string name, std::vector<AttrDeclaration> attrs = {}) {
    Indicator indicator;
    indicator.name = std::move(name);
    indicator.attrs = std::move(attrs);
    draft_.indicators.push_back(std::move(indicator));
    return *this;
  }
  CatalogueBuilder& source(std::string name, Milliseconds lateness,
                           std::vector<std::string> indicators,
                           std::optional<EventTime> onboarded = std::nullopt) {
    Source source;
    source.name = std::move(name);
    source.lateness = lateness;
    source.idle = std::chrono::hours(24);
    source.correction_horizon = std::chrono::hours(24 * 45);
    source.onboarded = onboarded;
    draft_.sources.push_back({std::move(source), std::move(indicators)});
    return *this;
  }
  CatalogueBuilder& country(std::string id, std::map<std::string, std::string> names = {}) {
    Region region;
    region.id = std::move(id);
    region.names = std::move(names);
    draft_.regions.push_back({std::move(region), ""});
    return *this;
  }
  CatalogueBuilder& admin1(std::string id, std::string parent) {
    Region region;
    region.id = std::move(id);
    region.level = RegionLevel::kAdmin1;
    draft_.regions.push_back({std::move(region), std::move(parent)});
    return *this;
  }
  std::shared_ptr<const Catalogue> build() const {
    return std::make_shared<const Catalogue>(draft_);
  }

 private:
  Catalogue::Draft draft_;
};

// Two indicators, two sources with a day of lateness, two countries with a few districts.
inline std::shared_ptr<const Catalogue> small_world(
    Milliseconds lateness = std::chrono::hours(24)) {
  return CatalogueBuilder()
      .indicator("violence.attack", {{"side", AttrType::kString, false, {}, 100}})
      .indicator("justice.inquiry_opened")
      .source("desk", lateness, {"violence.attack", "justice.inquiry_opened"})
      .source("monitor", lateness, {"violence.attack"})
      .country("XA", {{"en", "Aland"}, {"fr", "Alandie"}})
      .country("XB", {{"en", "Beland"}})
      .admin1("XA-1", "XA")
      .admin1("XA-2", "XA")
      .admin1("XB-1", "XB")
      .build();
}

}  // namespace tocsin::testing
