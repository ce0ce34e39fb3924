#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rules/model/catalogue.h"
#include "rules/rule.h"
#include "rules/yaml/document.h"

// One item of an exception's `when`: values that fields of an event must all have.
namespace tocsin::rules {

struct ExceptionField {
  std::string name;  // as tunable_field() spells it
  std::string value;
  Place place;
};

struct ExceptionItem {
  std::vector<ExceptionField> fields;  // by name
  Place place;

  const std::string* find(std::string_view name) const;
};

// nullopt when a field or a value is not in the catalogue, which is told.
std::optional<ExceptionItem> read_exception_item(const yaml::Node& node, const Catalogue& catalogue,
                                                 Diagnostics& diagnostics);

// What an item comes to in one rule.
struct ExceptionCondition {
  std::string source;     // the condition over `e`; "" when it can never hold there
  std::string why_never;  // then; of the field at `place`
  std::string hint;
  Place place;
};
ExceptionCondition condition_of(const ExceptionItem& item, const Catalogue& catalogue,
                                const Rule& rule);

// Whether every event that `narrow` takes is taken by `wide`.
bool covers(const ExceptionItem& wide, const ExceptionItem& narrow, const Catalogue& catalogue);

}  // namespace tocsin::rules
