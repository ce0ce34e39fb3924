#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "rules/yaml/document.h"
#include "rules/yaml/source_text.h"

namespace tocsin::yaml {

inline constexpr int kMaxDepth = 32;
inline constexpr size_t kMaxNodes = 100'000;

// Thrown out of the parser to stop it when going on would cost too much; the reason is in the
// diagnostics already.
struct StopParsing {};

// Builds the tree of one document from the parser's events and refuses what the file format leaves
// out.
//
// Thread-safety: one thread at a time. `source` and `diagnostics` outlive it.
class EventBuilder : public YAML::EventHandler {
 public:
  EventBuilder(const SourceText& source, Diagnostics& diagnostics)
      : source_(source), diagnostics_(diagnostics) {}

  std::optional<Node> take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { close(); }

 private:
  // A collection being read.
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    bool is_key = false;  // a collection where a key belongs: refused, read over
    bool has_key = false;
    bool key_is_merge = false;
    Node key;                                     // pending key, when has_key
    std::unordered_map<std::string, Place> seen;  // keys so far
    std::vector<Node> merges;                     // values of `<<`
  };

  Place place(const YAML::Mark& mark) const { return source_.place(offset(mark)); }
  static size_t offset(const YAML::Mark& mark) { return static_cast<size_t>(mark.pos); }
  bool expects_key() const;
  bool within_extension() const;
  void count_nodes(size_t more, const Place& where);
  void check_tag(const YAML::Mark& mark, const std::string& tag);
  void check_anchor(const YAML::Mark& mark, YAML::anchor_t anchor);
  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, NodeKind kind);
  void close();
  void take(Node node, YAML::anchor_t anchor);
  void take_key(Node key);
  void refuse_key(const Place& where);
  void take_entry(Open& mapping, Node value);
  void merge_into(Open& mapping);

  const SourceText& source_;
  Diagnostics& diagnostics_;
  std::optional<Node> root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchored_;
  size_t nodes_ = 0;
};

}  // namespace tocsin::yaml
