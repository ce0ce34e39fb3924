#include "rules/cel/expand.h"

#include <algorithm>

#include "fmt/format.h"
#include "rules/cel/parser.h"

namespace tocsin::cel {
namespace {

using Bindings = std::map<std::string, const Expr*>;

bool is_macro_call(const Expr& expr) {
  return expr.kind == ExprKind::kMethod && expr.args[0]->kind == ExprKind::kIdent &&
         expr.args[0]->name == "macro";
}

bool mentions(const Expr& expr, std::string_view name) {
  if (expr.kind == ExprKind::kIdent && expr.name == name) return true;
  return std::any_of(expr.args.begin(), expr.args.end(),
                     [&](const ExprPtr& arg) { return mentions(*arg, name); });
}

class Expander {
 public:
  Expander(const Environment& environment, std::deque<SourceText>& sources,
           std::set<std::string>& used, Diagnostics& diagnostics)
      : environment_(environment), sources_(sources), used_(used), diagnostics_(diagnostics) {}

  bool expand(ExprPtr& expr) {
    for (ExprPtr& arg : expr->args) {
      if (arg->kind == ExprKind::kIdent && arg->name == "macro") continue;
      if (!expand(arg)) return false;
    }
    if (is_macro_call(*expr) && !replace(expr)) return false;
    if (expr->kind == ExprKind::kSelect && expr->args[0]->kind == ExprKind::kIdent &&
        expr->args[0]->name == "macro") {
      return fail(*expr, "T0115", fmt::format("macro.{} is not called", expr->name),
                  fmt::format("write macro.{}()", expr->name));
    }
    return fix_depth(*expr);
  }

 private:
  bool fail(const Expr& at, std::string_view code, std::string message, std::string hint = {}) {
    diagnostics_.error(std::string(code), place_of(at), std::move(message), std::move(hint));
    return false;
  }

  bool fix_depth(Expr& expr) {
    int depth = 0;
    for (const ExprPtr& arg : expr.args) depth = std::max<int>(depth, arg->depth);
    if (depth + 1 > kMaxTreeDepth) {
      return fail(expr, "T0103", "the expression with its macros is too deep");
    }
    expr.depth = static_cast<uint16_t>(depth + 1);
    return true;
  }

  bool replace(ExprPtr& call) {
    const std::string& name = call->name;
    const auto* macros = environment_.macros;
    const auto found =
        macros != nullptr ? macros->find(name) : std::map<std::string, Macro>::const_iterator{};
    if (macros == nullptr || found == macros->end()) {
      std::vector<std::string> names;
      if (macros != nullptr) {
        for (const auto& [known, macro] : *macros) names.push_back(known);
      }
      const std::string near = nearest_name(name, names);
      return fail(*call, "T0115", fmt::format("there is no macro `{}`", name),
                  near.empty() ? "declare it under macros: of this file"
                               : fmt::format("did you mean macro.{}?", near));
    }
    if (std::find(open_.begin(), open_.end(), name) != open_.end()) {
      std::string path;
      for (const std::string& step : open_) path += step + " → ";
      return fail(*call, "T0116",
                  fmt::format("macros call each other in a circle: {}{}", path, name));
    }
    const Macro& macro = found->second;
    if (call->args.size() - 1 != macro.parameters.size()) {
      return fail(*call, "T0117",
                  fmt::format("macro.{} takes {} argument{}, not {}", name, macro.parameters.size(),
                              macro.parameters.size() == 1 ? "" : "s", call->args.size() - 1));
    }
    used_.insert(name);
    sources_.push_back({macro.expression, macro.places});
    ExprPtr body = parse(sources_.back(), diagnostics_);
    if (!body) return false;
    Bindings bindings;
    for (size_t i = 0; i < macro.parameters.size(); ++i) {
      bindings[macro.parameters[i]] = call->args[i + 1].get();
    }
    if (!substitute(body, bindings)) return false;
    open_.push_back(name);
    const bool done = expand(body);
    open_.pop_back();
    if (done) call = std::move(body);
    return done;
  }

  // Puts arguments in place of parameters, without catching names of the argument by comprehension
  // variables of the body.
  bool substitute(ExprPtr& expr, const Bindings& bindings) {
    if (++nodes_ > kMaxExpandedNodes) {
      return fail(*expr, "T0142", "the expression with its macros is too long");
    }
    if (expr->kind == ExprKind::kIdent && !expr->leading_dot) {
      const auto bound = bindings.find(expr->name);
      if (bound == bindings.end()) return true;
      nodes_ += count_nodes(*bound->second);
      if (nodes_ > kMaxExpandedNodes) {
        return fail(*expr, "T0142", "the expression with its macros is too long");
      }
      expr = clone(*bound->second);
      return true;
    }
    if (expr->kind != ExprKind::kComprehension) {
      for (ExprPtr& arg : expr->args) {
        if (!substitute(arg, bindings)) return false;
      }
      return fix_depth(*expr);
    }
    if (!substitute(expr->args[0], bindings)) return false;
    Bindings inner = bindings;
    inner.erase(expr->name);
    std::unique_ptr<Expr> renamed;
    const bool captures = std::any_of(inner.begin(), inner.end(), [&](const auto& binding) {
      return mentions(*binding.second, expr->name);
    });
    if (captures) {
      renamed = std::make_unique<Expr>();
      renamed->kind = ExprKind::kIdent;
      renamed->source = expr->source;
      renamed->offset = expr->offset;
      renamed->name = expr->name + "_" + std::to_string(++renames_);
      inner[expr->name] = renamed.get();
      expr->name = renamed->name;
    }
    for (size_t i = 1; i < expr->args.size(); ++i) {
      if (!substitute(expr->args[i], inner)) return false;
    }
    return fix_depth(*expr);
  }

  const Environment& environment_;
  std::deque<SourceText>& sources_;
  std::set<std::string>& used_;
  Diagnostics& diagnostics_;
  std::vector<std::string> open_;
  size_t nodes_ = 0;
  size_t renames_ = 0;
};

}  // namespace

bool expand_macros(ExprPtr& expr, const Environment& environment, std::deque<SourceText>& sources,
                   std::set<std::string>& used, Diagnostics& diagnostics) {
  return Expander(environment, sources, used, diagnostics).expand(expr);
}

}  // namespace tocsin::cel
