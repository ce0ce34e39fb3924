#include "ingest/symbols.h"

namespace tocsin::ingest {

Symbols::Symbols(std::shared_ptr<const Catalogue> catalogue) : catalogue_(std::move(catalogue)) {
  const size_t indicator_count = catalogue_->indicators().size();
  for (size_t i = 0; i < indicator_count; ++i) {
    const Indicator& indicator = catalogue_->indicators()[i];
    indicators_.emplace(indicator.name, static_cast<IndicatorId>(i));
    indicator_names_.push_back(indicator.name);
    attrs_.push_back(&indicator.attrs);
  }
  for (size_t i = 0; i < catalogue_->sources().size(); ++i) {
    const Source& source = catalogue_->sources()[i];
    sources_.emplace(source.name, static_cast<SourceId>(i));
    source_names_.push_back(source.name);
    std::vector<bool>& allowed = allowed_.emplace_back(indicator_count, false);
    for (const IndicatorId id : source.indicators) allowed[static_cast<size_t>(id)] = true;
  }
  for (size_t i = 0; i < catalogue_->regions().size(); ++i) {
    const Region& region = catalogue_->regions()[i];
    regions_.emplace(region.id, static_cast<RegionId>(i));
    region_names_.push_back(region.id);
  }
  // After the ids, which win where an alpha-3 code should equal one.
  for (size_t i = 0; i < catalogue_->regions().size(); ++i) {
    const Region& region = catalogue_->regions()[i];
    if (!region.iso3.empty()) regions_.emplace(region.iso3, static_cast<RegionId>(i));
  }
}

}  // namespace tocsin::ingest
