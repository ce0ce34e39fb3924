#include "rules/authoring/canonical_yaml.h"

#include <algorithm>
#include <vector>

#include "rules/cel/parser.h"
#include "rules/cel/printer.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

constexpr size_t kWidth = 88;  // of a page in a fixed font

// Whether a plain scalar would be read as something else; `in_flow`: inside `{}` or `[]`.
bool needs_quotes(std::string_view text, bool in_flow) {
  if (text.empty() || text == "~" || text == "null") return true;
  constexpr std::string_view kFirst = "{}[]&*!|>'\"%@`#,?:";
  if (kFirst.find(text.front()) != std::string_view::npos) return true;
  if (text.front() == ' ' || text.back() == ' ' || text.back() == ':') return true;
  if (text.starts_with("- ") || text == "-") return true;
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos) {
    return true;
  }
  return in_flow && text.find_first_of(",[]{}") != std::string_view::npos;
}

std::string scalar_text(const std::string& text, bool in_flow) {
  if (!needs_quotes(text, in_flow)) return text;
  std::string quoted = "'";
  for (const char c : text) {
    quoted += c;
    if (c == '\'') quoted += c;
  }
  return quoted + "'";
}

// The alternative that a node of this form is read by.
const Schema& schema_for(const yaml::Node& node, const Schema& schema) {
  if (schema.kind != Schema::Kind::kEither) return schema;
  for (const Schema& alternative : schema.alternatives) {
    const bool is_list = alternative.kind == Schema::Kind::kList;
    const bool is_map =
        alternative.kind == Schema::Kind::kMapping || alternative.kind == Schema::Kind::kDictionary;
    if (is_list == node.is_sequence() && is_map == node.is_mapping()) return alternative;
  }
  return schema;
}

const Schema& schema_of_entry(const Schema& schema, const std::string& key) {
  static const Schema unknown = anything();
  if (schema.kind == Schema::Kind::kDictionary && schema.item) return *schema.item;
  for (const Schema::Field& field : schema.fields) {
    if (field.name == key) return field.schema;
  }
  return unknown;
}

const Schema& schema_of_items(const Schema& schema) {
  static const Schema unknown = anything();
  return schema.kind == Schema::Kind::kList && schema.item ? *schema.item : unknown;
}

// The entries of a mapping as the schema lists its fields; others behind them, as they came.
std::vector<const yaml::Node::Entry*> in_order(const yaml::Node& node, const Schema& schema) {
  std::vector<const yaml::Node::Entry*> entries;
  for (const auto& entry : node.entries) entries.push_back(&entry);
  const auto rank = [&](const yaml::Node::Entry* entry) {
    return std::find_if(schema.fields.begin(), schema.fields.end(),
                        [&](const Schema::Field& field) { return field.name == entry->key; }) -
           schema.fields.begin();
  };
  std::stable_sort(entries.begin(), entries.end(),
                   [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
  return entries;
}

class Writer {
 public:
  std::string take() { return std::move(out_); }

  // The node's lines, each after `indent` blanks.
  void write(const yaml::Node& node, const Schema& maybe_either, size_t indent) {
    const Schema& schema = schema_for(node, maybe_either);
    if (node.is_mapping() && !node.entries.empty()) {
      for (const auto* entry : in_order(node, schema)) {
        begin_line(indent);
        write_entry(*entry, schema_of_entry(schema, entry->key), indent);
      }
    } else if (node.is_sequence() && !node.items.empty()) {
      for (const yaml::Node& item : node.items) {
        begin_line(indent);
        out_ += "- ";
        write_behind(item, schema_of_items(schema), indent + 2);
      }
    } else {
      begin_line(indent);
      out_ += flow(node, schema, false) + "\n";
    }
  }

 private:
  void begin_line(size_t indent) {
    if (is_begun_) {
      is_begun_ = false;
    } else {
      out_.append(indent, ' ');
    }
  }

  void write_entry(const yaml::Node::Entry& entry, const Schema& schema, size_t indent) {
    out_ += scalar_text(entry.key, false) + ":";
    const size_t used = indent + entry.key.size() + 2;
    const std::string line = flow(entry.value, schema, false);
    const bool is_block = entry.value.is_mapping() || entry.value.is_sequence();
    if (is_block && (!is_small(entry.value) || used + line.size() > kWidth)) {
      out_ += "\n";
      write(entry.value, schema, indent + 2);
    } else if (is_expression(entry.value, schema) && used + line.size() > kWidth) {
      write_block(canonical_expression(expression_text(entry.value)), indent + 2);
    } else {
      out_ += " " + line + "\n";
    }
  }

  // What stands behind a dash: its first line goes on in the line that is begun.
  void write_behind(const yaml::Node& item, const Schema& schema, size_t indent) {
    is_begun_ = true;
    const std::string line = flow(item, schema, false);
    const bool is_step = item.entries.size() == 1 && item.entries.front().value.is_mapping();
    if (!is_step && is_small(item) && indent + line.size() <= kWidth) {
      is_begun_ = false;
      out_ += line + "\n";
    } else {
      write(item, schema, indent);
    }
    is_begun_ = false;
  }

  void write_block(const std::string& text, size_t indent) {
    out_ += " >\n";
    size_t at = 0;
    while (at <= text.size()) {
      const size_t end = std::min(text.find('\n', at), text.size());
      out_.append(indent, ' ');
      out_ += text.substr(at, end - at) + "\n";
      at = end + 1;
    }
  }

  static bool is_expression(const yaml::Node& node, const Schema& schema) {
    return node.is_scalar() && schema_for(node, schema).kind == Schema::Kind::kExpression;
  }

  // Fits on a line as far as its depth goes.
  static bool is_small(const yaml::Node& node) {
    const auto is_flat = [](const yaml::Node& inner) {
      return std::all_of(inner.items.begin(), inner.items.end(),
                         [](const yaml::Node& item) { return item.is_scalar(); }) &&
             inner.entries.empty();
    };
    return std::all_of(node.items.begin(), node.items.end(), is_flat) &&
           std::all_of(node.entries.begin(), node.entries.end(),
                       [&](const auto& entry) { return is_flat(entry.value); });
  }

  static std::string flow(const yaml::Node& node, const Schema& maybe_either, bool in_flow) {
    const Schema& schema = schema_for(node, maybe_either);
    std::string text;
    switch (node.kind) {
      case yaml::NodeKind::kNull:
        return "~";
      case yaml::NodeKind::kScalar:
        if (!is_expression(node, schema)) return scalar_text(node.scalar, in_flow);
        return scalar_text(one_line(expression_text(node)), in_flow);
      case yaml::NodeKind::kSequence:
        for (const yaml::Node& item : node.items) {
          text += (text.empty() ? "" : ", ") + flow(item, schema_of_items(schema), true);
        }
        return "[" + text + "]";
      case yaml::NodeKind::kMapping:
        for (const auto* entry : in_order(node, schema)) {
          text += (text.empty() ? "" : ", ") + scalar_text(entry->key, true) + ": " +
                  flow(entry->value, schema_of_entry(schema, entry->key), true);
        }
        return "{" + text + "}";
    }
    return text;
  }

  static std::string one_line(std::string_view source) {
    Diagnostics ignored;
    const cel::SourceText text{std::string(source), {}};
    const cel::ExprPtr tree = cel::parse(text, ignored);
    return tree == nullptr ? std::string(source) : cel::print(*tree);
  }

  std::string out_;
  bool is_begun_ = false;  // a dash stands there already
};

bool is_junction(const cel::Expr& expr) {
  return expr.kind == cel::ExprKind::kAnd || expr.kind == cel::ExprKind::kOr;
}

// What binds more loosely than the `&&` or `||` that it is a part of.
bool needs_parentheses(const cel::Expr& part, const cel::Expr& junction) {
  return part.kind == cel::ExprKind::kTernary ||
         (junction.kind == cel::ExprKind::kAnd && part.kind == cel::ExprKind::kOr);
}

// On one line where it fits; else the parts of a junction on a line each.
std::string broken(const cel::Expr& expr, size_t indent) {
  std::string line = cel::print(expr);
  if (indent + line.size() <= kWidth || !is_junction(expr)) return line;
  std::string text;
  for (const auto& part : expr.args) {
    if (!text.empty()) {
      text += "\n" + std::string(indent, ' ');
      text += expr.kind == cel::ExprKind::kAnd ? "&& " : "|| ";
    }
    const std::string inner = broken(*part, indent + 4);
    text += needs_parentheses(*part, expr) ? "(" + inner + ")" : inner;
  }
  return text;
}

}  // namespace

std::string canonical_expression(std::string_view source) {
  Diagnostics ignored;
  const cel::SourceText text{std::string(source), {}};
  const cel::ExprPtr tree = cel::parse(text, ignored);
  if (tree == nullptr) return std::string(source);
  return broken(*tree, 0);
}

std::string canonical_yaml(const yaml::Node& node, const Schema& schema, int depth) {
  Writer writer;
  writer.write(node, schema, static_cast<size_t>(depth) * 2);
  return writer.take();
}

}  // namespace tocsin::rules
