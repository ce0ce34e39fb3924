#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "rules/kinds/event_value.h"
#include "rules/kinds/term.h"
#include "rules/load/arming.h"
#include "tests/load/loading.h"

// What the shipped rules say to people, with few and with many: nobody reads the templates at
// night, so every title and summary is rendered here with the numbers at which languages change
// their plural, and at the end of an alert, when the numbers are 0.
namespace tocsin::rules {
namespace {

const std::shared_ptr<const Bundle>& shipped() {
  static const std::shared_ptr<const Bundle> bundle = [] {
    const std::string tree = TOCSIN_SOURCE_DIR;
    Diagnostics diagnostics;
    return load_bundle({.catalogue = {tree + "/rules/catalogue"}, .rules = {tree + "/rules/sets"}},
                       diagnostics);
  }();
  return bundle;
}

cel::Value text(std::string_view t) { return cel::Value::of_string(t); }
cel::Value june() { return cel::Value::of_timestamp(1'275'350'400, 0); }  // 2010-06-01

// An event of the indicator with all attrs that it declares, and the variants that differ in one of
// those with a closed list of values.
std::vector<Event> events_of(IndicatorId id, double value, Arena& arena) {
  const Catalogue& catalogue = *shipped()->catalogue;
  const Indicator& indicator = catalogue.indicator(id);
  size_t variants = 1;
  for (const AttrDeclaration& attr : indicator.attrs) {
    variants = std::max(variants, attr.values.size());
  }
  std::vector<Event> events;
  for (size_t variant = 0; variant < variants; ++variant) {
    const auto attrs = arena.array<Attr>(indicator.attrs.size());
    for (size_t i = 0; i < attrs.size(); ++i) {
      const AttrDeclaration& declared = indicator.attrs[i];
      attrs[i].key = declared.name;
      attrs[i].slot = static_cast<uint16_t>(i);
      if (declared.type == AttrType::kBool) attrs[i].value = true;
      if (declared.type == AttrType::kInt) attrs[i].value = int64_t{2010};
      if (declared.type == AttrType::kDouble) attrs[i].value = value;
      if (declared.type == AttrType::kString) {
        attrs[i].value = declared.values.empty()
                             ? std::string_view("word")
                             : declared.values[std::min(variant, declared.values.size() - 1)];
      }
    }
    std::sort(attrs.begin(), attrs.end(),
              [](const Attr& a, const Attr& b) { return a.key < b.key; });
    Event event;
    event.id = "e1";
    event.indicator = id;
    event.source = catalogue.sources_of(id).front();
    event.region = *catalogue.find_region("EG");
    event.time = event.time_end = *parse_time("2010-06-01T00:00:00Z");
    event.value = value;
    event.confidence = 0.7;
    event.attrs = attrs;
    events.push_back(event);
  }
  return events;
}

// In the order in which the engine fills them.
std::vector<cel::Variable> all_variables_of(const Rule& rule) {
  std::vector<cel::Variable> variables = variables_of(rule.kind(), rule.detect);
  for (const SignalUse& use : rule.signals) {
    variables.push_back({signal_variable(use.name), cel::Type::Tag::kDouble});
  }
  if (rule.arming == nullptr) return variables;
  const std::vector<cel::Variable> armed = variables_of(*rule.arming);
  variables.insert(variables.end(), armed.begin(), armed.end());
  return variables;
}

// Of an index what drives the risk, of a divergence the series; sorted.
std::vector<std::string_view> parts_of(const Rule& rule) {
  std::vector<std::string_view> names;
  if (const auto* index = std::get_if<IndexDetect>(&rule.detect)) {
    for (const IndexPart& part : index->parts) {
      if (!part.is_protective) names.push_back(part.name);
    }
  } else if (const auto* divergence = std::get_if<DivergenceDetect>(&rule.detect)) {
    for (const DivergencePart& part : divergence->parts) names.push_back(part.name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

cel::Value points_of(const Rule& rule, int n, Arena& arena) {
  const std::vector<std::string_view> names = parts_of(rule);
  const auto entries = arena.array<cel::Entry>(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    entries[i] = {text(names[i]), cel::Value::of_double(n)};
  }
  return cel::Value::of_map(entries);
}

cel::Value top_of(const Rule& rule, int n, Arena& arena) {
  const std::vector<std::string_view> names = parts_of(rule);
  const auto items = arena.array<cel::Value>(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    const auto item = arena.array<cel::Entry>(2);
    item[0] = {text("name"), text(names[i])};
    item[1] = {text("points"), cel::Value::of_double(n)};
    items[i] = cel::Value::of_map(item);
  }
  return cel::Value::of_list(items);
}

// A rule's variables when all that it measures is `n`.
std::vector<cel::Value> variables_at(const Rule& rule, int n, const Event& step, Arena& arena) {
  const auto region = arena.array<cel::Entry>(3);
  region[0] = {text("id"), text("EG")};
  region[1] = {text("level"), text("country")};
  region[2] = {text("name"), text("Egypt")};
  std::vector<cel::Value> values;
  for (const cel::Variable& variable : all_variables_of(rule)) {
    if (variable.name == "region" || variable.name == "by") {
      values.push_back(cel::Value::of_map(region));
    } else if (variable.name == "baseline") {
      const auto entries = arena.array<cel::Entry>(4);
      size_t i = 0;
      for (const char* name : {"mean", "median", "n", "sd"}) {
        entries[i++] = {text(name), cel::Value::of_double(n)};
      }
      values.push_back(cel::Value::of_map(entries));
    } else if (variable.name == "history") {
      const auto entries = arena.array<cel::Entry>(2);
      entries[0] = {text("first"), june()};
      entries[1] = {text("start"), june()};
      values.push_back(cel::Value::of_map(entries));
    } else if (variable.name == "term") {
      const auto& detect = std::get<NewTermDetect>(rule.detect);
      values.push_back(cel::Value::of_list(term_texts(detect, step, arena)));
    } else if (variable.name == "parts") {
      values.push_back(points_of(rule, n, arena));
    } else if (variable.name == "top") {
      values.push_back(top_of(rule, n, arena));
    } else if (variable.name == "drivers") {
      const auto items = arena.array<cel::Value>(2);
      items[0] = text("displacement");
      items[1] = text("violence");
      values.push_back(cel::Value::of_list(items));
    } else if (variable.name == "neighbours") {
      const auto entries = arena.array<cel::Entry>(2);
      entries[0] = {text("id"), text("LY")};
      entries[1] = {text("name"), text("Libya")};
      const auto items = arena.array<cel::Value>(1);
      items[0] = cel::Value::of_map(entries);
      values.push_back(cel::Value::of_list(items));
    } else if (variable.name == "last" && rule.kind() == RuleKind::kAbsence) {
      const auto entries = arena.array<cel::Entry>(2);
      entries[0] = {text("id"), text("e1")};
      entries[1] = {text("time"), june()};
      values.push_back(cel::Value::of_map(entries));
    } else if (variable.type.tag() == cel::Type::Tag::kInt) {
      values.push_back(cel::Value::of_int(n));
    } else if (variable.type.tag() == cel::Type::Tag::kDouble) {
      values.push_back(cel::Value::of_double(n));
    } else if (variable.type.tag() == cel::Type::Tag::kTimestamp) {
      values.push_back(june());
    } else if (variable.type.tag() == cel::Type::Tag::kDyn) {  // a step of a sequence
      values.push_back(event_value(step, *shipped()->catalogue, arena));
    } else {
      values.push_back(text("word"));
    }
  }
  return values;
}

struct Rendered {
  std::string what;  // "violence/x summary.en at 1"
  std::string text;
};

std::vector<Rendered> rendered(const Rule& rule, int n) {
  std::vector<Rendered> all;
  for (const IndicatorId id : *rule.indicators) {
    Arena arena;
    for (const Event& event : events_of(id, n, arena)) {
      const std::vector<cel::Value> variables = variables_at(rule, n, event, arena);
      const auto add = [&](const char* field, const std::map<std::string, Template>& templates) {
        for (const auto& [language, text] : templates) {
          all.push_back({rule.id + " " + field + "." + language + " at " + std::to_string(n),
                         text.render(sees_event(rule.kind()) ? &event : nullptr, variables,
                                     event.time, arena)});
        }
      };
      add("title", rule.titles);
      add("summary", rule.summaries);
    }
  }
  return all;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

// The measured number, or one with decimals, that stands before a word: there is a form of the word
// that is wrong after some number, in Arabic for nearly all.
std::string counted_word(const std::string& text, int n) {
  for (size_t i = 0; i < text.size();) {
    if (!is_digit(text[i])) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < text.size() && (is_digit(text[end]) || text[end] == '.')) ++end;
    const std::string number = text.substr(i, end - i);
    const bool is_measured =
        number == std::to_string(n) || (number.find('.') < number.size() - 1 && number.size() > 2);
    const bool is_before_word =
        end + 1 < text.size() && text[end] == ' ' && is_letter(text[end + 1]);
    if (is_measured && is_before_word) return text.substr(i, std::min<size_t>(24, text.size() - i));
    i = end;
  }
  return {};
}

class ShippedTexts : public testing::TestWithParam<int> {};

TEST_P(ShippedTexts, ReadRightWithThatNumber) {
  ASSERT_NE(shipped(), nullptr);
  for (const Rule& rule : shipped()->rules) {
    for (const char* language : {"en", "fr", "ar"}) {
      EXPECT_TRUE(rule.titles.contains(language)) << rule.id << " " << language;
      EXPECT_TRUE(rule.summaries.contains(language)) << rule.id << " " << language;
    }
    for (const auto& [what, text] : rendered(rule, GetParam())) {
      EXPECT_FALSE(text.empty()) << what;
      EXPECT_EQ(counted_word(text, GetParam()), "") << what << ": " << text;
      EXPECT_EQ(text.find('_'), std::string::npos) << what << " has a code: " << text;
      EXPECT_EQ(text.find("n/a"), std::string::npos) << what << ": " << text;
      EXPECT_EQ(text.find("  "), std::string::npos) << what << ": " << text;
      for (const Indicator& indicator : shipped()->catalogue->indicators()) {
        EXPECT_EQ(text.find(indicator.name), std::string::npos) << what << ": " << text;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Numbers, ShippedTexts, testing::Values(0, 1, 2, 11));

// 0 is what a rule measures when its alert ends: the silence is over, no event is left, and a
// figure that has left the window is not known rather than 0 or 1.
TEST(ShippedTextsAtTheEnd, SayThatItIsOver) {
  ASSERT_NE(shipped(), nullptr);
  for (const Rule& rule : shipped()->rules) {
    if (rule.kind() != RuleKind::kAbsence && rule.kind() != RuleKind::kThreshold) continue;
    for (const auto& [what, text] : rendered(rule, 0)) {
      std::string plain = text;
      if (const size_t date = plain.find("2010-06-01"); date != std::string::npos) {
        plain.erase(date, 10);
      }
      const bool has_digit = std::any_of(plain.begin(), plain.end(), is_digit);
      if (rule.kind() == RuleKind::kAbsence) {
        EXPECT_FALSE(has_digit) << what << ": " << text;
        for (const char* silent : {"No ", "Aucun", "لا "}) {
          EXPECT_FALSE(what.find("summary") != std::string::npos && text.starts_with(silent))
              << what << ": " << text;
        }
      }
      for (const char* figure : {"0.00", "1.00"}) {
        EXPECT_EQ(text.find(figure), std::string::npos) << what << ": " << text;
      }
    }
  }
}

}  // namespace
}  // namespace tocsin::rules
