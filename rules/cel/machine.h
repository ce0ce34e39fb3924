#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "rules/cel/ast.h"
#include "rules/cel/call.h"
#include "rules/cel/frame.h"

namespace tocsin::cel {

// A checked tree laid flat for speed: nodes in one array, children of a node side by side,
// constants folded, and whatever depends on the indicator, the source or the region alone worked
// out beforehand for every id of the catalogue.
//
// Thread-safety: immutable after compile().
class Machine {
 public:
  // Texts of folded constants go into `constants`; `tree` and `prepared` must outlive the machine.
  void compile(const Expr& tree, const std::vector<Prepared>& prepared, const Catalogue* catalogue,
               uint32_t locals, Arena& constants);

  bool run(Frame& frame, Value& out) const { return eval(nodes_.front(), frame, out); }

 private:
  enum class Code : uint8_t {
    kConstant,       // constant
    kVariable,       // variable `index`
    kKnownVariable,  // the same; null: error
    kLocal,          // comprehension variable `index`
    kField,          // event field `index`
    kHasField,
    kAttr,  // event attr named by constant
    kHasAttr,
    kSelect,  // key `constant` of child 0
    kHasKey,
    kAnd,
    kOr,
    kTernary,
    kList,
    kMap,
    kComprehension,
    kCall,         // builtin of the children; prepared `index` - 1
    kCompare,      // children 0 and 1 by builtin
    kDaysSince,    // of child 0 and variable `index`
    kUnknown,      // error `constant`
    kByIndicator,  // bit of table `index` at the event's indicator
    kBySource,
    kByRegion,
    kCompareValue,  // e.value against constant
    kCompareConfidence,
    kAttrEquals,  // attr `constant` is the text nodes_[first].constant
    kInTexts,     // child 0 is one of the sorted texts of `constant`
  };
  struct Node {
    Code code = Code::kConstant;
    Builtin builtin = Builtin::kNone;
    ComprehensionKind comprehension = ComprehensionKind::kAll;
    uint16_t count = 0;  // children, from nodes_[first] on
    uint32_t first = 0;
    uint32_t index = 0;
    Value constant;
    Value detail;  // text of the error of kAttr, kAttrEquals
  };
  enum class Truth : uint8_t { kFalse, kTrue, kError };
  // What a subtree's value depends on.
  enum Depends : uint8_t { kNothing = 0, kIndicator = 1, kSource = 2, kRegion = 4, kMore = 8 };

  uint8_t build(const Expr& expr, size_t at);
  uint8_t build_children(const Expr& expr, size_t at, size_t first_arg);
  void build_target(const Expr& expr, Node& node);
  void simplify(size_t at, const Expr& expr, uint8_t depends);
  bool fold(size_t at);
  bool tabulate(size_t at, Code code, size_t count);
  std::optional<std::vector<size_t>> plain_ids(const Node& node) const;
  std::optional<size_t> find_id(EventField field, std::string_view name) const;
  void specialise(size_t at);

  bool eval(const Node& node, Frame& frame, Value& out) const;
  Truth test(const Node& node, Frame& frame) const;
  Truth test_junction(const Node& node, Frame& frame) const;
  Truth test_number(const Node& node, double number) const;
  Truth test_attr(const Node& node, Frame& frame) const;
  bool eval_call(const Node& node, Frame& frame, Value& out) const;
  bool eval_comparison(const Node& node, Frame& frame, Value& out) const;
  bool eval_key(const Node& node, Frame& frame, Value& out) const;
  bool eval_map(const Node& node, Frame& frame, Value& out) const;

  std::vector<Node> nodes_;
  std::vector<std::vector<uint64_t>> tables_;
  const std::vector<Prepared>* prepared_ = nullptr;
  const Catalogue* catalogue_ = nullptr;
  Arena* constants_ = nullptr;  // during compile()
  uint32_t locals_ = 0;
};

}  // namespace tocsin::cel
