#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rules/model/time.h"
#include "rules/model/vocabulary.h"
#include "rules/yaml/document.h"

// Values of a mapping whose shape has been checked: nullopt when the key is absent or its value was
// refused, which has been told by then. So these are silent.
namespace tocsin::rules {

const std::vector<yaml::Node::Entry>& entries_of(const yaml::Node* node);
const std::vector<yaml::Node>& items_of(const yaml::Node* node);
std::optional<std::string> text_at(const yaml::Node& mapping, std::string_view key);
std::optional<int64_t> int_at(const yaml::Node& mapping, std::string_view key);
std::optional<double> number_at(const yaml::Node& mapping, std::string_view key);
std::optional<bool> bool_at(const yaml::Node& mapping, std::string_view key);
std::optional<Span> span_at(const yaml::Node& mapping, std::string_view key);
std::optional<Milliseconds> exact_at(const yaml::Node& mapping, std::string_view key);
// The expression that a scalar is, as it is compiled: its lines, without those left empty at the
// end of a block.
std::string_view expression_text(const yaml::Node& node);
std::vector<std::string> texts_at(const yaml::Node& mapping, std::string_view key);

template <typename Enum>
std::optional<Enum> word_at(const yaml::Node& mapping, std::string_view key) {
  const auto text = text_at(mapping, key);
  return text ? parse_enum<Enum>(*text) : std::nullopt;
}

}  // namespace tocsin::rules
