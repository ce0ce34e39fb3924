#include "rules/cel/printer.h"

#include <cmath>

#include "fmt/format.h"

namespace tocsin::cel {
namespace {

// How tightly an expression binds; an operand looser than its place gets parentheses.
enum Binding : int {
  kTernaryBinding,
  kOrBinding,
  kAndBinding,
  kRelationBinding,
  kSumBinding,
  kProductBinding,
  kUnaryBinding,
  kMemberBinding,
};

Binding binding_of(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kTernary:
      return kTernaryBinding;
    case ExprKind::kOr:
      return kOrBinding;
    case ExprKind::kAnd:
      return kAndBinding;
    case ExprKind::kUnary:
      return kUnaryBinding;
    case ExprKind::kBinary:
      switch (expr.op) {
        case Operator::kAdd:
        case Operator::kSubtract:
          return kSumBinding;
        case Operator::kMultiply:
        case Operator::kDivide:
        case Operator::kRemainder:
          return kProductBinding;
        case Operator::kNot:
        case Operator::kNegate:
        case Operator::kEqual:
        case Operator::kNotEqual:
        case Operator::kLess:
        case Operator::kLessEqual:
        case Operator::kGreater:
        case Operator::kGreaterEqual:
        case Operator::kIn:
          return kRelationBinding;
      }
      return kRelationBinding;
    case ExprKind::kLiteral:
    case ExprKind::kIdent:
    case ExprKind::kSelect:
    case ExprKind::kHas:
    case ExprKind::kIndex:
    case ExprKind::kCall:
    case ExprKind::kMethod:
    case ExprKind::kList:
    case ExprKind::kMap:
    case ExprKind::kMessage:
    case ExprKind::kComprehension:
      return kMemberBinding;
  }
  return kMemberBinding;
}

bool is_plain_name(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!plain) return false;
  }
  return name != "in" && name != "true" && name != "false" && name != "null";
}

std::string quote_bytes(std::string_view bytes) {
  std::string out = "b\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F && c != '"' && c != '\\') {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", byte);
    }
  }
  return out + "\"";
}

class Printer {
 public:
  std::string take() { return std::move(out_); }

  void put(const Expr& expr, Binding place) {
    const bool parentheses = binding_of(expr) < place;
    if (parentheses) out_ += '(';
    put_bare(expr);
    if (parentheses) out_ += ')';
  }

 private:
  void put_bare(const Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kLiteral:
        put_literal(expr);
        break;
      case ExprKind::kIdent:
        put_name(expr);
        break;
      case ExprKind::kSelect:
        put_select(expr);
        break;
      case ExprKind::kHas:
        out_ += "has(";
        put_select(expr);
        out_ += ')';
        break;
      case ExprKind::kIndex:
        put(*expr.args[0], kMemberBinding);
        out_ += '[';
        put(*expr.args[1], kTernaryBinding);
        out_ += ']';
        break;
      case ExprKind::kUnary:
        put_unary(expr);
        break;
      case ExprKind::kBinary:
        put_binary(expr);
        break;
      case ExprKind::kAnd:
        put_joined(expr, " && ", kRelationBinding);
        break;
      case ExprKind::kOr:
        put_joined(expr, " || ", kAndBinding);
        break;
      case ExprKind::kTernary:
        put(*expr.args[0], kOrBinding);
        out_ += " ? ";
        put(*expr.args[1], kOrBinding);
        out_ += " : ";
        put(*expr.args[2], kTernaryBinding);
        break;
      case ExprKind::kCall:
        put_name(expr);
        put_arguments(expr, 0);
        break;
      case ExprKind::kMethod:
        put(*expr.args[0], kMemberBinding);
        out_ += '.';
        out_ += expr.name;
        put_arguments(expr, 1);
        break;
      case ExprKind::kList:
        out_ += '[';
        put_joined(expr, ", ", kTernaryBinding);
        out_ += ']';
        break;
      case ExprKind::kMap:
        put_map(expr);
        break;
      case ExprKind::kMessage:
        put_message(expr);
        break;
      case ExprKind::kComprehension:
        put(*expr.args[0], kMemberBinding);
        out_ += fmt::format(".{}({}", to_string(expr.comprehension), expr.name);
        for (size_t i = 1; i < expr.args.size(); ++i) {
          out_ += ", ";
          put(*expr.args[i], kTernaryBinding);
        }
        out_ += ')';
        break;
    }
  }

  void put_literal(const Expr& expr) {
    switch (expr.value.kind()) {
      case Kind::kNull:
        out_ += "null";
        break;
      case Kind::kBool:
        out_ += expr.value.boolean() ? "true" : "false";
        break;
      case Kind::kInt:
        out_ += std::to_string(expr.value.integer());
        break;
      case Kind::kUint:
        out_ += std::to_string(expr.value.unsigned_integer()) + "u";
        break;
      case Kind::kDouble:
        out_ += print_double(expr.value.real());
        break;
      case Kind::kString:
        out_ += quote(expr.name);
        break;
      case Kind::kBytes:
        out_ += quote_bytes(expr.name);
        break;
      case Kind::kList:
      case Kind::kMap:
      case Kind::kTimestamp:
      case Kind::kDuration:
      case Kind::kType:
        break;  // have no literals
    }
  }

  void put_name(const Expr& expr) {
    if (expr.leading_dot) out_ += '.';
    out_ += expr.name;
  }

  void put_select(const Expr& expr) {
    put(*expr.args[0], kMemberBinding);
    out_ += '.';
    out_ += is_plain_name(expr.name) ? expr.name : "`" + expr.name + "`";
  }

  void put_unary(const Expr& expr) {
    const Expr& operand = *expr.args[0];
    out_ += to_string(expr.op);
    // -(1) must not become the literal -1, nor -(1).f() the call of (-1).f().
    if (expr.op == Operator::kNegate && starts_with_number(operand)) {
      out_ += '(';
      put_bare(operand);
      out_ += ')';
    } else {
      put(operand, kUnaryBinding);
    }
  }
  static bool starts_with_number(const Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kLiteral:
        return expr.value.kind() == Kind::kInt || expr.value.kind() == Kind::kDouble;
      case ExprKind::kSelect:
      case ExprKind::kIndex:
      case ExprKind::kMethod:
      case ExprKind::kComprehension:
        return starts_with_number(*expr.args[0]);
      default:
        return false;  // every other form starts with its own word or parenthesis
    }
  }

  void put_binary(const Expr& expr) {
    const Binding own = binding_of(expr);
    put(*expr.args[0], own);
    out_ += fmt::format(" {} ", to_string(expr.op));
    put(*expr.args[1], static_cast<Binding>(own + 1));
  }

  void put_joined(const Expr& expr, std::string_view separator, Binding place) {
    for (size_t i = 0; i < expr.args.size(); ++i) {
      if (i > 0) out_ += separator;
      put(*expr.args[i], place);
    }
  }

  void put_arguments(const Expr& expr, size_t first) {
    out_ += '(';
    for (size_t i = first; i < expr.args.size(); ++i) {
      if (i > first) out_ += ", ";
      put(*expr.args[i], kTernaryBinding);
    }
    out_ += ')';
  }

  void put_map(const Expr& expr) {
    out_ += '{';
    for (size_t i = 0; i + 1 < expr.args.size(); i += 2) {
      if (i > 0) out_ += ", ";
      put(*expr.args[i], kTernaryBinding);
      out_ += ": ";
      put(*expr.args[i + 1], kTernaryBinding);
    }
    out_ += '}';
  }

  void put_message(const Expr& expr) {
    put_name(expr);
    out_ += '{';
    for (size_t i = 0; i < expr.args.size(); ++i) {
      if (i > 0) out_ += ", ";
      out_ += is_plain_name(expr.fields[i]) ? expr.fields[i] : "`" + expr.fields[i] + "`";
      out_ += ": ";
      put(*expr.args[i], kTernaryBinding);
    }
    out_ += '}';
  }

  std::string out_;
};

}  // namespace

std::string print_double(double number) {
  std::string text = fmt::format("{}", number);
  if (text.find_first_of(".e") == text.npos) text += ".0";
  return text;
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
          out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out + "\"";
}

std::string print(const Expr& expr) {
  Printer printer;
  printer.put(expr, kTernaryBinding);
  return printer.take();
}

}  // namespace tocsin::cel
