#include "tests/oracle/said.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace tocsin::rules::oracle {

namespace {

bool is_near(double a, double b) {
  return std::abs(a - b) <= 1e-6 * std::max({std::abs(a), std::abs(b), 1e-3});
}

std::string difference_in_numbers(const Said& told, const Said& expected, Compared& compared) {
  for (const auto& [name, number] : expected.numbers) {
    const auto found = told.numbers.find(name);
    if (expected.unchecked.contains(name)) continue;
    if (found == told.numbers.end()) return fmt::format("it lacks {} = {}", name, number);
    if (!is_near(found->second, number)) {
      return fmt::format("{} is {}, not {}", name, found->second, number);
    }
    ++compared.values;
  }
  for (const auto& [name, number] : told.numbers) {
    if (expected.unchecked.contains(name) || expected.numbers.contains(name)) continue;
    return fmt::format("{} = {} is too much", name, number);
  }
  return "";
}

std::string difference_in_texts(const Said& told, const Said& expected, Compared& compared) {
  const auto texts_of = [&](const Said& said) {
    std::string all;
    for (const auto& [name, text] : said.texts) {
      if (!expected.unchecked.contains(name)) all += fmt::format("{} `{}` ", name, text);
    }
    return all;
  };
  compared.values += expected.texts.size();
  if (texts_of(told) == texts_of(expected)) return "";
  return fmt::format("the texts are {}, not {}", texts_of(told), texts_of(expected));
}

std::string difference_in_events(const Said& told, const Said& expected, size_t most,
                                 Compared& compared) {
  if (expected.counted && told.counted != expected.counted) {
    return fmt::format("{} events are counted, not {}", *told.counted, *expected.counted);
  }
  if (!expected.events || expected.events->size() > most) return "";
  ++compared.event_sets;
  if (*told.events == *expected.events) return "";
  return fmt::format("the events are {}, not {}", fmt::join(*told.events, " "),
                     fmt::join(*expected.events, " "));
}

std::string difference(const Said& told, const Said& expected, const Bundle& bundle,
                       Compared& compared) {
  if (told.action != expected.action || told.level != expected.level || told.at != expected.at ||
      told.starts_at != expected.starts_at) {
    return "something else is said";
  }
  ++compared.transitions;
  std::string found = difference_in_numbers(told, expected, compared);
  if (found.empty()) found = difference_in_texts(told, expected, compared);
  if (found.empty()) {
    found =
        difference_in_events(told, expected, bundle.rules[told.rule].alert.max_evidence, compared);
  }
  return found;
}

std::string side_by_side(const Said* told, const Said* expected, const Bundle& bundle,
                         const std::string& what) {
  return fmt::format("{}\n  engine: {}\n  oracle: {}", what,
                     told == nullptr ? "nothing" : to_text(*told, bundle),
                     expected == nullptr ? "nothing" : to_text(*expected, bundle));
}

bool is_same_group(const Said& a, const Said& b) { return a.rule == b.rule && a.group == b.group; }

bool is_group_before(const Said& a, const Said& b) {
  return std::tie(a.rule, a.group) < std::tie(b.rule, b.group);
}

}  // namespace

std::string to_text(const Said& said, const Bundle& bundle) {
  std::string text =
      fmt::format("{} of {}: {} {} at {}, since {}", bundle.rules[said.rule].name,
                  fmt::join(said.group, ", "), to_string(said.action), to_string(said.level),
                  format_time(said.at), format_time(said.starts_at));
  for (const auto& [name, number] : said.numbers) text += fmt::format(", {} {:.9g}", name, number);
  for (const auto& [name, t] : said.texts) text += fmt::format(", {} `{}`", name, t);
  if (said.counted) text += fmt::format(", {} events", *said.counted);
  if (said.events) text += fmt::format(" [{}]", fmt::join(*said.events, " "));
  return text;
}

void sort_by_group(std::vector<Said>& all) {
  std::stable_sort(all.begin(), all.end(), is_group_before);
}

std::string first_difference(const std::vector<Said>& told, const std::vector<Said>& expected,
                             const Bundle& bundle, Compared& compared) {
  for (size_t i = 0; i < std::max(told.size(), expected.size()); ++i) {
    const Said* a = i < told.size() ? &told[i] : nullptr;
    const Said* b = i < expected.size() ? &expected[i] : nullptr;
    if (a == nullptr || b == nullptr) return side_by_side(a, b, bundle, "one says more");
    if (!is_same_group(*a, *b)) {
      const bool has_more = is_group_before(*a, *b);
      return side_by_side(has_more ? a : nullptr, has_more ? nullptr : b, bundle,
                          "only one says this");
    }
    const std::string what = difference(*a, *b, bundle, compared);
    if (!what.empty()) return side_by_side(a, b, bundle, what);
  }
  return "";
}

}  // namespace tocsin::rules::oracle
