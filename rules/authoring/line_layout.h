#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "rules/yaml/document.h"

namespace tocsin::rules {

// One line of a YAML file and where it should begin. Columns count from 0.
struct Line {
  std::string text;          // without its indentation and its dashes
  size_t indent = 0;         // of what comes first: the dash, the key, the text
  size_t dashes = 0;         // "- " before the text
  bool is_start = false;     // a key or an item begins here
  bool is_verbatim = false;  // goes on with a text of several lines: its blanks count

  bool is_comment() const { return !is_verbatim && !is_start && text.starts_with('#'); }
  bool is_empty() const { return text.empty() && dashes == 0; }
  // With everything before it.
  std::string whole() const;
};

// The lines of `text`, which `root` was read from, with the indentation that they should have.
//
// What cannot be told apart (flow collections, keys under `x-…`) keeps its own layout and moves
// as a whole. Comments and empty lines above a key or an item are indented like it; a comment that
// stands deeper belongs to what is before it.
std::vector<Line> lay_out(const std::string& text, const yaml::Node& root);

// Index of the first line of what belongs to the key or item that begins at the line `start`: that
// of the comments and empty lines above it.
size_t first_above(const std::vector<Line>& lines, size_t start);

}  // namespace tocsin::rules
