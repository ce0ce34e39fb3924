#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rules/cel/ast.h"
#include "rules/cel/value.h"

namespace tocsin::cel {

enum class TokenKind : uint8_t {
  kEnd,
  kIdent,
  kQuotedIdent,
  kLiteral,
  kQuestion,
  kColon,
  kOrOr,
  kAndAnd,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kPlus,
  kMinus,
  kStar,
  kSlash,
  kPercent,
  kBang,
  kDot,
  kComma,
  kOpenParen,
  kCloseParen,
  kOpenBracket,
  kCloseBracket,
  kOpenBrace,
  kCloseBrace,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  uint32_t offset = 0;
  uint32_t end = 0;
  std::string text;  // of identifiers and text literals, unescaped
  Value value;       // of literals
  // An integer literal of 2^63, good only behind a minus.
  bool is_min_magnitude = false;
};

// The words of an expression, closed by kEnd; nullopt after the first word that is none, which is
// told to `diagnostics` with what was probably meant.
std::optional<std::vector<Token>> tokenize(const SourceText& source, Diagnostics& diagnostics);

}  // namespace tocsin::cel
