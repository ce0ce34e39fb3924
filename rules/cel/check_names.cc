#include <algorithm>
#include <array>

#include "fmt/format.h"
#include "rules/cel/checker.h"
#include "rules/cel/event_fields.h"
#include "rules/cel/hints.h"
#include "rules/cel/value_ops.h"

namespace tocsin::cel {
namespace {

using Tag = Type::Tag;

// Type names are values too: type(x) == int.
std::optional<Kind> kind_named(std::string_view name) {
  constexpr std::array kKinds{Kind::kNull,   Kind::kBool,      Kind::kInt,      Kind::kUint,
                              Kind::kDouble, Kind::kString,    Kind::kBytes,    Kind::kList,
                              Kind::kMap,    Kind::kTimestamp, Kind::kDuration, Kind::kType};
  for (const Kind kind : kKinds) {
    if (type_name(kind) == name) return kind;
  }
  return std::nullopt;
}

// First parts of names that belong to what tocsin leaves out.
bool is_foreign_namespace(std::string_view name) {
  constexpr std::array<std::string_view, 14> kForeign{
      "google",     "cel",   "proto",  "optional", "TestAllTypes", "NestedTestAllTypes",
      "GlobalEnum", "net",   "base64", "math",     "strings",      "TestRequired",
      "proto2",     "proto3"};
  const std::string_view head = name.substr(0, name.find('.'));
  return std::find(kForeign.begin(), kForeign.end(), head) != kForeign.end();
}

Type type_of(AttrType type) {
  switch (type) {
    case AttrType::kString:
      return Tag::kString;
    case AttrType::kInt:
      return Tag::kInt;
    case AttrType::kDouble:
      return Tag::kDouble;
    case AttrType::kBool:
      return Tag::kBool;
  }
  return {};
}

}  // namespace

bool Checker::is_event(const Expr& expr) const {
  return environment_.has_event && expr.kind == ExprKind::kIdent && expr.name == "e";
}

Type Checker::check_ident(Expr& expr) {
  if (!expr.leading_dot) {
    for (size_t i = locals_.size(); i-- > 0;) {
      if (locals_[i].name != expr.name) continue;
      expr.target = Target::kLocal;
      expr.index = static_cast<uint32_t>(i);
      return locals_[i].type;
    }
  }
  if (is_event(expr)) {
    return error(expr, "T0112", "`e` is the whole event", "name one of its fields: e.value");
  }
  if (const std::optional<Type> type = find_named(expr)) return *type;
  return unknown_name(expr, expr.name);
}

// A number that is not known is null; `mean != 0.0` would hold of it.
bool Checker::needs_value(const Variable& variable) const {
  const Tag tag = variable.type.tag();
  return !environment_.conformance &&
         (tag == Tag::kDouble || tag == Tag::kInt || variable.name.starts_with("armed."));
}

// A variable, a list, a level or a type by its dotted name.
std::optional<Type> Checker::find_named(Expr& expr) {
  const std::string name = dotted_name(expr);
  if (name.empty()) return std::nullopt;
  for (size_t i = 0; i < environment_.variables.size(); ++i) {
    if (environment_.variables[i].name != name) continue;
    expr.target = Target::kVariable;
    expr.index = static_cast<uint32_t>(i);
    expr.needs_value = needs_value(environment_.variables[i]);
    analysis_.variables.insert(name);
    return checked() ? environment_.variables[i].type : Type();
  }
  if (!environment_.conformance && checked() && name.starts_with("a.")) {
    std::vector<std::string> fields;
    for (const Variable& variable : environment_.variables) {
      if (variable.name.starts_with("a.")) fields.push_back(variable.name.substr(2));
    }
    if (!fields.empty()) {
      std::string hint = did_you_mean(name.substr(2), fields, "a.");
      if (hint.empty()) hint = fmt::format("an alert has: a.{}", fmt::join(fields, ", a."));
      return error(expr, "T0110", fmt::format("an alert has no `{}`", name.substr(2)),
                   std::move(hint));
    }
  }
  if (!environment_.conformance && checked() && name.starts_with("armed.")) {
    std::vector<std::string> captures;
    for (const Variable& variable : environment_.variables) {
      if (variable.name.starts_with("armed.")) captures.push_back(variable.name.substr(6));
    }
    if (captures.empty()) {
      return error(expr, "T0110", fmt::format("unknown name `{}`: nothing is armed here", name),
                   "the rule needs `armed`, and it is seen in `when`, levels and texts");
    }
    std::string hint = did_you_mean(name.substr(6), captures, "armed.");
    if (hint.empty()) hint = fmt::format("it knows: armed.{}", fmt::join(captures, ", armed."));
    return error(expr, "T0110", fmt::format("`armed` captures no `{}`", name.substr(6)),
                 std::move(hint));
  }
  if (!environment_.conformance && name.starts_with("level.")) {
    if (const auto level = parse_enum<Level>(name.substr(6))) {
      expr.target = Target::kConstant;
      expr.constant = Value::of_int(static_cast<int64_t>(*level));
      return Type(Tag::kInt);
    }
    std::vector<std::string> levels;
    for (const Level level : kAllLevels) levels.emplace_back(to_string(level));
    std::string hint = did_you_mean(name.substr(6), levels, "level.");
    if (hint.empty()) hint = fmt::format("one of: {}", fmt::join(levels, ", "));
    return error(expr, "T0119", fmt::format("there is no level `{}`", name.substr(6)),
                 std::move(hint));
  }
  if (!environment_.conformance && name.starts_with("list.") && expr.kind == ExprKind::kSelect &&
      expr.args[0]->kind == ExprKind::kIdent) {
    const auto* lists = environment_.lists;
    if (lists == nullptr || !lists->contains(expr.name)) {
      std::vector<std::string> names;
      if (lists != nullptr) {
        for (const auto& [known, items] : *lists) names.push_back(known);
      }
      return error(expr, "T0114", fmt::format("there is no list `{}`", expr.name),
                   did_you_mean(expr.name, names, "list."));
    }
    const std::vector<std::string>& texts = lists->at(expr.name);
    const std::span<Value> items = constants_.array<Value>(texts.size());
    for (size_t i = 0; i < texts.size(); ++i) items[i] = Value::of_string(keep(texts[i]));
    expr.target = Target::kConstant;
    expr.constant = Value::of_list(items);
    analysis_.lists.insert(expr.name);
    return Type::list(Tag::kString);
  }
  if (const std::optional<Kind> kind = kind_named(name)) {
    expr.target = Target::kConstant;
    expr.constant = Value::of_type(type_name(*kind));
    return Type(Tag::kType);
  }
  return std::nullopt;
}

Type Checker::unknown_name(Expr& expr, const std::string& name) {
  if (is_foreign_namespace(name)) return unsupported(expr, fmt::format("`{}`", name));
  expr.target = Target::kUnknown;
  expr.constant = Value::of_string(keep("unknown name: " + name));
  if (!checked()) return {};
  std::string hint;
  if (name == "AND" || name == "OR" || name == "NOT" || name == "and" || name == "or" ||
      name == "not") {
    hint = "write &&, || or !";
  } else if (name == "True" || name == "TRUE" || name == "False" || name == "FALSE") {
    hint = "write true or false";
  } else if (name == "None" || name == "nil" || name == "NULL") {
    hint = "write null";
  } else if (environment_.has_event && find_event_field(name) != nullptr) {
    hint = fmt::format("did you mean e.{}?", name);
  } else {
    std::vector<std::string> names;
    for (const Variable& variable : environment_.variables) names.push_back(variable.name);
    for (const Local& local : locals_) names.push_back(local.name);
    hint = did_you_mean(name, names);
    if (hint.empty()) {
      hint = "a text needs quotes: \"" + name + "\"";
      if (!environment_.conformance && !names.empty())
        hint += names_listed("; names here are:", names);
    }
  }
  return error(expr, "T0110", fmt::format("unknown name `{}`", name), std::move(hint));
}

Type Checker::check_select(Expr& expr) {
  const Expr* head = &expr;
  while (head->kind == ExprKind::kSelect || head->kind == ExprKind::kHas)
    head = head->args[0].get();
  const bool is_local = head->kind == ExprKind::kIdent && !head->leading_dot &&
                        std::any_of(locals_.begin(), locals_.end(),
                                    [&](const Local& l) { return l.name == head->name; });
  if (!is_local) {
    if (const std::optional<Type> type = check_event_path(expr)) return *type;
    if (expr.kind == ExprKind::kSelect) {
      if (const std::optional<Type> type = find_named(expr)) return *type;
    }
    // `a.b.c` of which nothing is known is told as one name.
    const std::string name = dotted_name(*expr.args[0]);
    if (!name.empty() && is_foreign_namespace(name)) {
      return unknown_name(expr, name + "." + expr.name);
    }
  }
  const Type target = check(*expr.args[0]);
  return check_field_of(expr, target);
}

Type Checker::check_field_of(Expr& expr, const Type& type) {
  if (type.tag() == Tag::kDyn) return {};
  if (type.tag() == Tag::kMap) {
    if (!comparable(type.key(), Tag::kString)) {
      return mismatch(expr, "T0120", fmt::format("{} has no text keys", to_string(type)),
                      "write map[key]");
    }
    return type.map_value();
  }
  return mismatch(expr, "T0112", fmt::format("{} has no fields", to_string(type)),
                  find_function(expr.name) != nullptr ? fmt::format("call it: .{}(…)", expr.name)
                                                      : std::string());
}

// e.FIELD and e.attrs.NAME.
std::optional<Type> Checker::check_event_path(Expr& expr) {
  if (!environment_.has_event) return std::nullopt;
  Expr& target = *expr.args[0];
  if (is_event(target)) return check_event_field(expr);
  const bool of_attrs =
      target.kind == ExprKind::kSelect && target.name == "attrs" && is_event(*target.args[0]);
  if (of_attrs) return check_event_attr(expr);
  return std::nullopt;
}

Type Checker::check_event_field(Expr& expr) {
  const EventFieldName* field = find_event_field(expr.name);
  if (field == nullptr) {
    if (expr.name == "ingested") {
      return error(expr, "T0112", "e.ingested cannot be used: a replay must decide the same",
                   "use e.time");
    }
    return error(expr, "T0112", fmt::format("an event has no field `{}`", expr.name),
                 field_hint(expr.name, *environment_.catalogue));
  }
  expr.target = Target::kEventField;
  expr.index = static_cast<uint32_t>(field->field);
  if (field->optional && expr.kind == ExprKind::kSelect) require_proven(expr, "e." + expr.name);
  return cel::type_of(*field);
}

Type Checker::check_event_attr(Expr& expr) {
  expr.args[0]->target = Target::kEventField;
  expr.args[0]->index = static_cast<uint32_t>(EventField::kAttrs);
  expr.args[0]->type = Type::map(Tag::kString, Tag::kDyn);
  expr.target = Target::kEventAttr;
  expr.constant = Value::of_string(keep("no such field: e.attrs." + expr.name));

  const Catalogue& catalogue = *environment_.catalogue;
  std::vector<IndicatorId> indicators;
  if (facts_.indicators) {
    indicators = *facts_.indicators;
  } else {
    for (size_t i = 0; i < catalogue.indicators().size(); ++i) {
      indicators.push_back(static_cast<IndicatorId>(i));
    }
  }
  if (indicators.empty()) return {};  // nothing can match; told where the indicator is named
  std::optional<Type> type;
  bool always = true;
  std::vector<std::string> declared;
  for (const IndicatorId id : indicators) {
    bool here = false;
    for (const AttrDeclaration& attr : catalogue.indicator(id).attrs) {
      declared.push_back(attr.name);
      if (attr.name != expr.name) continue;
      here = attr.required;
      type = type ? join(*type, type_of(attr.type)) : type_of(attr.type);
    }
    always = always && here;
  }
  if (!type) {
    const std::string where =
        indicators.size() == 1 ? catalogue.indicator(indicators[0]).name
                               : fmt::format("the {} indicators possible here", indicators.size());
    std::string hint = did_you_mean(expr.name, declared, "e.attrs.");
    if (hint.empty()) {
      if (find_event_field(expr.name) != nullptr) {
        hint = fmt::format("did you mean e.{}?", expr.name);
      } else if (declared.empty()) {
        hint = fmt::format("declare it in the catalogue, or write get(e.attrs, \"{}\", default)",
                           expr.name);
      } else {
        std::sort(declared.begin(), declared.end());
        declared.erase(std::unique(declared.begin(), declared.end()), declared.end());
        hint = names_listed("declared are:", declared, "e.attrs.") +
               fmt::format("; of any other: get(e.attrs, \"{}\", default)", expr.name);
      }
    }
    return error(expr, "T0113", fmt::format("{} has no attr `{}`", where, expr.name),
                 std::move(hint));
  }
  if (!always && expr.kind == ExprKind::kSelect) require_proven(expr, "e.attrs." + expr.name);
  return *type;
}

void Checker::require_proven(const Expr& expr, const std::string& path) {
  if (!checked() || environment_.conformance || facts_.proven.contains(path)) return;
  facts_.proven.insert(path);  // told once here
  const std::string message = fmt::format("{} may be absent", path);
  const std::string hint =
      path.starts_with("e.attrs.")
          ? fmt::format("write has({0}) && …, or get(e.attrs, \"{1}\", default)", path,
                        path.substr(8))
          : fmt::format("write has({}) && …", path);
  if (environment_.optional_read_is_error) {
    error(expr, "T0130", message, hint);
  } else {
    diagnostics_.warning("T0130", place_of(expr), message, hint);
  }
}

bool Checker::is_level(const Expr& expr) const {
  return checked() && !environment_.conformance && expr.target == Target::kVariable &&
         environment_.variables[expr.index].name == "level" &&
         std::any_of(environment_.variables.begin(), environment_.variables.end(),
                     [](const Variable& known) { return known.name == "level_rank"; });
}

void Checker::take_rank(Expr& level) {
  for (size_t i = 0; i < environment_.variables.size(); ++i) {
    if (environment_.variables[i].name != "level_rank") continue;
    level.index = static_cast<uint32_t>(i);
    level.type = environment_.variables[i].type;
    analysis_.variables.insert("level_rank");
  }
}

void Checker::check_spelling(const Expr& field, const Expr& literal) {
  if (literal.kind != ExprKind::kLiteral || literal.value.kind() != Kind::kString) return;
  if (is_level(field)) {
    if (parse_enum<Level>(literal.name) || literal.name == to_string(Level::kNone)) return;
    std::vector<std::string> levels;
    for (const Level level : kAllLevels) levels.emplace_back(to_string(level));
    std::string hint = did_you_mean(literal.name, levels);
    if (hint.empty()) hint = fmt::format("one of: {}", fmt::join(levels, ", "));
    error(literal, "T0119", fmt::format("there is no level \"{}\"", literal.name), std::move(hint));
    return;
  }
  if (!environment_.has_event) return;
  const Catalogue& catalogue = *environment_.catalogue;
  std::vector<std::string> names;
  std::string_view what;
  if (field.target == Target::kEventField) {
    switch (static_cast<EventField>(field.index)) {
      case EventField::kIndicator:
        what = "indicator";
        if (catalogue.find_indicator(literal.name)) return;
        for (const Indicator& known : catalogue.indicators()) names.push_back(known.name);
        break;
      case EventField::kSource:
        what = "source";
        if (catalogue.find_source(literal.name)) return;
        for (const Source& known : catalogue.sources()) names.push_back(known.name);
        break;
      case EventField::kRegion: {
        what = "region";
        const auto found = catalogue.find_region(literal.name);
        if (found && catalogue.region(*found).id == literal.name) return;
        if (found) {
          error(literal, "T0118", fmt::format("regions have their own id, not `{}`", literal.name),
                fmt::format("write \"{}\"", catalogue.region(*found).id));
          return;
        }
        break;
      }
      case EventField::kTimePrecision:
        what = "time precision";
        names = {"exact", "day", "week", "month", "year"};
        break;
      case EventField::kOp:
        what = "operation";
        names = {"assert", "correct", "retract"};
        break;
      default:
        return;  // other fields hold any text
    }
  } else if (field.target == Target::kEventAttr) {
    what = "value of this attr";
    for (size_t i = 0; i < catalogue.indicators().size(); ++i) {
      const auto id = static_cast<IndicatorId>(i);
      if (facts_.indicators &&
          !std::binary_search(facts_.indicators->begin(), facts_.indicators->end(), id)) {
        continue;
      }
      for (const AttrDeclaration& attr : catalogue.indicator(id).attrs) {
        if (attr.name != field.name) continue;
        if (attr.values.empty()) return;
        names.insert(names.end(), attr.values.begin(), attr.values.end());
      }
    }
    if (names.empty()) return;
  } else {
    return;
  }
  if (std::find(names.begin(), names.end(), literal.name) != names.end()) return;
  std::string hint =
      what == "region" ? region_hint(literal.name, catalogue) : did_you_mean(literal.name, names);
  if (hint.empty() && names.size() <= 12) hint = fmt::format("one of: {}", fmt::join(names, ", "));
  error(literal, field.target == Target::kEventAttr ? "T0119" : "T0118",
        fmt::format("there is no {} \"{}\"", what, literal.name), std::move(hint));
}

void Checker::check_spellings(const Expr& field, const Expr& literals) {
  if (literals.kind != ExprKind::kList) return;
  for (const ExprPtr& item : literals.args) check_spelling(field, *item);
}

}  // namespace tocsin::cel
