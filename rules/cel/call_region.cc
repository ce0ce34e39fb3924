#include "rules/cel/call.h"

namespace tocsin::cel {
namespace {

std::string_view level_name(RegionLevel level) {
  switch (level) {
    case RegionLevel::kCountry:
      return "country";
    case RegionLevel::kAdmin1:
      return "admin1";
    case RegionLevel::kAdmin2:
      return "admin2";
  }
  return "";
}

}  // namespace

// A region is its id, a text; its place in the tree is looked up.
bool call_region(Builtin builtin, Frame& frame, std::span<const Value> args, Value& out) {
  for (const Value& arg : args) {
    if (arg.kind() != Kind::kString) return no_overload("a region function", frame, args);
  }
  if (frame.catalogue == nullptr) {
    return frame.fail(EvalError::kBadConversion, "there is no catalogue of regions here");
  }
  const Catalogue& catalogue = *frame.catalogue;
  const std::optional<RegionId> found = catalogue.find_region(args[0].text());
  if (!found) {
    return frame.fail(EvalError::kBadConversion,
                      join_texts(frame, {"no such region: '", args[0].text(), "'"}));
  }
  const Region& region = catalogue.region(*found);
  switch (builtin) {
    case Builtin::kRegion:
      out = Value::of_string(region.id);
      return true;
    case Builtin::kParent:
      out = Value::of_string(catalogue.region(region.parent).id);
      return true;
    case Builtin::kLevel:
      out = Value::of_string(level_name(region.level));
      return true;
    default:
      break;  // kWithin
  }
  const std::optional<RegionId> wanted = catalogue.find_region(args[1].text());
  bool within = false;
  RegionId at = *found;
  for (;;) {
    within = wanted && at == *wanted;
    const RegionId parent = catalogue.region(at).parent;
    if (within || parent == at) break;
    at = parent;
  }
  out = Value::of_bool(within);
  return true;
}

}  // namespace tocsin::cel
