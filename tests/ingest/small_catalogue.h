#pragma once

#include <memory>

#include "ingest/symbols.h"
#include "rules/model/catalogue.h"

namespace tocsin::ingest {

inline AttrDeclaration attr(std::string name, AttrType type) {
  AttrDeclaration declared;
  declared.name = std::move(name);
  declared.type = type;
  return declared;
}

// A catalogue with one of everything that decoding looks at: two sources, typed attrs, a province.
inline std::shared_ptr<const Catalogue> small_catalogue() {
  Catalogue::Draft draft;
  Indicator deaths;
  deaths.name = "violence.state_based";
  deaths.unit = "deaths";
  deaths.attrs = {attr("high", AttrType::kInt), attr("low", AttrType::kInt),
                  attr("share", AttrType::kDouble), attr("weapon", AttrType::kString)};
  deaths.attrs.back().values = {"shelling", "small arms"};
  Indicator index;
  index.name = "corruption.control_index";
  index.driver = Driver::kCorruption;
  index.polarity = Polarity::kProtective;
  index.non_negative = false;
  index.attrs = {attr("year", AttrType::kInt)};
  index.attrs.back().required = true;
  Indicator arrest;
  arrest.name = "rights.arrest";
  arrest.driver = Driver::kHumanRights;
  arrest.attrs = {attr("charged", AttrType::kBool)};
  draft.indicators = {deaths, index, arrest};
  Source ged;
  ged.name = "ucdp-ged";
  ged.reliability = 0.9;
  ged.tlp = Tlp::kClear;
  Source desk;
  desk.name = "centre-desk";
  desk.extra_attrs = true;
  draft.sources = {{ged, {"violence.state_based"}},
                   {desk, {"violence.state_based", "corruption.control_index", "rights.arrest"}}};
  Region syria;
  syria.id = "SY";
  syria.iso3 = "SYR";
  syria.names = {{"en", "Syria"}};
  Region daraa;
  daraa.id = "SY-DR";
  daraa.level = RegionLevel::kAdmin1;
  draft.regions = {{syria, ""}, {daraa, "SY"}};
  return std::make_shared<const Catalogue>(std::move(draft));
}

inline std::shared_ptr<CurrentSymbols> small_symbols() {
  return std::make_shared<CurrentSymbols>(small_catalogue());
}

}  // namespace tocsin::ingest
