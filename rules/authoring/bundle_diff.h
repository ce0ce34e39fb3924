#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rules/load/rule_loader.h"
#include "rules/look_back.h"
#include "rules/rule.h"

// What a reload would do to each rule.
namespace tocsin::rules {

enum class ReloadEffect : uint8_t {
  kKeep,  // the same rule
  // The same shape: state is kept, the new levels and texts count from the next tick. What it reads
  // may begin anew for all that.
  kRethreshold,
  kRebuild,  // another shape: open alerts end, state begins anew
  kNew,
  kRemoved,  // open alerts end
};
std::string_view to_string(ReloadEffect effect);

// One place at which the rule's author wrote something else: "detect.measures.dead.window".
struct FieldChange {
  std::string path;
  std::string before;  // "": it was not there
  std::string after;
  friend bool operator==(const FieldChange&, const FieldChange&) = default;
};

struct RuleChange {
  std::string id;
  ReloadEffect effect = ReloadEffect::kKeep;
  std::vector<std::string> parts;    // of kRebuild: of the shape that changed, see changed_parts()
  std::vector<FieldChange> fields;   // of kRethreshold and kRebuild
  std::vector<std::string> signals;  // that it reads and that begin anew
  LookBack warm_up;                  // of kRebuild and kNew; of kRethreshold that of the signals
};

struct BundleDiff {
  // The catalogue has other sources, indicators or regions, so that the engine can keep no state:
  // rules that it would have kept are kRebuild, with "catalogue" among their parts.
  bool is_renumbered = false;
  std::vector<RuleChange> rules;  // of both bundles, by id
  bool is_same() const;
  int64_t count(ReloadEffect effect) const;
};

BundleDiff diff_bundles(const LoadedBundle& before, const LoadedBundle& after);

}  // namespace tocsin::rules
