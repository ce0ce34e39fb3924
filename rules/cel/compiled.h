#pragma once

#include <deque>
#include <string>
#include <vector>

#include "rules/cel/ast.h"
#include "rules/cel/call.h"
#include "rules/cel/machine.h"
#include "rules/cel/program.h"

namespace tocsin::cel {

// Everything a Program keeps.
struct Program::Compiled {
  std::string source;
  std::deque<SourceText> sources;  // of the tree: the expression and its macros
  Arena constants{4096};
  std::vector<Prepared> prepared;
  ExprPtr tree;
  Type type;
  Analysis analysis;
  Machine machine;
  const Catalogue* catalogue = nullptr;
  uint32_t locals = 0;
  uint32_t budget = kMaxSteps;

  Frame frame(const Event* event, std::span<const Value> variables, Arena& arena) const;
};

}  // namespace tocsin::cel
