#include <algorithm>

#include "rules/authoring/lint.h"
#include "rules/authoring/rule_programs.h"
#include "rules/cel/ast.h"
#include "rules/cel/printer.h"

namespace tocsin::rules {

namespace {

using cel::Expr;

// What a field can be, and what its values are called.
struct Vocabulary {
  std::string what;
  std::vector<std::string> names;
};

template <typename T>
std::vector<std::string> names_of(const std::vector<T>& items, std::string T::*name) {
  std::vector<std::string> names;
  for (const T& item : items) names.push_back(item.*name);
  return names;
}

class ValueLint {
 public:
  ValueLint(const Catalogue& catalogue, const Rule& rule, Diagnostics& diagnostics)
      : catalogue_(catalogue), rule_(rule), diagnostics_(diagnostics) {}

  void run() {
    for (const NamedProgram& each : all_programs(rule_)) walk(each.program->tree());
  }

 private:
  void walk(const Expr& expr) {
    for (const auto& arg : expr.args) walk(*arg);
    const bool is_in = expr.kind == cel::ExprKind::kBinary && expr.op == cel::Operator::kIn;
    if (is_in) check_list(*expr.args[0], *expr.args[1]);
  }

  // A list with a name: the items of one without are checked when the rule is loaded.
  void check_list(const Expr& field, const Expr& list) {
    const bool is_named = list.kind == cel::ExprKind::kSelect &&
                          list.target == cel::Target::kConstant &&
                          list.constant.kind() == cel::Kind::kList;
    if (!is_named) return;
    const auto vocabulary = vocabulary_of(field);
    if (!vocabulary) return;
    const std::vector<std::string>& names = vocabulary->names;
    for (const cel::Value& item : list.constant.items()) {
      if (item.kind() != cel::Kind::kString) continue;
      if (std::find(names.begin(), names.end(), item.text()) != names.end()) continue;
      const std::string nearest = nearest_name(item.text(), names);
      diagnostics_.warning("T0384", cel::place_of(list),
                           "`" + cel::print(list) + "` has `" + std::string(item.text()) +
                               "`, which is no " + vocabulary->what,
                           nearest.empty() ? "" : "did you mean `" + nearest + "`?");
    }
  }

  std::optional<Vocabulary> vocabulary_of(const Expr& field) const {
    if (field.target == cel::Target::kEventAttr) return vocabulary_of_attr(field.name);
    if (field.target != cel::Target::kEventField) return std::nullopt;
    switch (static_cast<cel::EventField>(field.index)) {
      case cel::EventField::kIndicator:
        return Vocabulary{"indicator of the catalogue",
                          names_of(catalogue_.indicators(), &Indicator::name)};
      case cel::EventField::kSource:
        return Vocabulary{"source of the catalogue", names_of(catalogue_.sources(), &Source::name)};
      case cel::EventField::kRegion:
        return Vocabulary{"region of the catalogue", names_of(catalogue_.regions(), &Region::id)};
      default:
        return std::nullopt;  // free, or not of the catalogue
    }
  }

  // nullopt when any indicator that the rule selects leaves the attr open.
  std::optional<Vocabulary> vocabulary_of_attr(const std::string& name) const {
    if (!rule_.indicators) return std::nullopt;
    Vocabulary vocabulary{"value of e.attrs." + name, {}};
    for (const IndicatorId id : *rule_.indicators) {
      for (const AttrDeclaration& attr : catalogue_.indicator(id).attrs) {
        if (attr.name != name) continue;
        if (attr.values.empty()) return std::nullopt;
        vocabulary.names.insert(vocabulary.names.end(), attr.values.begin(), attr.values.end());
      }
    }
    if (vocabulary.names.empty()) return std::nullopt;
    return vocabulary;
  }

  const Catalogue& catalogue_;
  const Rule& rule_;
  Diagnostics& diagnostics_;
};

}  // namespace

void lint_values(const Catalogue& catalogue, const Rule& rule, Diagnostics& diagnostics) {
  ValueLint(catalogue, rule, diagnostics).run();
}

}  // namespace tocsin::rules
