#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rules/load/bundle_text.h"
#include "rules/model/catalogue.h"

namespace tocsin::rules {

// Reads catalogue files (`catalogue/1`) and the tables that they name. nullptr when anything is
// wrong; then `diagnostics` has all of it.
//
// The same files in any order and any division give the same Catalogue.
std::shared_ptr<const Catalogue> load_catalogue(const std::vector<std::string>& paths,
                                                Diagnostics& diagnostics);

// The same from texts; `rules` is not looked at.
std::shared_ptr<const Catalogue> load_catalogue(const BundleText& text, Diagnostics& diagnostics);

}  // namespace tocsin::rules
