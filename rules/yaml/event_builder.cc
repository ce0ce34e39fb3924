#include "rules/yaml/event_builder.h"

#include <algorithm>
#include <utility>

#include "rules/yaml/scalar_text.h"
#include "rules/yaml/syntax_hint.h"

namespace tocsin::yaml {

namespace {

// Characters that change the direction of the text around them: what a reviewer sees is then not
// what is read (CVE-2021-42574).
bool has_bidi_control(std::string_view text) {
  for (size_t i = 0; i + 2 < text.size(); ++i) {
    const auto a = static_cast<unsigned char>(text[i]);
    const auto b = static_cast<unsigned char>(text[i + 1]);
    const auto c = static_cast<unsigned char>(text[i + 2]);
    if (a != 0xE2) continue;
    if (b == 0x80 && (c == 0x8E || c == 0x8F || (c >= 0xAA && c <= 0xAE))) return true;
    if (b == 0x81 && c >= 0xA6 && c <= 0xA9) return true;
  }
  return false;
}

Node null_at(Place place) {
  Node node;
  node.place = std::move(place);
  return node;
}

size_t count(const Node& node) {
  size_t n = 1;
  for (const Node& item : node.items) n += count(item);
  for (const Node::Entry& entry : node.entries) n += count(entry.value);
  return n;
}

int height(const Node& node) {
  int below = 0;
  for (const Node& item : node.items) below = std::max(below, height(item));
  for (const Node::Entry& entry : node.entries) below = std::max(below, height(entry.value));
  return below + (node.is_sequence() || node.is_mapping() ? 1 : 0);
}

}  // namespace

void EventBuilder::OnDocumentStart(const YAML::Mark& mark) { root_ = null_at(place(mark)); }

bool EventBuilder::expects_key() const {
  return !open_.empty() && open_.back().node.is_mapping() && !open_.back().has_key;
}

// Under a top-level `x-*` key.
bool EventBuilder::within_extension() const {
  return !open_.empty() && open_.front().node.is_mapping() && open_.front().has_key &&
         open_.front().key.scalar.starts_with("x-");
}

void EventBuilder::count_nodes(size_t more, const Place& where) {
  nodes_ += more;
  if (nodes_ <= kMaxNodes) return;
  diagnostics_.error("T0007", where, "the document has more than 100,000 values",
                     "aliases count with all they stand for; split the file");
  throw StopParsing{};
}

void EventBuilder::check_tag(const YAML::Mark& mark, const std::string& tag) {
  // "?" and "!" are what plain and quoted scalars get without a tag of their own.
  const bool bare_tag = tag == "!" && source_.at(offset(mark)) == '!';
  if (tag.empty() || tag == "?" || (tag == "!" && !bare_tag)) return;
  diagnostics_.error("T0004", place(mark), "a tag (`!…`) is not allowed", quoting_hint("!"));
}

void EventBuilder::check_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
  if (anchor == 0 || within_extension()) return;
  diagnostics_.error("T0005", place(mark), "an anchor (`&…`) outside a top-level `x-…` key",
                     "define what is shared under a key such as `x-shared:`; an expression that "
                     "begins with `&` must be quoted");
}

void EventBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  check_anchor(mark, anchor);
  take(null_at(place(mark)), anchor);
}

void EventBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const auto found = anchored_.find(anchor);
  if (found == anchored_.end()) {
    const bool encloses =
        std::any_of(open_.begin(), open_.end(), [&](const Open& o) { return o.anchor == anchor; });
    if (encloses) diagnostics_.error("T0005", place(mark), "an alias to what encloses it");
    take(null_at(place(mark)), 0);
    return;
  }
  if (static_cast<int>(open_.size()) + height(found->second) > kMaxDepth) {
    diagnostics_.error("T0006", place(mark), "nested deeper than 32 levels");
    throw StopParsing{};
  }
  count_nodes(count(found->second), place(mark));
  take(found->second, 0);
}

void EventBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                            const std::string& value) {
  check_tag(mark, tag);
  check_anchor(mark, anchor);
  Node node;
  node.kind = NodeKind::kScalar;
  node.place = place(mark);
  node.scalar = value;
  node.quoted = tag != "?";
  locate_scalar(source_, offset(mark), node);
  if ((!node.quoted || expects_key()) && has_bidi_control(value)) {
    diagnostics_.warning("T0009", node.place,
                         "the text has characters that change its direction on the screen",
                         "remove them, or quote the text");
  }
  take(std::move(node), anchor);
}

void EventBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag,
                                   YAML::anchor_t anchor, YAML::EmitterStyle::value /*style*/) {
  open(mark, tag, anchor, NodeKind::kSequence);
}

void EventBuilder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                              YAML::EmitterStyle::value /*style*/) {
  open(mark, tag, anchor, NodeKind::kMapping);
}

void EventBuilder::open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                        NodeKind kind) {
  check_tag(mark, tag);
  check_anchor(mark, anchor);
  count_nodes(1, place(mark));
  if (static_cast<int>(open_.size()) >= kMaxDepth) {
    diagnostics_.error("T0006", place(mark), "nested deeper than 32 levels");
    throw StopParsing{};
  }
  Open frame;
  frame.node.kind = kind;
  frame.node.place = place(mark);
  frame.anchor = anchor;
  frame.is_key = expects_key();
  open_.push_back(std::move(frame));
}

void EventBuilder::close() {
  Open done = std::move(open_.back());
  open_.pop_back();
  merge_into(done);
  if (done.is_key) {
    refuse_key(done.node.place);
    return;
  }
  take(std::move(done.node), done.anchor);
}

void EventBuilder::take(Node node, YAML::anchor_t anchor) {
  if (!node.is_mapping() && !node.is_sequence()) count_nodes(1, node.place);
  if (anchor != 0) anchored_[anchor] = node;
  if (open_.empty()) {
    root_ = std::move(node);
    return;
  }
  Open& parent = open_.back();
  if (parent.node.is_sequence()) {
    parent.node.items.push_back(std::move(node));
  } else if (!parent.has_key) {
    take_key(std::move(node));
  } else {
    take_entry(parent, std::move(node));
  }
}

void EventBuilder::take_key(Node key) {
  Open& mapping = open_.back();
  if (key.is_null()) {
    diagnostics_.error("T0003", key.place, "a key is empty or null", "write its name, in quotes");
  } else if (!key.is_scalar()) {
    refuse_key(key.place);
    return;
  }
  mapping.key_is_merge = key.is_scalar() && !key.quoted && key.scalar == "<<";
  mapping.key = std::move(key);
  mapping.has_key = true;
}

// A collection where a key belongs; the value that follows is read over.
void EventBuilder::refuse_key(const Place& where) {
  diagnostics_.error(
      "T0003", where, "a key must be a text, not a mapping or a list",
      "a text that begins with `{` or `[`, such as a template `{{ … }}`, must be quoted");
  open_.back().key = null_at(where);
  open_.back().key_is_merge = false;
  open_.back().has_key = true;
}

void EventBuilder::take_entry(Open& mapping, Node value) {
  mapping.has_key = false;
  Node key = std::move(mapping.key);
  if (!key.is_scalar()) return;
  if (mapping.key_is_merge) {
    if (value.is_mapping()) {
      mapping.merges.push_back(std::move(value));
    } else if (value.is_sequence()) {
      for (Node& item : value.items) mapping.merges.push_back(std::move(item));
    } else {
      diagnostics_.error("T0005", key.place, "a merge key (`<<`) needs a mapping");
    }
    return;
  }
  const auto [first, is_new] = mapping.seen.emplace(key.scalar, key.place);
  if (!is_new) {
    diagnostics_.error("T0002", key.place, "the key `" + key.scalar + "` stands here twice",
                       "it is already on line " + std::to_string(first->second.line) + ", column " +
                           std::to_string(first->second.column));
    return;
  }
  mapping.node.entries.push_back({std::move(key.scalar), std::move(key.place), std::move(value)});
}

// Own keys win over merged ones, earlier merges over later ones.
void EventBuilder::merge_into(Open& mapping) {
  for (Node& merged : mapping.merges) {
    if (!merged.is_mapping()) {
      diagnostics_.error("T0005", merged.place, "a merge key (`<<`) needs a mapping");
      continue;
    }
    for (Node::Entry& entry : merged.entries) {
      if (mapping.seen.emplace(entry.key, entry.key_place).second) {
        mapping.node.entries.push_back(std::move(entry));
      }
    }
  }
}

}  // namespace tocsin::yaml
