#include <algorithm>

#include "rules/load/detect.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

// Every item of a roster must be able to be a value of the key.
bool check_roster(RuleScope& scope, const yaml::Node& node, const GroupKey& key,
                  const std::vector<std::string>& roster) {
  bool good = true;
  const auto refuse = [&](const std::string& message) {
    scope.error("T0358", node.place, message);
    good = false;
  };
  const Catalogue& catalogue = scope.catalogue();
  for (const std::string& item : roster) {
    if (key.kind == GroupKey::Kind::kRegion) {
      const auto region = catalogue.find_region(item);
      if (!region) {
        refuse("the roster names `" + item + "`, which is no region");
      } else if (catalogue.region(*region).level != key.level ||
                 catalogue.region(*region).id != item) {
        refuse("the roster names `" + item +
               "`, which is no region of the level that `by` asks for");
      }
    } else if (key.kind == GroupKey::Kind::kSource && !catalogue.find_source(item)) {
      refuse("the roster names `" + item + "`, which is no source");
    } else if (key.kind == GroupKey::Kind::kIndicator && !catalogue.find_indicator(item)) {
      refuse("the roster names `" + item + "`, which is no indicator");
    }
  }
  return good;
}

bool read_roster(RuleScope& scope, const yaml::Node& node, const std::vector<GroupKey>& by,
                 AbsenceDetect& absence) {
  const yaml::Node* list = node.find("list");
  absence.learn = span_at(node, "learn");
  absence.forget = span_at(node, "forget");
  if ((list != nullptr) == absence.learn.has_value()) {
    scope.error("T0358", node.place, "`roster` needs either `list` or `learn`",
                "`{list: NAME}` of known keys, or `{learn: 90d, forget: 180d}`");
    return false;
  }
  if (list == nullptr) {
    if (absence.forget && longest(*absence.forget) < longest(*absence.learn)) {
      scope.error("T0358", node.find("forget")->place, "`forget` is shorter than `learn`");
      return false;
    }
    return true;
  }
  if (absence.forget) {
    scope.error("T0358", node.find("forget")->place, "`forget` goes with `learn`, not with `list`");
    return false;
  }
  if (!list->is_scalar()) return false;
  const auto found = scope.file().lists.find(list->scalar);
  if (found == scope.file().lists.end()) {
    std::vector<std::string> known;
    for (const auto& entry : scope.file().lists) known.push_back(entry.first);
    const std::string nearest = nearest_name(list->scalar, known);
    scope.error("T0358", list->place, "the file has no list `" + list->scalar + "`",
                nearest.empty() ? "" : "did you mean `" + nearest + "`?");
    return false;
  }
  scope.file().used_lists.insert(list->scalar);
  if (by.size() != 1) {
    scope.error("T0358", list->place, "a roster from a list needs exactly one group key in `by`");
    return false;
  }
  absence.roster = found->second;
  std::sort(absence.roster.begin(), absence.roster.end());
  return check_roster(scope, *list, by.front(), absence.roster);
}

}  // namespace

std::optional<Detect> compile_absence(RuleScope& scope, const yaml::Node& detect,
                                      const std::vector<GroupKey>& by) {
  const yaml::Node* expect = detect.find("expect");
  const yaml::Node* roster = detect.find("roster");
  if (expect == nullptr || roster == nullptr) return std::nullopt;
  AbsenceDetect absence;
  absence.at_least = static_cast<uint32_t>(int_at(*expect, "at_least").value_or(1));
  absence.every = span_at(*expect, "every").value_or(Span{});
  absence.grace = span_at(detect, "grace").value_or(Span{});
  if (!read_roster(scope, *roster, by, absence)) return std::nullopt;
  if (const yaml::Node* unless = detect.find("unless")) {
    absence.unless =
        scope.predicate(*unless, "`unless`", scope.variable_environment(Detect(absence)));
    if (!absence.unless) return std::nullopt;
  }
  return absence;
}

}  // namespace tocsin::rules
