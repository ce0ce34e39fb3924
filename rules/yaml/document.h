#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/model/diagnostic.h"
#include "rules/model/text_places.h"

namespace tocsin::yaml {

enum class NodeKind : uint8_t { kNull, kScalar, kSequence, kMapping };

// One node of a document: plain data, every scalar a text whatever it looks like (`NO` is "NO");
// only `~`, `null` and nothing at all are kNull. Places count columns in characters.
struct Node {
  NodeKind kind = NodeKind::kNull;
  Place place;
  std::string scalar;           // of kScalar
  bool quoted = false;          // the scalar was quoted or a block
  bool before_comment = false;  // plain and cut short by ` #`: maybe a text that wanted quotes
  // For texts with a syntax of their own (expressions, templates): where each character of the
  // scalar stands in the file, so that a place inside it can be told exactly; and the scalar with a
  // line break wherever it has one in the file, where folding made it a space. Both are of one
  // length. (A `//` comment of an expression ends at the end of its line.)
  TextPlaces places;
  std::string raw;
  std::vector<Node> items;  // of kSequence
  struct Entry;
  std::vector<Entry> entries;  // of kMapping, in file order, keys unique

  bool is_scalar() const { return kind == NodeKind::kScalar; }
  bool is_sequence() const { return kind == NodeKind::kSequence; }
  bool is_mapping() const { return kind == NodeKind::kMapping; }
  bool is_null() const { return kind == NodeKind::kNull; }
  // Value under `key`, nullptr when there is none or this is no mapping.
  const Node* find(std::string_view key) const;
};

struct Node::Entry {
  std::string key;
  Place key_place;
  Node value;
};

// Reads one YAML document strictly and adds to `diagnostics` what it refuses: syntax errors (with
// a hint about quoting where that is the likely cause), duplicate keys (naming both places), tags,
// non-scalar keys, more than one document, depth over 32, more than 4 MiB, aliases that expand to
// more than 100,000 nodes; anchors, aliases and merge keys (`<<`) are accepted only inside
// top-level `x-*` keys and for values defined there. Bidirectional control characters in keys or
// plain scalars are a warning. nullopt when nothing can be used.
std::optional<Node> parse_document(std::string_view text, const std::string& file,
                                   Diagnostics& diagnostics);

// The same for a file; an unreadable file is a diagnostic.
std::optional<Node> read_document(const std::string& path, Diagnostics& diagnostics);

// What a diagnostic calls `node`: "empty", "a list", "a mapping", or the scalar, cut when long.
std::string form_of(const Node& node);

// Typed readers: each adds a diagnostic and gives nullopt when `node` is not such a thing. `what`
// names it in the message ("`window`").
std::optional<std::string> as_text(const Node& node, std::string_view what,
                                   Diagnostics& diagnostics);
std::optional<int64_t> as_int(const Node& node, std::string_view what, int64_t min, int64_t max,
                              Diagnostics& diagnostics);
std::optional<double> as_double(const Node& node, std::string_view what, Diagnostics& diagnostics);
// `true` and `false` only.
std::optional<bool> as_bool(const Node& node, std::string_view what, Diagnostics& diagnostics);
// A sequence of scalars, or one scalar as a list of one.
std::optional<std::vector<std::string>> as_texts(const Node& node, std::string_view what,
                                                 Diagnostics& diagnostics);

// Adds a diagnostic for every key of the mapping that is not in `known`, with the nearest known one
// as the hint. `where` names the mapping ("rule `x`").
void refuse_unknown_keys(const Node& mapping, const std::vector<std::string>& known,
                         std::string_view where, Diagnostics& diagnostics);

}  // namespace tocsin::yaml
