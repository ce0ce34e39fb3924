#include "rules/load/values.h"

namespace tocsin::rules {

const std::vector<yaml::Node::Entry>& entries_of(const yaml::Node* node) {
  static const std::vector<yaml::Node::Entry> none;
  return node == nullptr ? none : node->entries;
}

const std::vector<yaml::Node>& items_of(const yaml::Node* node) {
  static const std::vector<yaml::Node> none;
  return node == nullptr ? none : node->items;
}

std::optional<std::string> text_at(const yaml::Node& mapping, std::string_view key) {
  const yaml::Node* node = mapping.find(key);
  if (node == nullptr || !node->is_scalar()) return std::nullopt;
  return node->scalar;
}

std::optional<int64_t> int_at(const yaml::Node& mapping, std::string_view key) {
  const yaml::Node* node = mapping.find(key);
  Diagnostics told;
  return node == nullptr ? std::nullopt : yaml::as_int(*node, "", INT64_MIN, INT64_MAX, told);
}

std::optional<double> number_at(const yaml::Node& mapping, std::string_view key) {
  const yaml::Node* node = mapping.find(key);
  Diagnostics told;
  return node == nullptr ? std::nullopt : yaml::as_double(*node, "", told);
}

std::optional<bool> bool_at(const yaml::Node& mapping, std::string_view key) {
  const yaml::Node* node = mapping.find(key);
  Diagnostics told;
  return node == nullptr ? std::nullopt : yaml::as_bool(*node, "", told);
}

std::optional<Span> span_at(const yaml::Node& mapping, std::string_view key) {
  const auto text = text_at(mapping, key);
  return text ? parse_span(*text) : std::nullopt;
}

std::optional<Milliseconds> exact_at(const yaml::Node& mapping, std::string_view key) {
  const auto span = span_at(mapping, key);
  if (!span || span->is_calendar()) return std::nullopt;
  return span->exact;
}

std::string_view expression_text(const yaml::Node& node) {
  std::string_view text = node.raw;
  while (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

std::vector<std::string> texts_at(const yaml::Node& mapping, std::string_view key) {
  std::vector<std::string> texts;
  for (const yaml::Node& item : items_of(mapping.find(key))) {
    if (item.is_scalar()) texts.push_back(item.scalar);
  }
  return texts;
}

}  // namespace tocsin::rules
