#include "rules/cel/hints.h"

#include <algorithm>

#include "fmt/format.h"
#include "rules/cel/builtins.h"
#include "rules/cel/event_fields.h"

namespace tocsin::cel {
namespace {

constexpr size_t kMostNames = 12;
constexpr std::string_view kWithin = "write e.region.within(\"BH\"): the country and all within it";

}  // namespace

std::string did_you_mean(std::string_view word, const std::vector<std::string>& names,
                         std::string_view prefix) {
  const std::string near = nearest_name(word, names);
  if (near.empty()) return {};
  return fmt::format("did you mean {}{}?", prefix, near);
}

std::string names_listed(std::string_view opening, const std::vector<std::string>& names,
                         std::string_view prefix) {
  std::string list(opening);
  for (size_t i = 0; i < names.size() && i < kMostNames; ++i) {
    fmt::format_to(std::back_inserter(list), "{} {}{}", i == 0 ? "" : ",", prefix, names[i]);
  }
  if (names.size() > kMostNames) list += " …";
  return list;
}

std::string field_hint(std::string_view name, const Catalogue& catalogue) {
  if (name == "country") return std::string(kWithin);
  for (const Indicator& indicator : catalogue.indicators()) {
    for (const AttrDeclaration& attr : indicator.attrs) {
      if (attr.name == name) return fmt::format("did you mean e.attrs.{}?", name);
    }
  }
  std::vector<std::string> names;
  for (const EventFieldName& known : all_event_fields()) names.emplace_back(known.name);
  std::string hint = did_you_mean(name, names, "e.");
  if (!hint.empty()) return hint;
  return fmt::format("an event has: e.{}", fmt::join(names, ", e."));
}

std::string function_hint(std::string_view name, bool is_method, const Environment& environment) {
  const FunctionName* function = find_function(name);
  if (function != nullptr && (!function->extension || !environment.conformance)) {
    if (function->builtin == Builtin::kWithin) return std::string(kWithin);
    return is_method ? fmt::format("write {}(x)", name) : fmt::format("write x.{}(…)", name);
  }
  if (name == "country" && environment.has_event) return std::string(kWithin);
  std::vector<std::string> names;
  for (const FunctionName& known : all_functions()) {
    if (!known.extension || !environment.conformance) names.emplace_back(known.name);
  }
  std::string hint = did_you_mean(name, names);
  if (hint.empty() && environment.macros != nullptr &&
      environment.macros->contains(std::string(name))) {
    hint = fmt::format("write macro.{}(…)", name);
  }
  return hint;
}

std::string region_hint(std::string_view text, const Catalogue& catalogue) {
  std::vector<std::string> ids;
  for (const Region& region : catalogue.regions()) {
    ids.push_back(region.id);
    for (const auto& [language, name] : region.names) {
      if (name == text) return fmt::format("did you mean \"{}\"? That is {}", region.id, name);
    }
  }
  const std::string near = nearest_name(text, ids);
  if (near.empty()) return {};
  return fmt::format("did you mean \"{}\"?", near);
}

}  // namespace tocsin::cel
