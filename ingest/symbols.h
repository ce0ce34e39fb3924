#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/model/catalogue.h"
#include "rules/model/text_key.h"

namespace tocsin::ingest {

template <typename Id>
using NameTable = absl::flat_hash_map<std::string_view, Id, TextHash, SameText>;

// The names of a Catalogue, indexed for decoding: text → dense id without allocating.
// Thread-safety: immutable after construction.
class Symbols {
 public:
  explicit Symbols(std::shared_ptr<const Catalogue> catalogue);

  const Catalogue& catalogue() const { return *catalogue_; }
  const NameTable<IndicatorId>& indicators() const { return indicators_; }
  const NameTable<SourceId>& sources() const { return sources_; }
  // By id, and by ISO 3166-1 alpha-3 for countries.
  const NameTable<RegionId>& regions() const { return regions_; }
  bool may_send(SourceId source, IndicatorId indicator) const {
    return allowed_[static_cast<size_t>(source)][static_cast<size_t>(indicator)];
  }

  const std::vector<AttrDeclaration>& attrs(IndicatorId indicator) const {
    return *attrs_[static_cast<size_t>(indicator)];
  }
  // Asks for what attrs() will be read for in a moment: of many indicators most are not at hand.
  void prefetch_attrs(IndicatorId indicator) const {
    const std::vector<AttrDeclaration>& declared = attrs(indicator);
    for (const AttrDeclaration& each : declared) __builtin_prefetch(&each);
  }

  // For "did you mean": every name, sorted.
  const std::vector<std::string>& indicator_names() const { return indicator_names_; }
  const std::vector<std::string>& source_names() const { return source_names_; }
  const std::vector<std::string>& region_names() const { return region_names_; }

 private:
  std::shared_ptr<const Catalogue> catalogue_;  // the keys below are views into it
  NameTable<IndicatorId> indicators_;
  NameTable<SourceId> sources_;
  NameTable<RegionId> regions_;
  std::vector<const std::vector<AttrDeclaration>*> attrs_;  // index: IndicatorId
  std::vector<std::vector<bool>> allowed_;                  // [source][indicator]
  std::vector<std::string> indicator_names_;
  std::vector<std::string> source_names_;
  std::vector<std::string> region_names_;
};

// The Symbols in force. Decoders hold the cell, so that batches already queued when a new catalogue
// is activated are decoded with the ids of the new one.
// Thread-safety: the pipeline thread alone, set and decode alike.
class CurrentSymbols {
 public:
  explicit CurrentSymbols(std::shared_ptr<const Catalogue> catalogue) { set(std::move(catalogue)); }
  void set(std::shared_ptr<const Catalogue> catalogue) {
    symbols_ = std::make_shared<const Symbols>(std::move(catalogue));
  }
  const std::shared_ptr<const Symbols>& get() const { return symbols_; }

 private:
  std::shared_ptr<const Symbols> symbols_;
};

}  // namespace tocsin::ingest
