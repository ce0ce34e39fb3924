#include "rules/key_map.h"

#include "rules/detector.h"
#include "rules/model/check.h"

namespace tocsin::rules {

const GroupKey* part_for(const std::vector<GroupKey>& by, const GroupKey& wanted) {
  for (const GroupKey& part : by) {
    if (part.kind != wanted.kind || part.attr != wanted.attr) continue;
    if (part.kind != GroupKey::Kind::kRegion || part.level >= wanted.level) return &part;
  }
  return nullptr;
}

KeyMap::KeyMap(const std::vector<GroupKey>& from, const std::vector<GroupKey>& to) {
  for (const GroupKey& wanted : to) {
    const GroupKey* own = part_for(from, wanted);
    TOCSIN_CHECK(own != nullptr);
    parts_.push_back({.own = static_cast<size_t>(own - from.data()),
                      .is_region = wanted.kind == GroupKey::Kind::kRegion,
                      .level = wanted.level});
  }
}

bool KeyMap::apply(const Catalogue& catalogue, const Group& group,
                   std::vector<std::string>& key) const {
  key.clear();
  for (const Part& part : parts_) {
    if (!part.is_region) {
      key.push_back(group.key[part.own]);
      continue;
    }
    if (!group.region) return false;
    const auto lifted = catalogue.lift(*group.region, part.level);
    if (!lifted) return false;
    key.push_back(catalogue.region(*lifted).id);
  }
  return true;
}

}  // namespace tocsin::rules
