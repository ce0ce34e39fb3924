#include "rules/authoring/rule_fields.h"

#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

using Fields = std::map<std::string, std::string>;

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool is_space = c == '\n' || c == ' ';
    if (!is_space) line += c;
    if (is_space && !line.empty() && line.back() != ' ') line += ' ';
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

std::string beneath(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

void add_fields(const yaml::Node& node, const std::string& path, Fields& fields);

// A list of steps: each a name with its block.
void add_items(const yaml::Node& list, const std::string& path, Fields& fields) {
  std::vector<std::string> names;
  for (size_t i = 0; i < list.items.size(); ++i) {
    const yaml::Node& item = list.items[i];
    if (item.is_scalar()) {
      names.push_back(one_line(item.scalar));
    } else if (item.entries.size() == 1) {
      names.push_back(item.entries.front().key);
      add_fields(item, path, fields);
    } else {
      names.push_back(std::to_string(i + 1));
      add_fields(item, beneath(path, names.back()), fields);
    }
  }
  fields[path] = list_text(names);
}

void add_fields(const yaml::Node& node, const std::string& path, Fields& fields) {
  switch (node.kind) {
    case yaml::NodeKind::kNull:
      fields[path] = "~";
      break;
    case yaml::NodeKind::kScalar:
      fields[path] = one_line(node.scalar);
      break;
    case yaml::NodeKind::kSequence:
      add_items(node, path, fields);
      break;
    case yaml::NodeKind::kMapping:
      if (node.entries.empty()) fields[path] = "{}";
      for (const auto& entry : node.entries) {
        add_fields(entry.value, beneath(path, entry.key), fields);
      }
      break;
  }
}

void add_uses(const RuleFile& file, const yaml::Node& node, Uses& uses) {
  if (node.is_scalar()) {
    Uses here = uses_of(file, node.scalar);
    uses.lists.merge(here.lists);
    uses.macros.merge(here.macros);
  }
  for (const yaml::Node& item : node.items) add_uses(file, item, uses);
  for (const auto& entry : node.entries) {
    if (entry.key == "roster") {
      const auto list = text_at(entry.value, "list");
      if (list && file.lists.contains(*list)) uses.lists.insert(*list);
    }
    add_uses(file, entry.value, uses);
  }
}

}  // namespace

std::string text_of(const Exception& exception) {
  std::string text;
  for (const cel::Program& item : exception.items) {
    text += (text.empty() ? "" : ", or ") + item.source();
  }
  return text + ", until " + format_date(exception.until) + ": " + one_line(exception.reason) +
         " (" + one_line(exception.by) + ")";
}

std::string list_text(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
  return "[" + text + "]";
}

Uses uses_of(const RuleSource& rule) {
  Uses uses;
  add_uses(*rule.file, rule.node, uses);
  return uses;
}

std::map<std::string, std::string> fields_of(const RuleSource& rule) {
  Fields fields;
  add_fields(rule.node, "", fields);
  const Uses uses = uses_of(rule);
  for (const std::string& name : uses.lists) {
    fields["lists." + name] = list_text(rule.file->lists.at(name));
  }
  for (const std::string& name : uses.macros) {
    const cel::Macro& macro = rule.file->macros.at(name);
    std::string text = one_line(macro.expression);
    if (!macro.parameters.empty()) text = list_text(macro.parameters) + " " + text;
    fields["macros." + name] = std::move(text);
  }
  return fields;
}

}  // namespace tocsin::rules
