#pragma once

#include <string>
#include <vector>

#include "rules/model/catalogue.h"
#include "rules/rule.h"

namespace tocsin::rules {

struct Group;

// From the key of one rule's group to that of another's: the same parts, or the region that holds
// the group's.
// Thread-safety: immutable after construction.
class KeyMap {
 public:
  KeyMap() = default;
  // Every part of `to` is one of `from`, or a coarser region (the loader has seen to it).
  KeyMap(const std::vector<GroupKey>& from, const std::vector<GroupKey>& to);

  // False where the group has no such key: it lies in no known region.
  bool apply(const Catalogue& catalogue, const Group& group, std::vector<std::string>& key) const;

 private:
  struct Part {
    size_t own = 0;
    bool is_region = false;
    RegionLevel level = RegionLevel::kCountry;
  };
  std::vector<Part> parts_;
};

// The part of `by` that a key can be taken from; nullptr when there is none.
const GroupKey* part_for(const std::vector<GroupKey>& by, const GroupKey& wanted);

}  // namespace tocsin::rules
