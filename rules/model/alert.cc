#include "rules/model/alert.h"

namespace tocsin {

std::string_view to_string(Action action) {
  switch (action) {
    case Action::kFire:
      return "fire";
    case Action::kEscalate:
      return "escalate";
    case Action::kDeescalate:
      return "deescalate";
    case Action::kUpdate:
      return "update";
    case Action::kResolve:
      return "resolve";
    case Action::kWithdraw:
      return "withdraw";
  }
  return "?";
}

template <>
std::optional<Action> parse_enum(std::string_view word) {
  for (const Action action : {Action::kFire, Action::kEscalate, Action::kDeescalate,
                              Action::kUpdate, Action::kResolve, Action::kWithdraw}) {
    if (to_string(action) == word) return action;
  }
  return std::nullopt;
}

}  // namespace tocsin
