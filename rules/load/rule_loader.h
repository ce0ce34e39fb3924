#pragma once

#include <memory>
#include <optional>
#include <string>

#include "rules/load/bundle_text.h"
#include "rules/model/diagnostic.h"
#include "rules/rule.h"

namespace tocsin::rules {

// Compiles catalogue and rules into what an engine runs. nullptr when anything is wrong; then
// `diagnostics` has all of it, so that an author sees every mistake at once. Warnings alone do not
// keep a bundle from loading.
//
// The same texts give the same bundle, whatever their order or the names of their files, and
// whatever day it is: `today` only decides what is warned of, such as exceptions that end soon.
std::shared_ptr<const Bundle> load_bundle(const BundleText& text, Diagnostics& diagnostics,
                                          std::optional<WallTime> today = std::nullopt);

// The same as load_bundle(read_bundle_text(paths)).
std::shared_ptr<const Bundle> load_bundle(const BundlePaths& paths, Diagnostics& diagnostics,
                                          std::optional<WallTime> today = std::nullopt);

// Rules over a catalogue that is loaded already (tests of rule files).
std::shared_ptr<const Bundle> load_rules(const BundleText& text,
                                         std::shared_ptr<const Catalogue> catalogue,
                                         Diagnostics& diagnostics,
                                         std::optional<WallTime> today = std::nullopt);

}  // namespace tocsin::rules
