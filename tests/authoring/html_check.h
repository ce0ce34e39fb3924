#pragma once

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// A strict reading of the HTML that we write: less than HTML allows, so that what passes is good.
namespace tocsin::rules {

// What is wrong with a page ("" when nothing is): tags that are not closed in order, attributes
// without double quotes or twice, a bare `<`, `>` or `&`, an id twice, a link to an id that is not
// there.
inline std::string html_complaint(std::string_view html) {
  constexpr std::string_view kDoctype = "<!DOCTYPE html>\n";
  if (!html.starts_with(kDoctype)) return "no doctype";
  html.remove_prefix(kDoctype.size());
  std::vector<std::string> open;
  std::set<std::string> ids;
  std::set<std::string> links;
  const auto is_entity = [](std::string_view text) {
    const std::string_view name = text.substr(1, text.find(';') - 1);
    return name == "amp" || name == "lt" || name == "gt" || name == "quot" || name == "#39";
  };
  for (size_t i = 0; i < html.size();) {
    if (html[i] == '>') return "a bare > in: " + std::string(html.substr(i, 40));
    if (html[i] == '&' && !is_entity(html.substr(i, 8))) {
      return "a bare & in: " + std::string(html.substr(i, 40));
    }
    if (html[i] != '<') {
      ++i;
      continue;
    }
    const size_t end = html.find('>', i);
    if (end == std::string_view::npos) return "a tag without end";
    std::string_view tag = html.substr(i + 1, end - i - 1);
    i = end + 1;
    if (tag.starts_with('/')) {
      if (open.empty() || open.back() != tag.substr(1))
        return "</" + std::string(tag.substr(1)) + "> closes nothing";
      open.pop_back();
      continue;
    }
    const std::string name(tag.substr(0, tag.find(' ')));
    const bool is_name = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return std::islower(static_cast<unsigned char>(c)) != 0 || (c >= '0' && c <= '9');
    });
    if (!is_name) return "no tag: <" + std::string(tag) + ">";
    tag.remove_prefix(name.size());
    std::set<std::string> attributes;
    while (!tag.empty()) {
      const size_t equals = tag.find("=\"");
      const size_t close = equals == std::string_view::npos ? equals : tag.find('"', equals + 2);
      if (tag.front() != ' ' || close == std::string_view::npos)
        return "bad attribute:" + std::string(tag);
      const std::string key(tag.substr(1, equals - 1));
      const std::string value(tag.substr(equals + 2, close - equals - 2));
      if (!attributes.insert(key).second) return "attribute twice: " + key;
      if (key == "id" && !ids.insert(value).second) return "id twice: " + value;
      if (key == "href" && value.starts_with('#')) links.insert(value.substr(1));
      if (key == "href" && !value.starts_with('#')) return "a link to outside: " + value;
      tag.remove_prefix(close + 1);
    }
    if (name == "meta") continue;
    if (name == "style") {
      i = html.find("</style>", i);
      if (i == std::string_view::npos) return "style without end";
    }
    open.push_back(name);
  }
  if (!open.empty()) return "not closed: " + open.back();
  for (const std::string& link : links) {
    if (!ids.contains(link)) return "a link to nothing: " + link;
  }
  return "";
}

}  // namespace tocsin::rules
