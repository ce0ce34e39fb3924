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

// A bundle and the text that makes it.
struct LoadedBundle {
  BundleText text;
  std::shared_ptr<const Bundle> bundle;
};

// Reads the files and compiles them. What cannot be read counts as what cannot be compiled: of
// rules of which a folder has gone no part is loaded, and `bundle` is nullptr.
LoadedBundle read_bundle(const BundlePaths& paths, Diagnostics& diagnostics,
                         std::optional<WallTime> today = std::nullopt);

// The same, of which the text is not needed.
std::shared_ptr<const Bundle> load_bundle(const BundlePaths& paths, Diagnostics& diagnostics,
                                          std::optional<WallTime> today = std::nullopt);

// Rules over a catalogue that is loaded already (tests of rule files).
std::shared_ptr<const Bundle> load_rules(const BundleText& text,
                                         std::shared_ptr<const Catalogue> catalogue,
                                         Diagnostics& diagnostics,
                                         std::optional<WallTime> today = std::nullopt);

}  // namespace tocsin::rules
