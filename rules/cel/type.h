#pragma once

#include <memory>
#include <string>
#include <utility>

#include "rules/cel/value.h"

namespace tocsin::cel {

// A static type. kDyn stands for "known only at run time".
class Type {
 public:
  enum class Tag : uint8_t {
    kDyn,
    kNull,
    kBool,
    kInt,
    kUint,
    kDouble,
    kString,
    kBytes,
    kTimestamp,
    kDuration,
    kType,
    kList,
    kMap,
    kEvent,
    kRegion,
  };

  Type() = default;
  Type(Tag tag) : tag_(tag) {}  // NOLINT(google-explicit-constructor): Type::Tag reads as a type
  static Type list(Type item);
  static Type map(Type key, Type value);

  Tag tag() const { return tag_; }
  const Type& item() const;       // of a list; dyn otherwise
  const Type& key() const;        // of a map; dyn otherwise
  const Type& map_value() const;  // of a map; dyn otherwise

  friend bool operator==(const Type& a, const Type& b);

 private:
  Tag tag_ = Tag::kDyn;
  std::shared_ptr<const std::pair<Type, Type>> parameters_;
};

// "list(string)", as in the conformance contract.
std::string to_string(const Type& type);
// The reverse; dyn when malformed and `ok` is set to false.
Type parse_type(std::string_view text, bool& ok);

}  // namespace tocsin::cel
