#include "rules/model/catalogue.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

Catalogue::Draft::RegionDraft region(std::string id, std::string parent, std::string iso3 = {}) {
  Catalogue::Draft::RegionDraft draft;
  draft.region.id = std::move(id);
  draft.region.iso3 = std::move(iso3);
  draft.region.names = {{"en", draft.region.id + " in English"}};
  draft.parent_id = std::move(parent);
  return draft;
}

Catalogue small_catalogue() {
  Catalogue::Draft draft;
  for (const char* name : {"violence.protest", "corruption.case"}) {
    Indicator indicator;
    indicator.name = name;
    draft.indicators.push_back(indicator);
  }
  Catalogue::Draft::SourceDraft source;
  source.source.name = "desk";
  source.indicator_names = {"violence.protest"};
  draft.sources.push_back(source);
  draft.regions = {region("TR", "", "TUR"), region("SY", "", "SYR"), region("SY-DR", "SY"),
                   region("SY-DR-01", "SY-DR")};
  draft.borders = {{"SY", "TR"}, {"TR", "SY"}, {"SY", "TR"}};
  return Catalogue(std::move(draft));
}

TEST(Catalogue, LiftsARegionToItsAncestor) {
  const Catalogue catalogue = small_catalogue();
  const RegionId village = catalogue.find_region("SY-DR-01").value();
  EXPECT_EQ(catalogue.region(village).level, RegionLevel::kAdmin2);
  EXPECT_EQ(catalogue.lift(village, RegionLevel::kAdmin1), catalogue.find_region("SY-DR"));
  EXPECT_EQ(catalogue.lift(village, RegionLevel::kCountry), catalogue.find_region("SYR"));
  EXPECT_FALSE(catalogue.lift(catalogue.find_region("SY").value(), RegionLevel::kAdmin1));
}

TEST(Catalogue, NumbersFollowTheNamesWhateverTheOrderOfReading) {
  const Catalogue catalogue = small_catalogue();
  EXPECT_EQ(catalogue.indicators()[0].name, "corruption.case");
  EXPECT_EQ(catalogue.find_indicator("violence.protest"), static_cast<IndicatorId>(1));
  EXPECT_EQ(catalogue.sources_of(static_cast<IndicatorId>(1)).size(), 1U);
  EXPECT_TRUE(catalogue.sources_of(static_cast<IndicatorId>(0)).empty());
}

TEST(Catalogue, NamesFallBackToEnglishThenToTheId) {
  const Catalogue catalogue = small_catalogue();
  const RegionId syria = catalogue.find_region("SY").value();
  EXPECT_EQ(catalogue.region_name(syria, "ar"), "SY in English");
  EXPECT_EQ(catalogue.neighbours(syria).size(), 1U);
}

TEST(NearestName, FindsAMisspellingAndNothingFarAway) {
  EXPECT_EQ(nearest_name("violense.protest", {"violence.protest", "corruption.case"}),
            "violence.protest");
  EXPECT_EQ(nearest_name("weather.rain", {"violence.protest", "corruption.case"}), "");
}

}  // namespace
}  // namespace tocsin
