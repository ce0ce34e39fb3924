#include "rules/load/members.h"

#include <fmt/format.h>

#include <algorithm>

#include "rules/cel/ast.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

using cel::Expr;
using cel::ExprKind;

// "region" for `region@country`, "side" for `e.attrs.side`; as alerts have it.
std::string name_of_key(const std::string& written) {
  const size_t at = written.find('@');
  if (at != std::string::npos) return written.substr(0, at);
  const size_t dot = written.rfind('.');
  return dot == std::string::npos ? written : written.substr(dot + 1);
}

std::vector<std::string> names_of_keys(const yaml::Node& rule) {
  std::vector<std::string> names;
  for (const yaml::Node& item : items_of(rule.find("by"))) {
    if (item.is_scalar()) names.push_back(name_of_key(item.scalar));
  }
  return names;
}

const std::vector<std::string>& event_members() {
  static const std::vector<std::string> names = {"id",     "time",      "value", "region",
                                                 "source", "indicator", "attrs"};
  return names;
}

void add_own(const Detect& detect, Members& members) {
  if (std::holds_alternative<SurgeDetect>(detect)) {
    members["baseline"] = {"mean", "median", "sd", "n"};
  } else if (std::holds_alternative<AbsenceDetect>(detect)) {
    members["last"] = {"id", "time"};
  } else if (std::holds_alternative<NewTermDetect>(detect)) {
    members["history"] = {"start", "first"};
  } else if (const auto* sequence = std::get_if<SequenceDetect>(&detect)) {
    for (const SequenceStep& step : sequence->steps) {
      if (!step.negated) members[step.name] = event_members();
    }
  } else if (const auto* index = std::get_if<IndexDetect>(&detect)) {
    for (const IndexPart& part : index->parts) {
      if (!part.is_protective) members["parts"].push_back(part.name);
    }
  } else if (const auto* divergence = std::get_if<DivergenceDetect>(&detect)) {
    for (const DivergencePart& part : divergence->parts) members["parts"].push_back(part.name);
  }
}

class MemberCheck {
 public:
  MemberCheck(const Members& members, Diagnostics& diagnostics)
      : members_(members), diagnostics_(diagnostics) {}

  void look_at(const Expr& expr) {
    if (expr.kind == ExprKind::kSelect || expr.kind == ExprKind::kHas) {
      read(expr, *expr.args[0], expr.name);
    } else if (expr.kind == ExprKind::kIndex && expr.args[1]->kind == ExprKind::kLiteral &&
               expr.args[1]->value.kind() == cel::Kind::kString) {
      read(*expr.args[1], *expr.args[0], expr.args[1]->name);
    }
    for (const auto& arg : expr.args) look_at(*arg);
  }

 private:
  void read(const Expr& at, const Expr& map, const std::string& member) {
    if (map.kind != ExprKind::kIdent || map.target != cel::Target::kVariable) return;
    const auto found = members_.find(map.name);
    if (found == members_.end()) return;
    const std::vector<std::string>& known = found->second;
    if (std::find(known.begin(), known.end(), member) == known.end()) {
      refuse(at, map.name, member, known);
    } else if (map.name == "region") {
      warn_of_no_region(at);
    }
  }

  void refuse(const Expr& at, const std::string& map, const std::string& member,
              const std::vector<std::string>& known) {
    const std::string near = nearest_name(member, known);
    std::string hint;
    if (!near.empty()) {
      hint = fmt::format("did you mean {}.{}?", map, near);
    } else if (!known.empty()) {
      hint = fmt::format("it has: {0}.{1}", map, fmt::join(known, ", " + map + "."));
    }
    diagnostics_.error("T0421", cel::place_of(at), fmt::format("`{}` has no `{}`", map, member),
                       std::move(hint));
  }

  void warn_of_no_region(const Expr& at) {
    const auto& keys = members_.at("by");
    if (std::find(keys.begin(), keys.end(), "region") != keys.end()) return;
    diagnostics_.warning("T0422", cel::place_of(at),
                         "`region` is never known here: the rule does not group by region",
                         "add `region@country` to `by`, or leave it out");
  }

  const Members& members_;
  Diagnostics& diagnostics_;
};

}  // namespace

Members members_of(const yaml::Node& rule, const Detect& detect) {
  Members members;
  members["region"] = {"id", "name", "level"};
  members["by"] = names_of_keys(rule);
  add_own(detect, members);
  return members;
}

void check_members(const cel::Program& program, const Members& members, Diagnostics& diagnostics) {
  MemberCheck(members, diagnostics).look_at(program.tree());
}

}  // namespace tocsin::rules
