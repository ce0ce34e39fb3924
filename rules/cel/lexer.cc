#include "rules/cel/lexer.h"

#include <charconv>
#include <optional>

#include "fmt/format.h"
#include "rules/cel/utf8.h"
#include "rules/model/utf8.h"

namespace tocsin::cel {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class Lexer {
 public:
  Lexer(const SourceText& source, Diagnostics& diagnostics)
      : source_(source), text_(source.text), diagnostics_(diagnostics) {}

  std::optional<std::vector<Token>> run() {
    if (first_bad_utf8(text_) != std::string_view::npos) {
      diagnostics_.error("T0101", source_.places.start(), "the expression is not valid UTF-8",
                         "save the file as UTF-8");
      return std::nullopt;
    }
    for (;;) {
      skip_blanks();
      Token token;
      token.offset = static_cast<uint32_t>(at_);
      if (at_ < text_.size() && !read(token)) return std::nullopt;
      token.end = static_cast<uint32_t>(at_);
      const bool end = token.kind == TokenKind::kEnd;
      tokens_.push_back(std::move(token));
      if (end) return std::move(tokens_);
    }
  }

 private:
  char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  bool fail(size_t offset, std::string_view code, std::string message, std::string hint = {}) {
    diagnostics_.error(std::string(code), place_at(source_, offset), std::move(message),
                       std::move(hint));
    return false;
  }

  void skip_blanks() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
        ++at_;
      } else if (c == '/' && peek(1) == '/') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else {
        break;
      }
    }
  }

  bool read(Token& token) {
    if (const std::optional<size_t> quote = text_prefix()) return read_text(token, *quote);
    const char c = peek();
    if (is_letter(c)) return read_word(token);
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return read_number(token);
    if (c == '`') return read_quoted_ident(token);
    return read_operator(token);
  }

  // Length of the prefix (r, b, br …) of a text literal that starts here.
  std::optional<size_t> text_prefix() const {
    size_t length = 0;
    bool raw = false;
    bool bytes = false;
    while (length < 2) {
      const char c = peek(length);
      if ((c == 'r' || c == 'R') && !raw) {
        raw = true;
      } else if ((c == 'b' || c == 'B') && !bytes) {
        bytes = true;
      } else {
        break;
      }
      ++length;
    }
    const char quote = peek(length);
    if (quote == '"' || quote == '\'') return length;
    return std::nullopt;
  }

  bool read_word(Token& token) {
    const size_t start = at_;
    while (is_letter(peek()) || is_digit(peek())) ++at_;
    token.text = std::string(text_.substr(start, at_ - start));
    token.kind = TokenKind::kIdent;
    if (token.text == "true" || token.text == "false") {
      token.kind = TokenKind::kLiteral;
      token.value = Value::of_bool(token.text == "true");
    } else if (token.text == "null") {
      token.kind = TokenKind::kLiteral;
    } else if (token.text == "in") {
      token.kind = TokenKind::kIn;
    }
    return true;
  }

  bool read_quoted_ident(Token& token) {
    const size_t start = ++at_;
    while (at_ < text_.size() && text_[at_] != '`' && text_[at_] != '\n') ++at_;
    if (peek() != '`') return fail(start - 1, "T0102", "a quoted name has no closing `");
    token.kind = TokenKind::kQuotedIdent;
    token.text = std::string(text_.substr(start, at_ - start));
    ++at_;
    for (const char c : token.text) {
      if (!is_letter(c) && !is_digit(c) && c != '-' && c != '.' && c != '/' && c != ' ') {
        return fail(start, "T0102", "a quoted name may hold letters, digits, `_ - . /` and blanks");
      }
    }
    if (token.text.empty()) return fail(start, "T0102", "a quoted name is empty");
    return true;
  }

  bool read_number(Token& token) {
    const size_t start = at_;
    token.kind = TokenKind::kLiteral;
    if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X')) {
      at_ += 2;
      while (hex_digit(peek()) >= 0) ++at_;
      return finish_integer(token, start, start + 2, 16);
    }
    while (is_digit(peek())) ++at_;
    bool real = false;
    if (peek() == '.' && is_digit(peek(1))) {
      real = true;
      ++at_;
      while (is_digit(peek())) ++at_;
    }
    if (peek() == 'e' || peek() == 'E') {
      const size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
      if (is_digit(peek(1 + sign))) {
        real = true;
        at_ += 1 + sign;
        while (is_digit(peek())) ++at_;
      }
    }
    if (!real) return finish_integer(token, start, start, 10);
    double number = 0;
    const std::string_view digits = text_.substr(start, at_ - start);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc::result_out_of_range) {
      // from_chars does not say in which direction; only a negative exponent can be too small.
      if (digits.find("e-") == digits.npos && digits.find("E-") == digits.npos) {
        return fail(start, "T0102", fmt::format("the number {} is too large for a double", digits));
      }
      number = 0;
    }
    token.value = Value::of_double(number);
    return check_number_end(start);
  }

  bool finish_integer(Token& token, size_t start, size_t digits_at, int base) {
    const std::string_view digits = text_.substr(digits_at, at_ - digits_at);
    uint64_t number = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
    if (digits.empty()) return fail(start, "T0102", "a hexadecimal number has no digits");
    const bool is_unsigned = peek() == 'u' || peek() == 'U';
    if (is_unsigned) ++at_;
    constexpr uint64_t kMinMagnitude = 1ull << 63;
    if (error == std::errc::result_out_of_range || (!is_unsigned && number > kMinMagnitude)) {
      return fail(start, "T0102", fmt::format("the number {} does not fit into 64 bits", digits),
                  "write it as a double: add .0");
    }
    token.is_min_magnitude = !is_unsigned && number == kMinMagnitude;
    token.value =
        is_unsigned ? Value::of_uint(number) : Value::of_int(static_cast<int64_t>(number));
    return check_number_end(start);
  }

  bool check_number_end(size_t start) {
    if (!is_letter(peek())) return true;
    const size_t unit = at_;
    while (is_letter(peek()) || is_digit(peek())) ++at_;
    const std::string_view whole = text_.substr(start, at_ - start);
    const std::string_view suffix = text_.substr(unit, at_ - unit);
    if (suffix == "d" || suffix == "h" || suffix == "m" || suffix == "s" || suffix == "ms") {
      return fail(start, "T0102", fmt::format("`{}` is not a number", whole),
                  suffix == "d" ? std::string("write a length of time as duration(\"24h\")")
                                : fmt::format("write a length of time as duration(\"{}\")", whole));
    }
    return fail(start, "T0102", fmt::format("`{}` is neither a number nor a name", whole));
  }

  bool read_text(Token& token, size_t prefix) {
    const size_t start = at_;
    bool raw = false;
    bool bytes = false;
    for (size_t i = 0; i < prefix; ++i) {
      const char c = peek(i);
      if (c == 'r' || c == 'R') raw = true;
      if (c == 'b' || c == 'B') bytes = true;
    }
    at_ += prefix;
    const char quote = peek();
    const bool triple = peek(1) == quote && peek(2) == quote;
    at_ += triple ? 3 : 1;
    std::string out;
    for (;;) {
      if (at_ >= text_.size() || (!triple && (peek() == '\n' || peek() == '\r'))) {
        return fail(start, "T0102", "a text has no closing quote",
                    fmt::format("close it with {0}, or use {0}{0}{0} for several lines", quote));
      }
      const char c = text_[at_];
      if (c == quote && (!triple || (peek(1) == quote && peek(2) == quote))) {
        at_ += triple ? 3 : 1;
        break;
      }
      if (c == '\\' && !raw) {
        if (!read_escape(bytes, out)) return false;
      } else {
        out += c;
        ++at_;
      }
    }
    token.kind = TokenKind::kLiteral;
    token.value = bytes ? Value::of_bytes({}) : Value::of_string({});
    token.text = std::move(out);
    return true;
  }

  bool read_escape(bool bytes, std::string& out) {
    const size_t start = at_++;
    const char c = peek();
    ++at_;
    switch (c) {
      case 'a':
        out += '\a';
        return true;
      case 'b':
        out += '\b';
        return true;
      case 'f':
        out += '\f';
        return true;
      case 'n':
        out += '\n';
        return true;
      case 'r':
        out += '\r';
        return true;
      case 't':
        out += '\t';
        return true;
      case 'v':
        out += '\v';
        return true;
      case '\\':
      case '"':
      case '\'':
      case '`':
      case '?':
        out += c;
        return true;
      case 'x':
      case 'X':
        return read_code(start, 2, 16, bytes, out);
      case 'u':
        return bytes ? bad_escape(start) : read_code(start, 4, 16, false, out);
      case 'U':
        return bytes ? bad_escape(start) : read_code(start, 8, 16, false, out);
      case '0':
      case '1':
      case '2':
      case '3':
        --at_;
        return read_code(start, 3, 8, bytes, out);
      default:
        return bad_escape(start);
    }
  }

  bool bad_escape(size_t start) {
    return fail(
        start, "T0102",
        fmt::format("`\\{}` is not an escape",
                    start + 1 < text_.size() ? std::string(1, text_[start + 1]) : std::string()),
        "write \\\\ for a backslash, or a raw text: r\"\\d+\"");
  }

  bool read_code(size_t start, int digits, int base, bool as_byte, std::string& out) {
    char32_t code = 0;
    for (int i = 0; i < digits; ++i) {
      const int digit = hex_digit(peek());
      if (digit < 0 || digit >= base) return bad_escape(start);
      code = code * static_cast<char32_t>(base) + static_cast<char32_t>(digit);
      ++at_;
    }
    if (as_byte) {
      out += static_cast<char>(static_cast<unsigned char>(code));
      return true;
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
      return fail(start, "T0102",
                  fmt::format("U+{:04X} is not a character", static_cast<uint32_t>(code)));
    }
    append_code_point(code, out);
    return true;
  }

  bool read_operator(Token& token) {
    struct Word {
      std::string_view text;
      TokenKind kind;
    };
    static constexpr Word kWords[] = {
        {"||", TokenKind::kOrOr},       {"&&", TokenKind::kAndAnd},
        {"==", TokenKind::kEqual},      {"!=", TokenKind::kNotEqual},
        {"<=", TokenKind::kLessEqual},  {">=", TokenKind::kGreaterEqual},
        {"<", TokenKind::kLess},        {">", TokenKind::kGreater},
        {"?", TokenKind::kQuestion},    {":", TokenKind::kColon},
        {"+", TokenKind::kPlus},        {"-", TokenKind::kMinus},
        {"*", TokenKind::kStar},        {"/", TokenKind::kSlash},
        {"%", TokenKind::kPercent},     {"!", TokenKind::kBang},
        {".", TokenKind::kDot},         {",", TokenKind::kComma},
        {"(", TokenKind::kOpenParen},   {")", TokenKind::kCloseParen},
        {"[", TokenKind::kOpenBracket}, {"]", TokenKind::kCloseBracket},
        {"{", TokenKind::kOpenBrace},   {"}", TokenKind::kCloseBrace},
    };
    const std::string_view rest = text_.substr(at_);
    for (const Word& word : kWords) {
      if (!rest.starts_with(word.text)) continue;
      token.kind = word.kind;
      at_ += word.text.size();
      return true;
    }
    return bad_character(rest);
  }

  bool bad_character(std::string_view rest) {
    const char c = rest.front();
    if (rest.starts_with("=>")) {
      return fail(at_, "T0104", "`=>` is not an operator", "write >= for `at least`");
    }
    if (rest.starts_with("=<")) {
      return fail(at_, "T0104", "`=<` is not an operator", "write <= for `at most`");
    }
    if (c == '=') return fail(at_, "T0104", "`=` is not an operator", "write == to compare");
    if (c == '&') return fail(at_, "T0104", "`&` is not an operator", "write && for `and`");
    if (c == '|') return fail(at_, "T0104", "`|` is not an operator", "write || for `or`");
    if (c == '~') {
      return fail(at_, "T0104", "`~` is not an operator", "write text.matches(r\"pattern\")");
    }
    size_t position = at_;
    const char32_t code = next_code_point(text_, position);
    const std::string shown(text_.substr(at_, position - at_));
    if (code == 0x201C || code == 0x201D || code == 0x2018 || code == 0x2019 || code == 0xAB ||
        code == 0xBB) {
      return fail(at_, "T0101", fmt::format("`{}` does not quote a text", shown),
                  "use straight quotes: \"…\" or '…'");
    }
    if (code == 0x2265 || code == 0x2264 || code == 0x2260) {
      return fail(at_, "T0104", fmt::format("`{}` is not an operator", shown),
                  "write >=, <= or !=");
    }
    if (code < 0x20 || code == 0x7F) {
      return fail(
          at_, "T0101",
          fmt::format("unexpected control character U+{:04X}", static_cast<uint32_t>(code)));
    }
    return fail(at_, "T0101", fmt::format("unexpected character `{}`", shown));
  }

  const SourceText& source_;
  std::string_view text_;
  Diagnostics& diagnostics_;
  size_t at_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

std::optional<std::vector<Token>> tokenize(const SourceText& source, Diagnostics& diagnostics) {
  return Lexer(source, diagnostics).run();
}

}  // namespace tocsin::cel
