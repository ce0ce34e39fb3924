#include "rules/cel/type.h"

#include <array>

namespace tocsin::cel {
namespace {

const Type kDynType{};

struct Name {
  std::string_view text;
  Type::Tag tag;
};
constexpr std::array kNames{
    Name{"dyn", Type::Tag::kDyn},
    Name{"null_type", Type::Tag::kNull},
    Name{"bool", Type::Tag::kBool},
    Name{"int", Type::Tag::kInt},
    Name{"uint", Type::Tag::kUint},
    Name{"double", Type::Tag::kDouble},
    Name{"string", Type::Tag::kString},
    Name{"bytes", Type::Tag::kBytes},
    Name{"timestamp", Type::Tag::kTimestamp},
    Name{"duration", Type::Tag::kDuration},
    Name{"type", Type::Tag::kType},
    Name{"event", Type::Tag::kEvent},
    Name{"region", Type::Tag::kRegion},
};

// Deeper types are refused: a binding's type comes from outside.
constexpr int kMaxTypeNesting = 32;

Type parse(std::string_view& rest, bool& ok, int depth);

// Behind "list(" or "map(": the parameters and ")".
bool take(std::string_view& rest, char wanted) {
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  if (rest.empty() || rest.front() != wanted) return false;
  rest.remove_prefix(1);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  return true;
}

Type parse(std::string_view& rest, bool& ok, int depth) {
  if (depth > kMaxTypeNesting) ok = false;
  if (!ok) return {};
  const std::string_view word = rest.substr(0, rest.find_first_of("(), "));
  rest.remove_prefix(word.size());
  if (word == "list" || word == "map") {
    if (rest.empty() || rest.front() != '(') {
      return word == "list" ? Type::list({}) : Type::map({}, {});
    }
    take(rest, '(');
    Type first = parse(rest, ok, depth + 1);
    Type second;
    if (word == "map") {
      if (!take(rest, ',')) ok = false;
      second = parse(rest, ok, depth + 1);
    }
    if (!take(rest, ')')) ok = false;
    return word == "list" ? Type::list(first) : Type::map(first, second);
  }
  for (const Name& name : kNames) {
    if (name.text == word) return name.tag;
  }
  ok = false;
  return {};
}

}  // namespace

Type Type::list(Type item) {
  Type type(Tag::kList);
  type.parameters_ = std::make_shared<const std::pair<Type, Type>>(std::move(item), Type());
  return type;
}

Type Type::map(Type key, Type value) {
  Type type(Tag::kMap);
  type.parameters_ =
      std::make_shared<const std::pair<Type, Type>>(std::move(key), std::move(value));
  return type;
}

const Type& Type::item() const {
  return tag_ == Tag::kList && parameters_ ? parameters_->first : kDynType;
}
const Type& Type::key() const {
  return tag_ == Tag::kMap && parameters_ ? parameters_->first : kDynType;
}
const Type& Type::map_value() const {
  return tag_ == Tag::kMap && parameters_ ? parameters_->second : kDynType;
}

bool operator==(const Type& a, const Type& b) {
  if (a.tag_ != b.tag_) return false;
  if (a.tag_ == Type::Tag::kList) return a.item() == b.item();
  if (a.tag_ == Type::Tag::kMap) return a.key() == b.key() && a.map_value() == b.map_value();
  return true;
}

std::string to_string(const Type& type) {
  if (type.tag() == Type::Tag::kList) return "list(" + to_string(type.item()) + ")";
  if (type.tag() == Type::Tag::kMap) {
    return "map(" + to_string(type.key()) + ", " + to_string(type.map_value()) + ")";
  }
  for (const Name& name : kNames) {
    if (name.tag == type.tag()) return std::string(name.text);
  }
  return "dyn";
}

Type parse_type(std::string_view text, bool& ok) {
  ok = true;
  Type type = parse(text, ok, 0);
  if (!text.empty()) ok = false;
  return ok ? type : Type();
}

}  // namespace tocsin::cel
