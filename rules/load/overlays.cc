#include "rules/load/overlays.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "rules/load/values.h"
#include "rules/model/catalogue.h"

namespace tocsin::rules {

namespace {

bool is_number(const yaml::Node& node) {
  Diagnostics none;
  return node.is_scalar() && yaml::as_double(node, "", none).has_value();
}

// Node is yaml::Node or const yaml::Node.
template <typename Node>
Node* find_number(Node& rule, std::string_view path) {
  Node* node = &rule;
  while (true) {
    const size_t dot = path.find('.');
    const auto entry =
        std::find_if(node->entries.begin(), node->entries.end(),
                     [&](const auto& known) { return known.key == path.substr(0, dot); });
    if (entry == node->entries.end()) return nullptr;
    node = &entry->value;
    if (dot == std::string_view::npos) return is_number(*node) ? node : nullptr;
    path.remove_prefix(dot + 1);
  }
}

class Overlays {
 public:
  Overlays(std::vector<RuleFile>& files, Diagnostics& diagnostics)
      : files_(files), diagnostics_(diagnostics) {
    for (RuleFile& file : files) {
      for (auto& entry : file.root.entries) {
        if (entry.key != "rules") continue;
        for (yaml::Node& item : entry.value.items) {
          const auto name = text_at(item, "rule");
          if (name) targets_.try_emplace(file.package + "/" + *name, Target{&file, &item});
        }
      }
    }
  }

  void apply() {
    for (const RuleFile& file : files_) {
      for (const yaml::Node& overlay : items_of(file.root.find("overlays"))) read(overlay);
    }
    for (auto& [file, lists] : changes_) {
      for (auto& [name, changes] : lists) change_list(*file, name, changes);
    }
  }

 private:
  struct Target {
    RuleFile* file;
    yaml::Node* rule;
  };
  struct Change {
    std::string item;
    Place place;
    bool is_append;
  };

  void read(const yaml::Node& overlay) {
    const auto id = text_at(overlay, "rule");
    if (!id) return;  // told by the check of the shape
    const auto found = targets_.find(*id);
    if (found == targets_.end()) {
      std::vector<std::string> known;
      for (const auto& [name, target] : targets_) known.push_back(name);
      const std::string near = nearest_name(*id, known);
      diagnostics_.error("T0392", overlay.find("rule")->place, "there is no rule `" + *id + "`",
                         near.empty() ? "its id: `package/name`" : "did you mean `" + near + "`?");
      return;
    }
    if (overlay.find("set") == nullptr && overlay.find("lists") == nullptr) {
      diagnostics_.error("T0398", overlay.place, "the overlay changes nothing",
                         "`set: {status: …}`, or `lists: {NAME: {append: […]}}`");
    }
    for (const auto& entry : entries_of(overlay.find("set"))) set(*id, found->second, entry);
    for (const auto& entry : entries_of(overlay.find("lists"))) {
      note_list(*id, *found->second.file, entry);
    }
  }

  void set(const std::string& id, const Target& target, const yaml::Node::Entry& entry) {
    if (!entry.value.is_scalar()) return;
    const auto [first, is_new] = set_.try_emplace(id + " " + entry.key, entry.key_place);
    if (!is_new) {
      diagnostics_.error("T0399", later(first->second, entry.key_place),
                         "two overlays set `" + entry.key + "` of `" + id + "`",
                         "the other is at " + at(earlier(first->second, entry.key_place)));
      return;
    }
    if (entry.key == "status") {
      set_status(*target.rule, entry);
      return;
    }
    const std::vector<std::string> open = opened(*target.rule);
    yaml::Node* number = find_number(*target.rule, entry.key);
    if (std::find(open.begin(), open.end(), entry.key) == open.end()) {
      diagnostics_.error("T0398", entry.key_place,
                         "the rule `" + id + "` has not opened `" + entry.key + "`",
                         fmt::format("an overlay may set status{}{}", open.empty() ? "" : ", ",
                                     fmt::join(open, ", ")));
    } else if (number == nullptr) {
      return;  // told where the rule opens it
    } else if (!is_number(entry.value)) {
      diagnostics_.error(
          "T0398", entry.value.place,
          "`" + entry.key + "` must be a number, but is `" + entry.value.scalar + "`");
    } else {
      *number = entry.value;
    }
  }

  static void set_status(yaml::Node& rule, const yaml::Node::Entry& entry) {
    for (auto& own : rule.entries) {
      if (own.key != "status") continue;
      own.value = entry.value;
      return;
    }
    rule.entries.push_back(entry);
  }

  static std::vector<std::string> opened(const yaml::Node& rule) {
    std::vector<std::string> paths = texts_at(rule, "tunable");
    std::erase_if(paths, [](const std::string& path) { return !is_number_path(path); });
    return paths;
  }

  void note_list(const std::string& id, RuleFile& file, const yaml::Node::Entry& entry) {
    if (!file.lists.contains(entry.key)) {
      std::vector<std::string> known;
      for (const auto& [name, items] : file.lists) known.push_back(name);
      const std::string near = nearest_name(entry.key, known);
      diagnostics_.error("T0398", entry.key_place,
                         "the file of `" + id + "` has no list `" + entry.key + "`",
                         near.empty() ? "" : "did you mean `" + near + "`?");
      return;
    }
    for (const char* what : {"append", "remove"}) {
      for (const yaml::Node& item : items_of(entry.value.find(what))) {
        if (!item.is_scalar()) continue;
        changes_[&file][entry.key].push_back(
            {item.scalar, item.place, std::string_view(what) == "append"});
      }
    }
  }

  // Appended in the order of their texts, so that of the overlays does not show.
  void change_list(RuleFile& file, const std::string& name, std::vector<Change>& changes) {
    std::vector<std::string>& items = file.lists[name];
    std::sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) {
      return std::tie(a.item, a.place.file, a.place.line, a.place.column) <
             std::tie(b.item, b.place.file, b.place.line, b.place.column);
    });
    for (size_t i = 0; i < changes.size(); ++i) {
      const Change& change = changes[i];
      if (i > 0 && changes[i - 1].item == change.item) {
        diagnostics_.error("T0399", change.place,
                           "two overlays change `" + change.item + "` of the list `" + name + "`",
                           "the other is at " + at(changes[i - 1].place));
        continue;
      }
      const auto found = std::find(items.begin(), items.end(), change.item);
      if (change.is_append && found == items.end()) {
        items.push_back(change.item);
      } else if (change.is_append) {
        diagnostics_.error("T0398", change.place,
                           "`" + change.item + "` is in the list `" + name + "` already");
      } else if (found != items.end()) {
        items.erase(found);
      } else {
        const std::string near = nearest_name(change.item, items);
        diagnostics_.error("T0398", change.place,
                           "`" + change.item + "` is not in the list `" + name + "`",
                           near.empty() ? "" : "did you mean `" + near + "`?");
      }
    }
    if (items.empty()) {
      diagnostics_.error("T0398", changes.back().place, "the list `" + name + "` is empty then");
    }
  }

  static bool is_before(const Place& a, const Place& b) {
    return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
  }
  static const Place& earlier(const Place& a, const Place& b) { return is_before(a, b) ? a : b; }
  static const Place& later(const Place& a, const Place& b) { return is_before(a, b) ? b : a; }
  static std::string at(const Place& place) {
    return place.file + ":" + std::to_string(place.line);
  }

  std::vector<RuleFile>& files_;
  Diagnostics& diagnostics_;
  std::map<std::string, Target> targets_;                                    // by id
  std::map<std::string, Place> set_;                                         // by id and key
  std::map<RuleFile*, std::map<std::string, std::vector<Change>>> changes_;  // of lists by name
};

}  // namespace

bool is_number_path(std::string_view written) {
  return written.starts_with("levels.") || written.starts_with("detect.");
}

const yaml::Node* number_at_path(const yaml::Node& rule, std::string_view path) {
  return find_number(rule, path);
}

void apply_overlays(std::vector<RuleFile>& files, Diagnostics& diagnostics) {
  Overlays(files, diagnostics).apply();
}

}  // namespace tocsin::rules
