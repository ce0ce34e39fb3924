#include "rules/authoring/rule_book.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "rules/authoring/canonical_yaml.h"
#include "rules/authoring/rule_fields.h"
#include "rules/authoring/rule_source.h"
#include "rules/load/formats.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

const Schema& schema_of(RuleKind kind, const char* key) {
  static const Schema none = anything();
  for (const Schema::Field& field : rule_schema(kind).fields) {
    if (field.name == key) return field.schema;
  }
  return none;
}

// Without the line break that ends a block.
std::string trimmed(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

// What the other parts of a page tell.
bool is_told_elsewhere(const std::string& key) {
  constexpr std::array kKeys{"rule",        "kind",   "title", "status", "driver",
                             "stage",       "owner",  "doc",   "levels", "severity",
                             "annotations", "labels", "limits"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end() || key.starts_with("x-");
}

std::string condition_of(const RuleSource& source, RuleKind kind) {
  yaml::Node condition;
  condition.kind = yaml::NodeKind::kMapping;
  for (const auto& entry : source.node.entries) {
    if (!is_told_elsewhere(entry.key)) condition.entries.push_back(entry);
  }
  return trimmed(canonical_yaml(condition, rule_schema(kind)));
}

Documentation trimmed(Documentation doc) {
  for (std::string* text : {&doc.rationale, &doc.response}) *text = trimmed(std::move(*text));
  for (std::string& text : doc.false_positives) text = trimmed(std::move(text));
  return doc;
}

// As the file has them: English first, others as they follow.
std::vector<Named> titles_of(const RuleSource& source) {
  const yaml::Node* node = source.node.find("title");
  if (node == nullptr) return {};
  if (node->is_scalar()) return {{"en", node->scalar}};
  std::vector<Named> titles;
  for (const auto& entry : node->entries) titles.emplace_back(entry.key, entry.value.scalar);
  std::stable_partition(titles.begin(), titles.end(),
                        [](const Named& title) { return title.first == "en"; });
  return titles;
}

std::string keys_of(const yaml::Node& level, const Schema& schema) {
  if (level.entries.empty()) return "whenever the rule's own condition holds";
  std::string text;
  for (const auto& entry : level.entries) {
    yaml::Node alone;
    alone.kind = yaml::NodeKind::kMapping;
    alone.entries.push_back(entry);
    text += (text.empty() ? "" : "\n") + trimmed(canonical_yaml(alone, schema));
  }
  return text;
}

std::vector<Named> levels_of(const RuleSource& source, RuleKind kind) {
  if (const auto severity = text_at(source.node, "severity")) {
    return {{*severity, keys_of({}, {})}};
  }
  const Schema& schema = schema_of(kind, "levels");
  static const Schema unknown = anything();
  std::vector<Named> levels;
  for (const Level level : kAllLevels) {
    const std::string name(to_string(level));
    const yaml::Node* levels_node = source.node.find("levels");
    const yaml::Node* node = levels_node == nullptr ? nullptr : levels_node->find(name);
    if (node != nullptr)
      levels.emplace_back(name, keys_of(*node, schema.item ? *schema.item : unknown));
  }
  return levels;
}

std::vector<Named> shared_of(const RuleSource& source) {
  std::vector<Named> shared;
  const Uses uses = uses_of(source);
  for (const std::string& name : uses.lists) {
    shared.emplace_back("list." + name, list_text(source.file->lists.at(name)));
  }
  for (const std::string& name : uses.macros) {
    const cel::Macro& macro = source.file->macros.at(name);
    std::string parameters;
    for (const std::string& parameter : macro.parameters) {
      parameters += (parameters.empty() ? "" : ", ") + parameter;
    }
    shared.emplace_back("macro." + name + "(" + parameters + ")",
                        canonical_expression(macro.expression));
  }
  return shared;
}

IndicatorNote note_of(const Catalogue& catalogue, IndicatorId id) {
  const Indicator& indicator = catalogue.indicator(id);
  IndicatorNote note{
      .name = indicator.name, .meaning = indicator.meaning, .unit = indicator.unit, .sources = {}};
  for (const SourceId source : catalogue.sources_of(id)) {
    note.sources.push_back(catalogue.source(source).title);
  }
  return note;
}

RulePage page_of(const Catalogue& catalogue, const Rule& rule, const RuleSource& source,
                 const std::vector<RuleTestNote>& tests) {
  RulePage page;
  page.id = rule.id;
  page.kind = rule_kind_words()[static_cast<size_t>(rule.kind())];
  page.status = rule.status;
  page.driver = rule.driver;
  page.stage = rule.stage;
  page.titles = titles_of(source);
  page.doc = trimmed(rule.doc);
  page.owner = text_at(source.node, "owner").value_or("");
  page.condition = condition_of(source, rule.kind());
  page.shared = shared_of(source);
  page.levels = levels_of(source, rule.kind());
  page.is_of_all_indicators = !rule.indicators;
  const auto of_rule = rule.indicators.value_or(std::vector<IndicatorId>{});
  std::set<IndicatorId> looked_at(of_rule.begin(), of_rule.end());
  if (rule.arming != nullptr && rule.arming->rule.indicators) {
    looked_at.insert(rule.arming->rule.indicators->begin(), rule.arming->rule.indicators->end());
  }
  for (const IndicatorId id : looked_at) page.indicators.push_back(note_of(catalogue, id));
  for (const Exception& exception : rule.exceptions) page.exceptions.push_back(text_of(exception));
  for (const RuleTestNote& note : tests) {
    if (!is_of(note, source.file->name)) continue;
    const std::string file = std::filesystem::path(note.file).filename().string();
    for (const std::string& name : note.names) page.tests.emplace_back(file, name);
  }
  return page;
}

}  // namespace

size_t RuleBook::count(Driver driver, Stage stage) const {
  return static_cast<size_t>(std::count_if(pages.begin(), pages.end(), [&](const RulePage& page) {
    return page.driver == driver && page.stage == stage;
  }));
}

size_t RuleBook::count(Driver driver) const {
  return static_cast<size_t>(std::count_if(
      pages.begin(), pages.end(), [&](const RulePage& page) { return page.driver == driver; }));
}

RuleBook make_rule_book(const LoadedBundle& loaded, const std::vector<RuleTestNote>& tests) {
  RuleBook book;
  book.hash = to_hex(loaded.bundle->hash);
  const std::vector<RuleSource> sources = read_rule_sources(loaded.text);
  for (const Rule& rule : loaded.bundle->rules) {
    const RuleSource* source = find_source(sources, rule.id);
    if (source != nullptr) {
      book.pages.push_back(page_of(*loaded.bundle->catalogue, rule, *source, tests));
    }
  }
  std::stable_sort(book.pages.begin(), book.pages.end(),
                   [](const RulePage& a, const RulePage& b) { return a.driver < b.driver; });
  return book;
}

}  // namespace tocsin::rules
