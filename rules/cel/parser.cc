#include "rules/cel/parser.h"

#include <algorithm>
#include <array>
#include <optional>

#include "fmt/format.h"
#include "rules/cel/lexer.h"

namespace tocsin::cel {
namespace {

constexpr std::array<std::string_view, 16> kReserved{
    "as",     "break", "const", "continue", "else",      "for",    "function", "if",
    "import", "let",   "loop",  "package",  "namespace", "return", "var",      "void"};

bool is_reserved(std::string_view word) {
  return word == "while" || std::find(kReserved.begin(), kReserved.end(), word) != kReserved.end();
}

std::optional<ComprehensionKind> comprehension_of(std::string_view name, size_t arguments) {
  if (name == "map" && arguments == 3) return ComprehensionKind::kMapFilter;
  if (arguments != 2) return std::nullopt;
  if (name == "all") return ComprehensionKind::kAll;
  if (name == "exists") return ComprehensionKind::kExists;
  if (name == "exists_one") return ComprehensionKind::kExistsOne;
  if (name == "map") return ComprehensionKind::kMap;
  if (name == "filter") return ComprehensionKind::kFilter;
  return std::nullopt;
}

// Levels of left-associative operators below && : relations, sums, products.
struct BinaryOperator {
  int level;
  Operator op;
};
std::optional<BinaryOperator> binary_operator(TokenKind kind) {
  switch (kind) {
    case TokenKind::kEqual:
      return BinaryOperator{1, Operator::kEqual};
    case TokenKind::kNotEqual:
      return BinaryOperator{1, Operator::kNotEqual};
    case TokenKind::kLess:
      return BinaryOperator{1, Operator::kLess};
    case TokenKind::kLessEqual:
      return BinaryOperator{1, Operator::kLessEqual};
    case TokenKind::kGreater:
      return BinaryOperator{1, Operator::kGreater};
    case TokenKind::kGreaterEqual:
      return BinaryOperator{1, Operator::kGreaterEqual};
    case TokenKind::kIn:
      return BinaryOperator{1, Operator::kIn};
    case TokenKind::kPlus:
      return BinaryOperator{2, Operator::kAdd};
    case TokenKind::kMinus:
      return BinaryOperator{2, Operator::kSubtract};
    case TokenKind::kStar:
      return BinaryOperator{3, Operator::kMultiply};
    case TokenKind::kSlash:
      return BinaryOperator{3, Operator::kDivide};
    case TokenKind::kPercent:
      return BinaryOperator{3, Operator::kRemainder};
    default:
      return std::nullopt;  // every other word ends the operand
  }
}
constexpr int kTightest = 3;

class Parser {
 public:
  Parser(const SourceText& source, std::vector<Token> tokens, Diagnostics& diagnostics)
      : source_(source), tokens_(std::move(tokens)), diagnostics_(diagnostics) {}

  ExprPtr run() {
    if (peek().kind == TokenKind::kEnd) {
      return fail(peek(), "T0101", "the expression is empty");
    }
    ExprPtr expr = expression();
    if (!expr) return nullptr;
    if (peek().kind != TokenKind::kEnd) return unexpected("an operator or the end");
    return expr;
  }

 private:
  const Token& peek(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  const Token& take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool accept(TokenKind kind) {
    if (peek().kind != kind) return false;
    take();
    return true;
  }

  std::nullptr_t fail(const Token& token, std::string_view code, std::string message,
                      std::string hint = {}) {
    diagnostics_.error(std::string(code), place_at(source_, token.offset), std::move(message),
                       std::move(hint));
    return nullptr;
  }
  std::nullptr_t unsupported(const Token& token, std::string_view what, std::string hint = {}) {
    return fail(token, "T0190", fmt::format("not supported in tocsin: {}", what), std::move(hint));
  }

  std::string shown(const Token& token) const {
    if (token.kind == TokenKind::kEnd) return "the end of the expression";
    return fmt::format("`{}`", source_.text.substr(token.offset, token.end - token.offset));
  }

  std::string_view shown_bare(const Token& token) const {
    return std::string_view(source_.text).substr(token.offset, token.end - token.offset);
  }
  // `10,5` where no list of arguments is.
  bool is_decimal_comma() const {
    const auto is_whole = [](const Token& token) {
      return token.kind == TokenKind::kLiteral && token.value.kind() == Kind::kInt;
    };
    return at_ > 0 && peek().kind == TokenKind::kComma && is_whole(tokens_[at_ - 1]) &&
           is_whole(peek(1)) && tokens_[at_ - 1].end == peek().offset &&
           peek().end == peek(1).offset;
  }

  std::nullptr_t unexpected(std::string_view wanted) {
    const Token& token = peek();
    std::string hint;
    if (token.kind == TokenKind::kIdent) {
      const std::string& word = token.text;
      if (word == "AND" || word == "and" || word == "And") hint = "write && for `and`";
      if (word == "OR" || word == "or" || word == "Or") hint = "write || for `or`";
      if (word == "NOT" || word == "not" || word == "Not") hint = "write !x, or !(x in list)";
      if (word == "IN") hint = "write `in` in lower case";
      if (word == "is" || word == "IS" || word == "equals") hint = "write == to compare";
      if (word == "LIKE" || word == "like")
        hint = "write text.contains(\"…\") or text.matches(r\"…\")";
    }
    const bool previous_not = at_ > 0 && tokens_[at_ - 1].kind == TokenKind::kIdent &&
                              (tokens_[at_ - 1].text == "NOT" || tokens_[at_ - 1].text == "not");
    if (previous_not) hint = "write !x for `not x`";
    if (is_decimal_comma()) {
      hint = fmt::format("a number has a decimal point: {}.{}", shown_bare(tokens_[at_ - 1]),
                         shown_bare(peek(1)));
    }
    const std::string_view code = hint.empty() ? "T0101" : "T0104";
    return fail(token, code, fmt::format("expected {}, found {}", wanted, shown(token)),
                std::move(hint));
  }
  bool expect(TokenKind kind, std::string_view wanted) {
    if (accept(kind)) return true;
    unexpected(wanted);
    return false;
  }

  ExprPtr make(ExprKind kind, const Token& token) {
    auto expr = std::make_unique<Expr>();
    expr->kind = kind;
    expr->offset = token.offset;
    expr->source = &source_;
    return expr;
  }
  // Sets the depth; nullptr when the tree got too deep.
  ExprPtr finish(ExprPtr expr) {
    int depth = 0;
    for (const ExprPtr& arg : expr->args) depth = std::max<int>(depth, arg->depth);
    if (depth + 1 > kMaxTreeDepth) {
      diagnostics_.error("T0103", place_of(*expr),
                         fmt::format("the expression is deeper than {} operations", kMaxTreeDepth),
                         "use a list with `in`, or split it into macros");
      return nullptr;
    }
    expr->depth = static_cast<uint16_t>(depth + 1);
    return expr;
  }

  class Nesting {
   public:
    explicit Nesting(int& depth) : depth_(depth) { ++depth_; }
    ~Nesting() { --depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    int& depth_;
  };

  ExprPtr expression() {
    const Nesting nesting(nesting_);
    if (nesting_ > kMaxNesting) {
      return fail(peek(), "T0103", fmt::format("the expression nests deeper than {}", kMaxNesting),
                  "split it into macros");
    }
    ExprPtr condition = junction(TokenKind::kOrOr);
    if (!condition || peek().kind != TokenKind::kQuestion) return condition;
    const Token& question = take();
    if (peek().kind == TokenKind::kDot && peek().offset == question.end) {
      return unsupported(question, "optional field selection `?.`", "use has(e.field) && …");
    }
    ExprPtr expr = make(ExprKind::kTernary, question);
    expr->args.push_back(std::move(condition));
    ExprPtr yes = junction(TokenKind::kOrOr);
    if (!yes || !expect(TokenKind::kColon, "`:` of `?:`")) return nullptr;
    ExprPtr no = expression();
    if (!no) return nullptr;
    expr->args.push_back(std::move(yes));
    expr->args.push_back(std::move(no));
    return finish(std::move(expr));
  }

  // a || b || c as one node, of a && b && c as one node each.
  ExprPtr junction(TokenKind kind) {
    const bool is_or = kind == TokenKind::kOrOr;
    ExprPtr first = is_or ? junction(TokenKind::kAndAnd) : binary(1);
    if (!first || peek().kind != kind) return first;
    ExprPtr expr = make(is_or ? ExprKind::kOr : ExprKind::kAnd, peek());
    expr->args.push_back(std::move(first));
    while (accept(kind)) {
      ExprPtr next = is_or ? junction(TokenKind::kAndAnd) : binary(1);
      if (!next) return nullptr;
      expr->args.push_back(std::move(next));
    }
    return finish(std::move(expr));
  }

  ExprPtr binary(int level) {
    ExprPtr left = level == kTightest ? unary() : binary(level + 1);
    while (left) {
      const std::optional<BinaryOperator> op = binary_operator(peek().kind);
      if (!op || op->level != level) break;
      ExprPtr expr = make(ExprKind::kBinary, take());
      expr->op = op->op;
      ExprPtr right = level == kTightest ? unary() : binary(level + 1);
      if (!right) return nullptr;
      expr->args.push_back(std::move(left));
      expr->args.push_back(std::move(right));
      left = finish(std::move(expr));
    }
    return left;
  }

  ExprPtr unary() {
    const Token& token = peek();
    if (token.kind != TokenKind::kBang && token.kind != TokenKind::kMinus) return member();
    const Nesting nesting(nesting_);
    if (nesting_ > kMaxNesting) {
      return fail(token, "T0103", fmt::format("the expression nests deeper than {}", kMaxNesting));
    }
    take();
    // -1 is one literal, so that -9223372036854775808 can be written; -1.f() is that of (-1).
    if (token.kind == TokenKind::kMinus && is_number(peek())) {
      negative_ = true;
      return member();
    }
    ExprPtr expr = make(ExprKind::kUnary, token);
    expr->op = token.kind == TokenKind::kBang ? Operator::kNot : Operator::kNegate;
    ExprPtr operand = unary();
    if (!operand) return nullptr;
    expr->args.push_back(std::move(operand));
    return finish(std::move(expr));
  }
  static bool is_number(const Token& token) {
    return token.kind == TokenKind::kLiteral &&
           (token.value.kind() == Kind::kInt || token.value.kind() == Kind::kDouble);
  }

  ExprPtr member() {
    ExprPtr expr = primary();
    while (expr) {
      if (peek().kind == TokenKind::kDot) {
        expr = dot(std::move(expr));
      } else if (peek().kind == TokenKind::kOpenBracket) {
        ExprPtr index = make(ExprKind::kIndex, take());
        if (peek().kind == TokenKind::kQuestion) {
          return unsupported(peek(), "optional index `[?…]`");
        }
        ExprPtr key = expression();
        if (!key || !expect(TokenKind::kCloseBracket, "`]`")) return nullptr;
        index->args.push_back(std::move(expr));
        index->args.push_back(std::move(key));
        expr = finish(std::move(index));
      } else if (peek().kind == TokenKind::kOpenBrace && !dotted_name(*expr).empty()) {
        expr = message(std::move(expr));
      } else {
        break;
      }
    }
    return expr;
  }

  // Behind an operand: .name or .name(args…)
  ExprPtr dot(ExprPtr target) {
    take();
    if (peek().kind == TokenKind::kQuestion) {
      return unsupported(peek(), "optional field selection `.?`", "use has(e.field) && …");
    }
    const Token& name = peek();
    if (name.kind != TokenKind::kIdent && name.kind != TokenKind::kQuotedIdent) {
      return unexpected("a field name after `.`");
    }
    take();
    if (name.kind == TokenKind::kIdent && peek().kind == TokenKind::kOpenParen) {
      return method(std::move(target), name);
    }
    ExprPtr expr = make(ExprKind::kSelect, name);
    expr->name = name.text;
    expr->args.push_back(std::move(target));
    return finish(std::move(expr));
  }

  ExprPtr method(ExprPtr target, const Token& name) {
    take();
    std::vector<ExprPtr> arguments;
    if (!expressions(TokenKind::kCloseParen, "`)`", arguments)) return nullptr;
    const auto comprehension = comprehension_of(name.text, arguments.size());
    // cel.f(…), math.f(…) and the like are calls of a namespace, not comprehensions over it.
    if (comprehension) {
      return comprehend(std::move(target), name, *comprehension, std::move(arguments));
    }
    if (arguments.size() == 3 || arguments.size() == 4) {
      const bool two_variables = name.text == "all" || name.text == "exists" ||
                                 name.text == "exists_one" || name.text == "existsOne" ||
                                 name.text.starts_with("transform");
      if (two_variables) {
        return unsupported(name, "comprehensions with two variables",
                           "use one variable, or a map's keys");
      }
    }
    ExprPtr expr = make(ExprKind::kMethod, name);
    expr->name = name.text;
    expr->args.push_back(std::move(target));
    for (ExprPtr& argument : arguments) expr->args.push_back(std::move(argument));
    return finish(std::move(expr));
  }

  ExprPtr comprehend(ExprPtr range, const Token& name, ComprehensionKind kind,
                     std::vector<ExprPtr> arguments) {
    const Expr& variable = *arguments[0];
    if (variable.kind == ExprKind::kMethod && dotted_name(*variable.args[0]) == "cel") {
      return unsupported(name, "cel.iterVar()");
    }
    if (variable.kind != ExprKind::kIdent || variable.leading_dot) {
      diagnostics_.error("T0124", place_of(variable),
                         fmt::format("the first argument of {} must be a plain name", name.text),
                         fmt::format("write list.{}(x, … x …)", name.text));
      return nullptr;
    }
    ExprPtr expr = make(ExprKind::kComprehension, name);
    expr->comprehension = kind;
    expr->name = variable.name;
    expr->args.push_back(std::move(range));
    for (size_t i = 1; i < arguments.size(); ++i) expr->args.push_back(std::move(arguments[i]));
    return finish(std::move(expr));
  }

  // Comma-separated up to `close`; a comma may stand before it in lists.
  bool expressions(TokenKind close, std::string_view wanted, std::vector<ExprPtr>& out) {
    if (accept(close)) return true;
    for (;;) {
      if (close == TokenKind::kCloseBracket && peek().kind == TokenKind::kQuestion) {
        unsupported(peek(), "optional list items `[?…]`");
        return false;
      }
      ExprPtr item = expression();
      if (!item) return false;
      out.push_back(std::move(item));
      if (accept(close)) return true;
      if (peek().kind != TokenKind::kComma) {
        unexpected(fmt::format("`,` or {}", wanted));
        return false;
      }
      take();
      if (close != TokenKind::kCloseParen && accept(close)) return true;
    }
  }

  ExprPtr primary() {
    const bool negative = std::exchange(negative_, false);
    const Token& token = peek();
    switch (token.kind) {
      case TokenKind::kLiteral:
        return literal(take(), negative);
      case TokenKind::kIdent:
        return name(false);
      case TokenKind::kDot:
        take();
        if (peek().kind != TokenKind::kIdent) return unexpected("a name after `.`");
        return name(true);
      case TokenKind::kOpenParen: {
        take();
        ExprPtr expr = expression();
        if (!expr || !expect(TokenKind::kCloseParen, "`)`")) return nullptr;
        return expr;
      }
      case TokenKind::kOpenBracket: {
        ExprPtr expr = make(ExprKind::kList, take());
        if (!expressions(TokenKind::kCloseBracket, "`]`", expr->args)) return nullptr;
        return finish(std::move(expr));
      }
      case TokenKind::kOpenBrace:
        return map(take());
      default:
        return unexpected("a value");
    }
  }

  ExprPtr literal(const Token& token, bool negative) {
    ExprPtr expr = make(ExprKind::kLiteral, token);
    expr->name = token.value.kind() == Kind::kString || token.value.kind() == Kind::kBytes
                     ? token.text
                     : std::string();
    expr->value = token.value;
    if (token.is_min_magnitude) {
      if (!negative) {
        return fail(token, "T0102", "the number 9223372036854775808 does not fit into 64 bits",
                    "write it as a double: add .0");
      }
      return expr;  // already INT64_MIN
    }
    if (negative) {
      expr->value = token.value.kind() == Kind::kInt ? Value::of_int(-token.value.integer())
                                                     : Value::of_double(-token.value.real());
    }
    return expr;
  }

  ExprPtr name(bool leading_dot) {
    const Token& token = take();
    if (is_reserved(token.text)) {
      return fail(token, "T0101", fmt::format("`{}` is a reserved word", token.text),
                  "choose another name");
    }
    if (peek().kind != TokenKind::kOpenParen) {
      ExprPtr expr = make(ExprKind::kIdent, token);
      expr->name = token.text;
      expr->leading_dot = leading_dot;
      return expr;
    }
    take();
    std::vector<ExprPtr> arguments;
    if (!expressions(TokenKind::kCloseParen, "`)`", arguments)) return nullptr;
    if (token.text == "has" && arguments.size() == 1 && !leading_dot) {
      if (arguments[0]->kind != ExprKind::kSelect) {
        diagnostics_.error("T0124", place_of(*arguments[0]),
                           "has() tests a field: its argument must be x.field",
                           "for a key that is a text, write \"key\" in map");
        return nullptr;
      }
      arguments[0]->kind = ExprKind::kHas;
      arguments[0]->offset = token.offset;
      return std::move(arguments[0]);
    }
    ExprPtr expr = make(ExprKind::kCall, token);
    expr->name = token.text;
    expr->leading_dot = leading_dot;
    expr->args = std::move(arguments);
    return finish(std::move(expr));
  }

  ExprPtr map(const Token& open) {
    ExprPtr expr = make(ExprKind::kMap, open);
    if (accept(TokenKind::kCloseBrace)) return expr;
    for (;;) {
      if (peek().kind == TokenKind::kQuestion)
        return unsupported(peek(), "optional map entries `{?…}`");
      ExprPtr key = expression();
      if (!key || !expect(TokenKind::kColon, "`:` between key and value")) return nullptr;
      ExprPtr value = expression();
      if (!value) return nullptr;
      expr->args.push_back(std::move(key));
      expr->args.push_back(std::move(value));
      if (accept(TokenKind::kCloseBrace)) return finish(std::move(expr));
      if (!expect(TokenKind::kComma, "`,` or `}`")) return nullptr;
      if (accept(TokenKind::kCloseBrace)) return finish(std::move(expr));
    }
  }

  // Name{field: value, …}: parsed, so that the checker can say by name that it is not supported.
  ExprPtr message(ExprPtr type) {
    const Token& open = take();
    ExprPtr expr = make(ExprKind::kMessage, open);
    expr->name = dotted_name(*type);
    const Expr* head = type.get();
    while (head->kind == ExprKind::kSelect) head = head->args[0].get();
    expr->offset = head->offset;
    expr->leading_dot = head->leading_dot;
    if (accept(TokenKind::kCloseBrace)) return expr;
    for (;;) {
      if (peek().kind == TokenKind::kQuestion)
        return unsupported(peek(), "optional message fields `{?…}`");
      const Token& field = peek();
      if (field.kind != TokenKind::kIdent && field.kind != TokenKind::kQuotedIdent) {
        return unexpected("a field name");
      }
      take();
      if (!expect(TokenKind::kColon, "`:` between field and value")) return nullptr;
      ExprPtr value = expression();
      if (!value) return nullptr;
      expr->fields.push_back(field.text);
      expr->args.push_back(std::move(value));
      if (accept(TokenKind::kCloseBrace)) return finish(std::move(expr));
      if (!expect(TokenKind::kComma, "`,` or `}`")) return nullptr;
      if (accept(TokenKind::kCloseBrace)) return finish(std::move(expr));
    }
  }

  const SourceText& source_;
  std::vector<Token> tokens_;
  Diagnostics& diagnostics_;
  size_t at_ = 0;
  int nesting_ = 0;
  bool negative_ = false;  // a minus was read just before a number
};

}  // namespace

ExprPtr parse(const SourceText& source, Diagnostics& diagnostics) {
  std::optional<std::vector<Token>> tokens = tokenize(source, diagnostics);
  if (!tokens) return nullptr;
  return Parser(source, std::move(*tokens), diagnostics).run();
}

}  // namespace tocsin::cel
