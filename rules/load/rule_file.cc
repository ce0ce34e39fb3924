#include "rules/load/rule_file.h"

#include <algorithm>

#include "rules/load/formats.h"
#include "rules/load/sha256.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  size_t start = 0;
  while (start < text.size()) {
    const size_t end = std::min(text.find('\n', start), text.size());
    std::string line = text.substr(start, end - start);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (!line.empty() && line.front() != '#') lines.push_back(std::move(line));
    start = end + 1;
  }
  return lines;
}

class FileReader {
 public:
  FileReader(RuleFile& file, const BundleText& text, Diagnostics& diagnostics)
      : file_(file), text_(text), diagnostics_(diagnostics) {}

  void read() {
    file_.package = text_at(file_.root, "package").value_or("");
    for (const auto& entry : entries_of(file_.root.find("lists"))) read_list(entry);
    for (const auto& entry : entries_of(file_.root.find("macros"))) read_macro(entry);
  }

 private:
  void read_list(const yaml::Node::Entry& entry) {
    std::vector<std::string> items;
    if (entry.value.is_mapping()) {
      items = read_list_file(entry.value);
    } else {
      for (const yaml::Node& item : entry.value.items) {
        if (item.is_scalar()) items.push_back(item.scalar);
      }
      if (entry.value.is_sequence() && entry.value.items.empty()) {
        diagnostics_.error("T0323", entry.key_place, "the list `" + entry.key + "` is empty");
      }
    }
    const std::set<std::string> distinct(items.begin(), items.end());
    if (distinct.size() != items.size()) {
      diagnostics_.error("T0323", entry.key_place,
                         "an item stands in the list `" + entry.key + "` twice");
    }
    file_.lists[entry.key] = std::move(items);
    file_.list_places[entry.key] = entry.key_place;
  }

  std::vector<std::string> read_list_file(const yaml::Node& node) {
    const auto file = text_at(node, "file");
    const auto wanted = text_at(node, "sha256");
    if (!file || !wanted) return {};
    const std::string path = path_beside(file_.name, *file);
    const std::string* content = text_.attachment(path);
    if (content == nullptr) {
      diagnostics_.error("T0324", node.find("file")->place,
                         "the list `" + path + "` cannot be read");
      return {};
    }
    const std::string sum = sha256_hex(*content);
    if (sum != *wanted) {
      diagnostics_.error("T0324", node.find("sha256")->place,
                         "the list `" + path + "` has another sha256", "it is " + sum);
      return {};
    }
    return lines_of(*content);
  }

  // `lethal`, or `by_state(min_conf, other)`.
  void read_macro(const yaml::Node::Entry& entry) {
    const std::string& key = entry.key;
    const size_t open = key.find('(');
    const std::string name = key.substr(0, open);
    cel::Macro macro;
    bool good = is_identifier(name);
    if (open != std::string::npos) {
      good = good && key.ends_with(')') && read_parameters(key, open + 1, macro.parameters);
    }
    if (!good) {
      diagnostics_.error("T0325", entry.key_place, "`" + key + "` is no name for a macro",
                         "`name` or `name(parameter, …)`");
      return;
    }
    const yaml::Node* expression =
        entry.value.is_mapping() ? entry.value.find("expr") : &entry.value;
    if (expression == nullptr || !expression->is_scalar()) return;
    macro.expression = expression_text(*expression);
    macro.places = expression->places;
    if (!file_.macros.emplace(name, std::move(macro)).second) {
      diagnostics_.error("T0325", entry.key_place, "the macro `" + name + "` stands here twice");
    }
  }

  static bool read_parameters(const std::string& key, size_t at, std::vector<std::string>& names) {
    while (true) {
      const size_t end = key.find_first_of(",)", at);
      std::string name = key.substr(at, end - at);
      name.erase(0, name.find_first_not_of(' '));
      name.erase(name.find_last_not_of(' ') + 1);
      if (!is_identifier(name)) return false;
      if (std::find(names.begin(), names.end(), name) != names.end()) return false;
      names.push_back(std::move(name));
      if (key[end] == ')') return end + 1 == key.size();
      at = end + 1;
    }
  }

  RuleFile& file_;
  const BundleText& text_;
  Diagnostics& diagnostics_;
};

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The names that stand behind `prefix` ("list.") in the expression. A text literal that looks like
// a use counts as one: too much is harmless here, too little is not.
std::set<std::string> names_behind(const std::string& prefix, const std::string& expression) {
  std::set<std::string> names;
  for (size_t at = expression.find(prefix); at != std::string::npos;
       at = expression.find(prefix, at + 1)) {
    if (at > 0 && is_word(expression[at - 1])) continue;
    size_t end = at + prefix.size();
    while (end < expression.size() && is_word(expression[end])) ++end;
    names.insert(expression.substr(at + prefix.size(), end - at - prefix.size()));
  }
  return names;
}

}  // namespace

std::optional<RuleFile> read_rule_file(const NamedText& file, const BundleText& text,
                                       Diagnostics& diagnostics) {
  auto root = yaml::parse_document(file.text, file.name, diagnostics);
  if (!root) return std::nullopt;
  check_shape(*root, rule_file_schema(), "the file", diagnostics);
  const auto lacks = [&](const char* key) { return root->find(key) == nullptr; };
  if (root->is_mapping() && lacks("rules") && lacks("exceptions") && lacks("overlays")) {
    diagnostics.error("T0305", root->place, "the file lacks `rules`",
                      "only a file of `exceptions` or `overlays` may do without");
  }
  RuleFile result;
  result.name = file.name;
  result.root = std::move(*root);
  FileReader(result, text, diagnostics).read();
  return result;
}

std::string qualified_id(const std::string& name, const std::string& package) {
  return name.find('/') == std::string::npos ? package + "/" + name : name;
}

yaml::Node with_defaults(const yaml::Node& item, const yaml::Node* defaults) {
  yaml::Node merged = item;
  for (const auto& entry : entries_of(defaults)) {
    const auto own = std::find_if(merged.entries.begin(), merged.entries.end(),
                                  [&](const auto& e) { return e.key == entry.key; });
    if (own == merged.entries.end()) {
      merged.entries.push_back(entry);
    } else if (own->value.is_mapping() && entry.value.is_mapping()) {
      for (const auto& inner : entry.value.entries) {
        if (own->value.find(inner.key) == nullptr) own->value.entries.push_back(inner);
      }
    }
  }
  return merged;
}

Uses uses_of(const RuleFile& file, const std::string& expression) {
  Uses uses;
  std::set<std::string> lists = names_behind("list.", expression);
  std::vector<std::string> open;
  for (const std::string& name : names_behind("macro.", expression)) open.push_back(name);
  while (!open.empty()) {
    const std::string name = std::move(open.back());
    open.pop_back();
    const auto macro = file.macros.find(name);
    if (macro == file.macros.end() || !uses.macros.insert(name).second) continue;
    lists.merge(names_behind("list.", macro->second.expression));
    for (const std::string& inner : names_behind("macro.", macro->second.expression)) {
      open.push_back(inner);
    }
  }
  for (const std::string& name : lists) {
    if (file.lists.contains(name)) uses.lists.insert(name);
  }
  return uses;
}

std::string note_uses(RuleFile& file, const std::string& expression) {
  const Uses uses = uses_of(file, expression);
  std::string texts;
  for (const std::string& name : uses.macros) {
    const cel::Macro& macro = file.macros.at(name);
    texts += "\nmacro " + name + "(";
    for (const std::string& parameter : macro.parameters) texts += parameter + ",";
    texts += ") " + macro.expression;
    file.used_macros.insert(name);
  }
  for (const std::string& name : uses.lists) {
    texts += "\nlist " + name;
    for (const std::string& item : file.lists.at(name))
      texts += "," + std::to_string(item.size()) + ":" + item;
    file.used_lists.insert(name);
  }
  return texts;
}

void refuse_unused(const RuleFile& file, Diagnostics& diagnostics) {
  for (const auto& [name, place] : file.list_places) {
    if (!file.used_lists.contains(name)) {
      diagnostics.error("T0326", place, "no rule of the file uses the list `" + name + "`",
                        "remove it; a rule that should use it may have its name misspelt");
    }
  }
  for (const auto& [name, macro] : file.macros) {
    if (!file.used_macros.contains(name)) {
      diagnostics.error("T0326", macro.places.start(),
                        "no rule of the file uses the macro `" + name + "`",
                        "remove it; a rule that should use it may have its name misspelt");
    }
  }
}

}  // namespace tocsin::rules
