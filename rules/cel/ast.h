#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rules/cel/builtins.h"
#include "rules/cel/type.h"
#include "rules/cel/value.h"
#include "rules/model/text_places.h"

namespace tocsin::cel {

// A text that expressions were read from: the expression itself or a macro of the rule file.
struct SourceText {
  std::string text;
  TextPlaces places;
};

// Line and column of byte `offset`.
inline Place place_at(const SourceText& source, size_t offset) {
  return source.places.at(source.text, offset);
}

enum class ExprKind : uint8_t {
  kLiteral,        // value (texts in `name`)
  kIdent,          // name
  kSelect,         // args[0].name
  kHas,            // has(args[0].name)
  kIndex,          // args[0][args[1]]
  kUnary,          // op args[0]
  kBinary,         // args[0] op args[1]; not && and ||
  kAnd,            // args joined by &&, two or more
  kOr,             // args joined by ||
  kTernary,        // args[0] ? args[1] : args[2]
  kCall,           // name(args…)
  kMethod,         // args[0].name(args[1]…)
  kList,           // [args…]
  kMap,            // {args[0]: args[1], …}
  kMessage,        // name{fields[0]: args[0], …}
  kComprehension,  // args[0].all(name, args[1]); map may have a filter: args[1], args[2]
};

enum class Operator : uint8_t {
  kNot,
  kNegate,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kRemainder,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
};
std::string_view to_string(Operator op);

enum class ComprehensionKind : uint8_t { kAll, kExists, kExistsOne, kMap, kMapFilter, kFilter };
std::string_view to_string(ComprehensionKind kind);

// What a name or select stands for; found by the checker.
enum class Target : uint8_t {
  kNone,        // as the syntax says: select a key of a map, call a function, …
  kConstant,    // `constant`
  kVariable,    // slot `index`
  kLocal,       // comprehension variable at depth `index`
  kEventField,  // EventField `index`
  kEventAttr,   // e.attrs.NAME
  kUnknown,     // an error when evaluated (unchecked expressions only)
};

enum class EventField : uint8_t {
  kId,
  kRev,
  kOp,
  kSource,
  kIndicator,
  kTime,
  kTimeEnd,
  kTimePrecision,
  kRegion,
  kGeoPrecision,
  kValue,
  kConfidence,
  kActors,
  kTags,
  kAttrs,
  kLat,
  kLon,
  kTlp,
};

// A node of the syntax tree. The parser fills the first part, the checker the second.
struct Expr {
  ExprKind kind = ExprKind::kLiteral;
  Operator op = Operator::kNot;
  ComprehensionKind comprehension = ComprehensionKind::kAll;
  bool leading_dot = false;  // of kIdent, kCall: looks past comprehension variables
  bool needs_value = false;  // of a variable: a null one is an error, not a value
  uint16_t depth = 1;        // of the subtree
  uint32_t offset = 0;       // where errors point to, in source->text
  const SourceText* source = nullptr;
  std::string name;
  Value value;  // of kLiteral, when not a text; of a text only the kind counts
  std::vector<std::unique_ptr<Expr>> args;
  std::vector<std::string> fields;

  Type type;
  Target target = Target::kNone;
  uint32_t index = 0;
  Builtin builtin = Builtin::kNone;
  Value constant;  // texts in the compile arena
};
using ExprPtr = std::unique_ptr<Expr>;

ExprPtr clone(const Expr& expr);
size_t count_nodes(const Expr& expr);
// The value of a kLiteral; a text stays owned by the expression.
Value literal_value(const Expr& literal);
inline Place place_of(const Expr& expr) { return place_at(*expr.source, expr.offset); }

// `a.b.c` as "a.b.c" when the expression is only names joined by dots; "" otherwise.
std::string dotted_name(const Expr& expr);

}  // namespace tocsin::cel
