#include <algorithm>

#include "fmt/format.h"
#include "rules/cel/checker.h"
#include "rules/cel/event_fields.h"
#include "rules/cel/hints.h"
#include "rules/cel/value_ops.h"

namespace tocsin::cel {
namespace {

using Tag = Type::Tag;

bool is_int_literal(const Expr& expr) {
  return expr.kind == ExprKind::kLiteral && expr.value.kind() == Kind::kInt;
}
bool is_conversion(Builtin builtin) {
  return builtin == Builtin::kToInt || builtin == Builtin::kToUint ||
         builtin == Builtin::kToDouble || builtin == Builtin::kToBool ||
         builtin == Builtin::kToTimestamp || builtin == Builtin::kToDuration;
}
bool is_number_tag(Tag tag) { return tag == Tag::kInt || tag == Tag::kUint || tag == Tag::kDouble; }

Builtin builtin_of(Operator op) {
  switch (op) {
    case Operator::kNot:
      return Builtin::kNot;
    case Operator::kNegate:
      return Builtin::kNegate;
    case Operator::kAdd:
      return Builtin::kAdd;
    case Operator::kSubtract:
      return Builtin::kSubtract;
    case Operator::kMultiply:
      return Builtin::kMultiply;
    case Operator::kDivide:
      return Builtin::kDivide;
    case Operator::kRemainder:
      return Builtin::kRemainder;
    case Operator::kEqual:
      return Builtin::kEqual;
    case Operator::kNotEqual:
      return Builtin::kNotEqual;
    case Operator::kLess:
      return Builtin::kLess;
    case Operator::kLessEqual:
      return Builtin::kLessEqual;
    case Operator::kGreater:
      return Builtin::kGreater;
    case Operator::kGreaterEqual:
      return Builtin::kGreaterEqual;
    case Operator::kIn:
      return Builtin::kIn;
  }
  return Builtin::kNone;
}

// What to do about two types that do not meet.
std::string hint_for(const Expr& a, const Expr& b) {
  const Tag x = a.type.tag();
  const Tag y = b.type.tag();
  if ((x == Tag::kInt && y == Tag::kDouble) || (x == Tag::kDouble && y == Tag::kInt)) {
    const Expr& whole = x == Tag::kInt ? a : b;
    if (is_int_literal(whole)) return fmt::format("write {}.0", whole.value.integer());
    return "int and double do not mix: write double(x) around the int";
  }
  if (x == Tag::kString && is_number_tag(y)) {
    return b.kind == ExprKind::kLiteral
               ? "put the number into quotes, or convert the text: double(x)"
               : "convert the text: int(x) or double(x)";
  }
  if (is_number_tag(x) && y == Tag::kString) return hint_for(b, a);
  if (x == Tag::kBool && y == Tag::kString) return "write true or false without quotes";
  if (y == Tag::kBool && x == Tag::kString) return "write true or false without quotes";
  if (x == Tag::kTimestamp && y == Tag::kString) return "write timestamp(\"2026-01-01T00:00:00Z\")";
  if (x == Tag::kDuration && y == Tag::kString) return "write duration(\"24h\")";
  if (y == Tag::kTimestamp || y == Tag::kDuration) return x == Tag::kString ? hint_for(b, a) : "";
  return {};
}

// The text beside `level` as the level that it names.
std::string level_hint(const Expr& a, const Expr& b) {
  const Expr& other = a.kind == ExprKind::kLiteral ? a : b;
  const bool names_one = other.kind == ExprKind::kLiteral && other.value.kind() == Kind::kString &&
                         parse_enum<Level>(other.name).value_or(Level::kNone) != Level::kNone;
  return names_one ? fmt::format("write level.{} instead of \"{}\"", other.name, other.name)
                   : "write level.watch, level.alert …, or level_rank for a number";
}

}  // namespace

// T: an int literal beside a double is that double.
bool Checker::widen(Expr& literal, const Type& other) {
  if (environment_.conformance || other.tag() != Tag::kDouble || !is_int_literal(literal))
    return false;
  literal.value = Value::of_double(static_cast<double>(literal.value.integer()));
  literal.constant = literal.value;
  literal.type = Tag::kDouble;
  return true;
}

void Checker::widen_pair(Expr& a, Expr& b) {
  if (!widen(a, b.type)) widen(b, a.type);
}

bool Checker::wants(const Expr& argument, std::initializer_list<Tag> allowed,
                    std::string_view function) {
  const Tag tag = argument.type.tag();
  if (tag == Tag::kDyn || std::find(allowed.begin(), allowed.end(), tag) != allowed.end())
    return true;
  if (tag == Tag::kRegion &&
      std::find(allowed.begin(), allowed.end(), Tag::kString) != allowed.end()) {
    return true;
  }
  std::string list;
  for (const Tag one : allowed) {
    if (!list.empty()) list += " or ";
    list += to_string(Type(one));
  }
  mismatch(argument, "T0120",
           fmt::format("{} needs {}, this is {}", function, list, to_string(argument.type)));
  return false;
}

Type Checker::check_unary(Expr& expr) {
  expr.builtin = builtin_of(expr.op);
  Expr& operand = *expr.args[0];
  if (expr.op == Operator::kNot) {
    check_condition(operand, "what ! turns round");
    return Tag::kBool;
  }
  check(operand);
  if (!wants(operand, {Tag::kInt, Tag::kDouble}, "the sign -")) return {};
  return operand.type;
}

Type Checker::check_binary(Expr& expr) {
  expr.builtin = builtin_of(expr.op);
  check(*expr.args[0]);
  check(*expr.args[1]);
  switch (expr.op) {
    case Operator::kAdd:
    case Operator::kSubtract:
    case Operator::kMultiply:
    case Operator::kDivide:
    case Operator::kRemainder:
      return check_arithmetic(expr);
    case Operator::kIn:
      return check_in(expr);
    case Operator::kEqual:
    case Operator::kNotEqual:
    case Operator::kLess:
    case Operator::kLessEqual:
    case Operator::kGreater:
    case Operator::kGreaterEqual:
    case Operator::kNot:
    case Operator::kNegate:
      return check_comparison(expr);
  }
  return {};
}

Type Checker::check_arithmetic(Expr& expr) {
  Expr& left = *expr.args[0];
  Expr& right = *expr.args[1];
  widen_pair(left, right);
  const Tag a = left.type.tag() == Tag::kRegion ? Tag::kString : left.type.tag();
  const Tag b = right.type.tag() == Tag::kRegion ? Tag::kString : right.type.tag();
  const bool add = expr.op == Operator::kAdd;
  const bool subtract = expr.op == Operator::kSubtract;
  if (a == Tag::kDyn || b == Tag::kDyn) return {};
  if (a == b) {
    if (a == Tag::kInt || a == Tag::kUint) return a;
    if (a == Tag::kDouble && expr.op != Operator::kRemainder) return a;
    if (add && (a == Tag::kString || a == Tag::kBytes)) return a;
    if (add && a == Tag::kList) return join(left.type, right.type);
    if (a == Tag::kDuration && (add || subtract)) return a;
    if (a == Tag::kTimestamp && subtract) return Tag::kDuration;
  }
  if (a == Tag::kTimestamp && b == Tag::kDuration && (add || subtract)) return a;
  if (a == Tag::kDuration && b == Tag::kTimestamp && add) return b;
  return mismatch(expr, a != b && is_number_tag(a) && is_number_tag(b) ? "T0122" : "T0120",
                  fmt::format("{} does not take {} and {}", to_string(expr.op),
                              to_string(left.type), to_string(right.type)),
                  hint_for(left, right));
}

Type Checker::check_comparison(Expr& expr) {
  Expr& left = *expr.args[0];
  Expr& right = *expr.args[1];
  widen_pair(left, right);
  if (right.type.tag() == Tag::kInt && is_level(left)) take_rank(left);
  if (left.type.tag() == Tag::kInt && is_level(right)) take_rank(right);
  const bool equality = expr.op == Operator::kEqual || expr.op == Operator::kNotEqual;
  const Tag a = left.type.tag();
  const Tag b = right.type.tag();
  if (equality) {
    check_spelling(left, right);
    check_spelling(right, left);
  } else if (is_level(left) || is_level(right)) {
    return mismatch(expr, "T0120", "levels compare by rank, this would compare their spelling",
                    level_hint(left, right));
  }
  const bool month_12 = equality && left.builtin == Builtin::kMonth && is_int_literal(right) &&
                        right.value.integer() == 12;
  if (month_12 && !environment_.conformance) {
    diagnostics_.warning("T0150", place_of(expr), "getMonth() is never 12: it counts from 0",
                         "December is 11");
  }
  const bool mixed_numbers = is_number_tag(a) && is_number_tag(b) && a != b;
  if (mixed_numbers && !equality && environment_.conformance) return Tag::kBool;
  if (!comparable(left.type, right.type)) {
    return mismatch(expr, mixed_numbers ? "T0122" : "T0121",
                    fmt::format("{} compares {} with {}", to_string(expr.op), to_string(left.type),
                                to_string(right.type)),
                    hint_for(left, right));
  }
  const auto has_order = [](Tag tag) {
    return tag != Tag::kList && tag != Tag::kMap && tag != Tag::kNull && tag != Tag::kType;
  };
  if (!equality && (!has_order(a) || !has_order(b))) {
    return mismatch(
        expr, "T0120",
        fmt::format("{} has no order", to_string(has_order(a) ? right.type : left.type)));
  }
  return Tag::kBool;
}

Type Checker::check_in(Expr& expr) {
  Expr& item = *expr.args[0];
  Expr& container = *expr.args[1];
  check_spellings(item, container);
  if (container.type.item().tag() == Tag::kInt && is_level(item)) take_rank(item);
  Type element;
  switch (container.type.tag()) {
    case Tag::kDyn:
      return Tag::kBool;
    case Tag::kList:
      if (container.kind == ExprKind::kList && item.type.tag() == Tag::kDouble) {
        for (ExprPtr& literal : container.args) widen(*literal, item.type);
        Type widened;
        for (size_t i = 0; i < container.args.size(); ++i) {
          widened = i == 0 ? container.args[0]->type : join(widened, container.args[i]->type);
        }
        container.type = Type::list(widened);
      }
      element = container.type.item();
      break;
    case Tag::kMap:
      element = container.type.key();
      break;
    default:
      return mismatch(
          container, "T0120",
          fmt::format("`in` needs a list or a map, this is {}", to_string(container.type)),
          container.type.tag() == Tag::kString ? "write text.contains(\"…\")" : "");
  }
  if (!comparable(item.type, element)) {
    return mismatch(
        expr, "T0121",
        fmt::format("`in` looks for {} in {}", to_string(item.type), to_string(container.type)),
        item.type.tag() == Tag::kDouble || element.tag() == Tag::kDouble
            ? "int and double do not mix: write double(x)"
            : "");
  }
  return Tag::kBool;
}

Type Checker::check_index(Expr& expr) {
  expr.builtin = Builtin::kIndex;
  const Type container = check(*expr.args[0]);
  const Type key = check(*expr.args[1]);
  if (container.tag() == Tag::kDyn) return {};
  if (container.tag() == Tag::kList) {
    if (!wants(*expr.args[1], {Tag::kInt}, "a list index")) return {};
    return container.item();
  }
  if (container.tag() == Tag::kMap) {
    if (!comparable(container.key(), key)) {
      return mismatch(
          *expr.args[1], "T0121",
          fmt::format("the keys are {}, this is {}", to_string(container.key()), to_string(key)));
    }
    return container.map_value();
  }
  return mismatch(expr, "T0120", fmt::format("{} cannot be indexed", to_string(container)));
}

// signal("NAME") is a variable, and the expression becomes its name.
Type Checker::check_signal(Expr& expr) {
  if (environment_.signals == nullptr) {
    return error(expr, "T0134", "no signal can be read here",
                 "signals are read at the time of the decision: in `when`, levels, `unless` and "
                 "texts; a capture says `signal(\"NAME\") at e.time`");
  }
  const bool has_name = expr.args.size() == 1 && expr.args[0]->kind == ExprKind::kLiteral &&
                        expr.args[0]->value.kind() == Kind::kString;
  if (!has_name) {
    return error(expr, "T0134", "signal() takes the name of one signal as a text",
                 "signal(\"governance.corruption_index\")");
  }
  const std::string name = expr.args[0]->name;
  const std::string variable = "signal(\"" + name + "\")";
  for (size_t i = 0; i < environment_.variables.size(); ++i) {
    if (environment_.variables[i].name != variable) continue;
    expr.kind = ExprKind::kIdent;
    expr.name = variable;
    expr.args.clear();
    expr.target = Target::kVariable;
    expr.index = static_cast<uint32_t>(i);
    expr.needs_value = true;
    analysis_.variables.insert(variable);
    return environment_.variables[i].type;
  }
  const std::string near = nearest_name(name, *environment_.signals);
  return error(expr, "T0135", fmt::format("there is no signal `{}`", name),
               near.empty() ? "declare it under `signals`, or name an indicator"
                            : fmt::format("did you mean signal(\"{}\")?", near));
}

Type Checker::check_function(Expr& expr, size_t first_argument) {
  const bool is_method = first_argument == 1;
  if (!environment_.conformance && !is_method && expr.name == "signal") return check_signal(expr);
  const FunctionName* function = find_function(expr.name);
  if (function != nullptr && function->extension && environment_.conformance) function = nullptr;
  // math.greatest(…), cel.bind(…): calls of a namespace that is not here.
  const std::string receiver = is_method ? dotted_name(*expr.args[0]) : std::string();
  const bool known_shape = function != nullptr && (is_method ? function->method : function->global);
  if (!known_shape) {
    for (const std::string_view space :
         {"math", "cel", "proto", "optional", "base64", "strings", "sets", "net"}) {
      if (receiver == space) return unsupported(expr, fmt::format("{}.{}()", receiver, expr.name));
    }
    const std::string_view foreign = unsupported_function(expr.name);
    if (!foreign.empty()) {
      return error(expr, "T0190", fmt::format("not supported in tocsin: {}", foreign));
    }
    const std::string shown = receiver.empty() ? expr.name : receiver + "." + expr.name;
    if (receiver.starts_with("google") || receiver.starts_with("cel.expr")) {
      return unsupported(expr, fmt::format("{}()", shown));
    }
  }
  // region(e) names the event whole.
  const bool region_of_event = !environment_.conformance && !is_method && expr.name == "region" &&
                               expr.args.size() == 1 && is_event(*expr.args[0]);
  if (region_of_event) {
    expr.target = Target::kEventField;
    expr.index = static_cast<uint32_t>(EventField::kRegion);
    return Tag::kRegion;
  }
  for (ExprPtr& argument : expr.args) {
    const bool is_told = function == nullptr && checked() && is_event(*argument);
    if (!is_told) check(*argument);
  }
  if (known_shape && expr.args.size() >= function->min_args &&
      expr.args.size() <= function->max_args) {
    expr.builtin = function->builtin;
    const Type type = type_of_call(expr, *function);
    if (is_conversion(expr.builtin)) check_conversion(expr);
    return type;
  }
  expr.builtin = Builtin::kUnknown;
  if (!checked()) return {};
  if (known_shape) {
    return error(expr, "T0117",
                 fmt::format("{} takes {} argument{}, not {}", expr.name,
                             function->max_args - first_argument,
                             function->max_args - first_argument == 1 ? "" : "s",
                             expr.args.size() - first_argument));
  }
  return error(expr, "T0111", fmt::format("there is no function {}()", expr.name),
               function_hint(expr.name, is_method, environment_));
}

Type Checker::type_of_call(Expr& expr, const FunctionName& function) {
  const std::string_view name = function.name;
  Expr& first = *expr.args[0];
  switch (function.builtin) {
    case Builtin::kSize:
      wants(first, {Tag::kString, Tag::kList, Tag::kMap, Tag::kBytes}, name);
      return Tag::kInt;
    case Builtin::kContains:
    case Builtin::kStartsWith:
    case Builtin::kEndsWith:
      wants(first, {Tag::kString}, name);
      wants(*expr.args[1], {Tag::kString}, name);
      return Tag::kBool;
    case Builtin::kMatches:
      return check_matches(expr);
    case Builtin::kLower:
    case Builtin::kFold:
      wants(first, {Tag::kString}, name);
      return Tag::kString;
    case Builtin::kToInt:
      wants(first, {Tag::kInt, Tag::kUint, Tag::kDouble, Tag::kString, Tag::kTimestamp}, name);
      return Tag::kInt;
    case Builtin::kToUint:
      wants(first, {Tag::kInt, Tag::kUint, Tag::kDouble, Tag::kString}, name);
      return Tag::kUint;
    case Builtin::kToDouble:
      wants(first, {Tag::kInt, Tag::kUint, Tag::kDouble, Tag::kString}, name);
      return Tag::kDouble;
    case Builtin::kToString:
      wants(first,
            {Tag::kInt, Tag::kUint, Tag::kDouble, Tag::kString, Tag::kBool, Tag::kBytes,
             Tag::kTimestamp, Tag::kDuration},
            name);
      return Tag::kString;
    case Builtin::kToBool:
      wants(first, {Tag::kBool, Tag::kString}, name);
      return Tag::kBool;
    case Builtin::kToBytes:
      wants(first, {Tag::kBytes, Tag::kString}, name);
      return Tag::kBytes;
    case Builtin::kToTimestamp:
      wants(first, {Tag::kString, Tag::kInt, Tag::kTimestamp}, name);
      return Tag::kTimestamp;
    case Builtin::kToDuration:
      wants(first, {Tag::kString, Tag::kDuration}, name);
      return Tag::kDuration;
    case Builtin::kToDyn:
      return {};
    case Builtin::kTypeOf:
      return Tag::kType;
    case Builtin::kFullYear:
    case Builtin::kMonth:
    case Builtin::kDate:
    case Builtin::kDayOfMonth:
    case Builtin::kDayOfWeek:
    case Builtin::kDayOfYear:
    case Builtin::kHours:
    case Builtin::kMinutes:
    case Builtin::kSeconds:
    case Builtin::kMilliseconds:
      return check_getter(expr, function);
    case Builtin::kGet: {
      if (!wants(first, {Tag::kMap}, name)) return {};
      widen_pair(*expr.args[1], *expr.args[2]);
      const Type& value = first.type.map_value();
      widen(*expr.args[2], value);
      return value.tag() == Tag::kDyn ? Type() : join(value, expr.args[2]->type);
    }
    case Builtin::kAbs:
      return wants(first, {Tag::kInt, Tag::kDouble}, name) ? first.type : Type();
    case Builtin::kMin:
    case Builtin::kMax: {
      if (expr.args.size() == 1) {
        return wants(first, {Tag::kList}, name) ? first.type.item() : Type();
      }
      const bool real = std::any_of(expr.args.begin(), expr.args.end(), [](const ExprPtr& arg) {
        return arg->type.tag() == Tag::kDouble;
      });
      Type result = first.type;
      for (ExprPtr& arg : expr.args) {
        if (real) widen(*arg, Tag::kDouble);
        if (!wants(*arg, {Tag::kInt, Tag::kUint, Tag::kDouble}, name)) return {};
        result = arg == expr.args[0] ? arg->type : join(result, arg->type);
        if (arg->type.tag() != Tag::kDyn && first.type.tag() != Tag::kDyn &&
            !(arg->type == first.type)) {
          return mismatch(*arg, "T0122",
                          fmt::format("{} compares {} with {}", name, to_string(first.type),
                                      to_string(arg->type)),
                          hint_for(first, *arg));
        }
      }
      return result;
    }
    case Builtin::kRegion:
      wants(first, {Tag::kString}, name);
      return Tag::kRegion;
    case Builtin::kParent:
      wants(first, {Tag::kString}, name);
      return Tag::kRegion;
    case Builtin::kLevel:
      wants(first, {Tag::kString}, name);
      return Tag::kString;
    case Builtin::kWithin: {
      wants(first, {Tag::kString}, name);
      const Expr& wanted = *expr.args[1];
      wants(wanted, {Tag::kString}, name);
      Expr region;  // whatever the receiver is, the argument names a region
      region.target = Target::kEventField;
      region.index = static_cast<uint32_t>(EventField::kRegion);
      check_spelling(region, wanted);
      return Tag::kBool;
    }
    case Builtin::kDaysSince:
      return check_days_since(expr);
    case Builtin::kInCalendar:
      return check_in_calendar(expr);
    case Builtin::kNone:
    case Builtin::kUnknown:
    case Builtin::kNot:
    case Builtin::kNegate:
    case Builtin::kAdd:
    case Builtin::kSubtract:
    case Builtin::kMultiply:
    case Builtin::kDivide:
    case Builtin::kRemainder:
    case Builtin::kEqual:
    case Builtin::kNotEqual:
    case Builtin::kLess:
    case Builtin::kLessEqual:
    case Builtin::kGreater:
    case Builtin::kGreaterEqual:
    case Builtin::kIn:
    case Builtin::kIndex:
      return {};  // operators are not called by name
  }
  return {};
}

Type Checker::check_matches(Expr& expr) {
  wants(*expr.args[0], {Tag::kString}, "matches");
  const Expr& pattern = *expr.args[1];
  wants(pattern, {Tag::kString}, "matches");
  if (pattern.kind != ExprKind::kLiteral) {
    if (!environment_.conformance) {
      error(pattern, "T0131", "the pattern of matches() must be a constant text",
            "write text.matches(r\"…\"), or compare with == or contains");
    }
    return Tag::kBool;
  }
  if (pattern.value.kind() != Kind::kString) return Tag::kBool;
  std::string problem;
  std::unique_ptr<const RE2> regex = compile_regex(pattern.name, problem);
  if (!regex) {
    // In conformance runs a bad pattern is an error of the evaluation.
    if (environment_.conformance) return Tag::kBool;
    error(pattern, "T0132", fmt::format("bad pattern: {}", problem),
          "RE2 syntax; no look-around, no back-references");
    return Tag::kBool;
  }
  prepared_.push_back({std::move(regex), std::nullopt});
  expr.index = static_cast<uint32_t>(prepared_.size());
  return Tag::kBool;
}

Type Checker::check_getter(Expr& expr, const FunctionName& function) {
  const bool of_duration =
      function.builtin == Builtin::kHours || function.builtin == Builtin::kMinutes ||
      function.builtin == Builtin::kSeconds || function.builtin == Builtin::kMilliseconds;
  if (of_duration && expr.args.size() == 1) {
    wants(*expr.args[0], {Tag::kTimestamp, Tag::kDuration}, function.name);
  } else {
    wants(*expr.args[0], {Tag::kTimestamp}, function.name);
  }
  if (expr.args.size() < 2) return Tag::kInt;
  const Expr& zone = *expr.args[1];
  wants(zone, {Tag::kString}, "a time zone");
  if (zone.kind != ExprKind::kLiteral || zone.value.kind() != Kind::kString) return Tag::kInt;
  const std::optional<Zone> found = find_zone(zone.name);
  if (found) {
    prepared_.push_back({nullptr, found});
    expr.index = static_cast<uint32_t>(prepared_.size());
  } else if (!environment_.conformance) {
    error(zone, "T0133", fmt::format("there is no time zone \"{}\"", zone.name),
          "an IANA name (\"Africa/Bamako\") or an offset (\"+02:00\")");
  }
  return Tag::kInt;
}

void Checker::check_region_of_calendar(const Expr& region) {
  if (environment_.catalogue == nullptr || region.kind != ExprKind::kLiteral) return;
  const Catalogue& catalogue = *environment_.catalogue;
  if (region.value.kind() != Kind::kString || catalogue.find_region(region.name)) return;
  std::vector<std::string> names;
  for (const Region& known : catalogue.regions()) names.push_back(known.id);
  const std::string near = nearest_name(region.name, names);
  error(region, "T0118", fmt::format("there is no region \"{}\"", region.name),
        near.empty() ? "" : fmt::format("did you mean \"{}\"?", near));
}

void Checker::check_time_before(const Expr& before) {
  const bool is_constant = before.kind == ExprKind::kCall && before.args.size() == 1 &&
                           before.args[0]->kind == ExprKind::kLiteral;
  if (!is_constant || !before.args[0]->name.starts_with('-')) return;
  error(before, "T0131", "in_calendar() looks ahead, so this cannot be negative",
        "how long before its first day an entry begins to count: duration(\"720h\")");
}

Type Checker::check_in_calendar(Expr& expr) {
  wants(*expr.args[0], {Tag::kTimestamp}, "in_calendar");
  wants(*expr.args[2], {Tag::kString}, "in_calendar");
  if (expr.args.size() > 3) wants(*expr.args[3], {Tag::kDuration}, "in_calendar");
  const Expr& name = *expr.args[1];
  if (name.kind != ExprKind::kLiteral || name.value.kind() != Kind::kString) {
    return error(name, "T0131", "in_calendar() needs the name of a calendar as a constant text",
                 "in_calendar(e.time, \"elections\", region(e), duration(\"720h\"))");
  }
  check_region_of_calendar(*expr.args[2]);
  if (expr.args.size() > 3) check_time_before(*expr.args[3]);
  const Calendar* calendar = nullptr;
  std::vector<std::string> names;
  if (environment_.catalogue != nullptr) {
    calendar = environment_.catalogue->find_calendar(name.name);
    for (const Calendar& known : environment_.catalogue->calendars()) names.push_back(known.name);
  }
  if (calendar == nullptr) {
    const std::string near = nearest_name(name.name, names);
    return error(name, "T0118", fmt::format("there is no calendar \"{}\"", name.name),
                 near.empty() ? "declare it under `calendars` of the catalogue"
                              : fmt::format("did you mean \"{}\"?", near));
  }
  if (environment_.today && calendar->valid_until && *calendar->valid_until < *environment_.today) {
    diagnostics_.warning("T0215", place_of(name),
                         fmt::format("the calendar \"{}\" was valid until {}", name.name,
                                     format_date(*calendar->valid_until)),
                         "nobody has looked at the dates since: add them to the catalogue");
  }
  return Tag::kBool;
}

Type Checker::check_days_since(Expr& expr) {
  wants(*expr.args[0], {Tag::kTimestamp}, "days_since");
  for (size_t i = 0; i < environment_.variables.size(); ++i) {
    if (environment_.variables[i].name != "at") continue;
    expr.index = static_cast<uint32_t>(i);
    analysis_.variables.insert("at");
    return Tag::kInt;
  }
  return error(expr, "T0111",
               "days_since() counts to the time of the decision, which is not known here",
               "use it in levels and templates; elsewhere write a difference of two times");
}

}  // namespace tocsin::cel
