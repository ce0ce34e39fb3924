#include "rules/load/catalogue_loader.h"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "rules/load/formats.h"
#include "rules/load/table.h"
#include "rules/load/values.h"
#include "rules/yaml/document.h"

namespace tocsin::rules {

namespace {

constexpr size_t kMaxIndicators = 60'000;
constexpr Milliseconds kDay = std::chrono::hours(24);

// "violence.state_based": what events and expressions name.
bool is_indicator_name(std::string_view name) {
  while (true) {
    const size_t dot = name.find('.');
    if (!is_identifier(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

// "SY", "SY-DR", "XA-1".
bool is_region_id(std::string_view id) {
  if (id.size() < 2 || id.size() > 32) return false;
  for (const char c : id) {
    const bool good = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!good) return false;
  }
  return true;
}

// Gathers the drafts of all files, then checks what refers to what.
class CatalogueLoader {
 public:
  CatalogueLoader(const BundleText& text, Diagnostics& diagnostics)
      : text_(text), diagnostics_(diagnostics) {}

  std::shared_ptr<const Catalogue> load() {
    const int errors_before = diagnostics_.errors();
    for (const NamedText& file : text_.catalogue) read_file(file);
    if (text_.catalogue.empty()) {
      diagnostics_.error("T0200", {}, "there is no catalogue file");
    }
    resolve_sources();
    resolve_regions();
    resolve_borders();
    resolve_calendars();
    if (diagnostics_.errors() != errors_before) return nullptr;
    return std::make_shared<const Catalogue>(std::move(draft_));
  }

 private:
  void error(const std::string& code, const Place& place, std::string message,
             std::string hint = {}) {
    diagnostics_.error(code, place, std::move(message), std::move(hint));
  }

  // True when the name is new; else both places are told.
  bool declare(std::map<std::string, Place>& seen, const std::string& what, const std::string& name,
               const Place& place) {
    const auto [first, is_new] = seen.emplace(name, place);
    if (is_new) return true;
    error("T0201", place, what + " `" + name + "` is declared twice",
          "it is already at " + first->second.file + ":" + std::to_string(first->second.line));
    return false;
  }

  void read_file(const NamedText& file) {
    const auto root = yaml::parse_document(file.text, file.name, diagnostics_);
    if (!root) return;
    check_shape(*root, catalogue_schema(), "the file", diagnostics_);
    for (const auto& entry : entries_of(root->find("indicators"))) read_indicator(entry);
    for (const auto& entry : entries_of(root->find("sources"))) read_source(entry);
    if (const yaml::Node* regions = root->find("regions")) {
      read_table_of(*regions, file.name, &CatalogueLoader::read_region_table);
      for (const auto& entry : entries_of(regions->find("declare"))) read_region(entry);
    }
    if (const yaml::Node* borders = root->find("borders")) {
      read_table_of(*borders, file.name, &CatalogueLoader::read_border_table);
    }
    for (const auto& entry : entries_of(root->find("calendars"))) read_calendar(entry, file.name);
  }

  void read_calendar(const yaml::Node::Entry& entry, const std::string& name) {
    if (!is_kebab(entry.key)) {
      error("T0202", entry.key_place, "`" + entry.key + "` is no name for a calendar",
            "kebab-case: school-holidays");
    }
    if (!declare(calendar_places_, "the calendar", entry.key, entry.key_place)) return;
    const yaml::Node& node = entry.value;
    draft_.calendars.emplace_back().calendar.name = entry.key;
    draft_.calendars.back().calendar.valid_until =
        parse_time(text_at(node, "valid_until").value_or(""));
    if ((node.find("file") == nullptr) == (node.find("entries") == nullptr)) {
      error("T0212", entry.key_place, "a calendar has either `entries` or a `file` of them");
    }
    read_table_of(node, name, &CatalogueLoader::read_calendar_table);
    for (const yaml::Node& item : items_of(node.find("entries"))) {
      const auto from = text_at(item, "from");
      const auto to = text_at(item, "to");
      if (from && to) add_entry(text_at(item, "region").value_or(""), *from, *to, item.place);
    }
  }

  void read_calendar_table(const std::string& path, const std::string& content) {
    for (const TableRow& row :
         read_table(content, path, {"region", "from", "to"}, 3, diagnostics_)) {
      add_entry(row.cells[0], row.cells[1], row.cells[2], row.place);
    }
  }

  // Of the calendar that is being read. A date alone is its whole day.
  void add_entry(const std::string& region, const std::string& from, const std::string& to,
                 const Place& place) {
    const auto begin = parse_time(from);
    const auto last = parse_time(to);
    if (!begin || !last) {
      error("T0210", place, "the entry needs two dates such as `2026-10-01`",
            "its first and its last day");
      return;
    }
    const bool is_day = to.find('T') == std::string::npos;
    const EventTime end = is_day ? *last + kDay : *last;
    if (end <= *begin) {
      error("T0210", place, "the entry ends on " + to + ", before it begins on " + from);
      return;
    }
    Catalogue::Draft::CalendarDraft& draft = draft_.calendars.back();
    draft.calendar.entries.push_back({std::nullopt, *begin, end});
    draft.regions.push_back(region);
    calendar_regions_.push_back({place, {region}});
  }

  void resolve_calendars() {
    for (const TableRow& row : calendar_regions_) {
      if (row.cells[0].empty() || parents_.contains(row.cells[0])) continue;
      error("T0211", row.place, "no region `" + row.cells[0] + "`",
            "leave it out where the days are the same everywhere");
    }
  }

  void read_table_of(const yaml::Node& node, const std::string& name,
                     void (CatalogueLoader::*read)(const std::string&, const std::string&)) {
    const yaml::Node* file = node.find("file");
    if (file == nullptr || !file->is_scalar()) return;
    const std::string path = path_beside(name, file->scalar);
    const std::string* content = text_.attachment(path);
    if (content == nullptr) {
      error("T0222", file->place, "the table `" + path + "` cannot be read");
      return;
    }
    (this->*read)(path, *content);
  }

  void read_indicator(const yaml::Node::Entry& entry) {
    if (!is_indicator_name(entry.key)) {
      error("T0202", entry.key_place, "`" + entry.key + "` is no name for an indicator",
            "identifiers joined by dots: violence.state_based");
    }
    if (!declare(indicator_places_, "the indicator", entry.key, entry.key_place)) return;
    Indicator indicator;
    indicator.name = entry.key;
    const yaml::Node& node = entry.value;
    indicator.driver = word_at<Driver>(node, "driver").value_or(Driver::kViolence);
    indicator.polarity = word_at<Polarity>(node, "polarity").value_or(Polarity::kRisk);
    indicator.unit = text_at(node, "unit").value_or("");
    indicator.meaning = text_at(node, "meaning").value_or("");
    indicator.cadence = exact_at(node, "cadence").value_or(Milliseconds{0});
    indicator.non_negative = bool_at(node, "non_negative").value_or(true);
    for (const auto& attr : entries_of(node.find("attrs"))) {
      indicator.attrs.push_back(read_attr(attr));
    }
    if (indicator.attrs.size() > kMaxAttrs) {
      error("T0203", entry.key_place, "more than 64 attributes");
    }
    if (draft_.indicators.size() == kMaxIndicators) {
      error("T0203", entry.key_place, "more than 60,000 indicators");
    }
    draft_.indicators.push_back(std::move(indicator));
  }

  AttrDeclaration read_attr(const yaml::Node::Entry& entry) {
    AttrDeclaration attr;
    attr.name = entry.key;
    const yaml::Node& node = entry.value;
    if (!is_identifier(entry.key)) {
      error("T0202", entry.key_place, "`" + entry.key + "` is no name for an attribute",
            "letters, digits and `_`");
    }
    const std::string type = text_at(node, "type").value_or("string");
    attr.type = type == "int"      ? AttrType::kInt
                : type == "double" ? AttrType::kDouble
                : type == "bool"   ? AttrType::kBool
                                   : AttrType::kString;
    attr.required = bool_at(node, "required").value_or(false);
    attr.values = texts_at(node, "values");
    attr.cardinality = static_cast<uint32_t>(int_at(node, "cardinality").value_or(0));
    if (!attr.values.empty() && attr.type != AttrType::kString) {
      error("T0204", node.find("values")->place, "`values` are for attributes of type string only");
    }
    if (const yaml::Node* values = node.find("values")) {
      const std::set<std::string> distinct(attr.values.begin(), attr.values.end());
      if (distinct.size() != attr.values.size()) {
        error("T0204", values->place, "a value stands in `values` twice");
      }
    }
    return attr;
  }

  void read_source(const yaml::Node::Entry& entry) {
    if (!is_kebab(entry.key)) {
      error("T0202", entry.key_place, "`" + entry.key + "` is no name for a source",
            "kebab-case: court-watch");
    }
    if (!declare(source_places_, "the source", entry.key, entry.key_place)) return;
    const yaml::Node& node = entry.value;
    Catalogue::Draft::SourceDraft draft;
    Source& source = draft.source;
    source.name = entry.key;
    source.title = text_at(node, "title").value_or("");
    source.lateness = exact_at(node, "lateness").value_or(kDay);
    source.cadence = exact_at(node, "cadence").value_or(Milliseconds{0});
    const Milliseconds idle = source.cadence.count() == 0 ? kDay : 3 * source.cadence;
    source.idle = exact_at(node, "idle").value_or(idle);
    source.correction_horizon = exact_at(node, "correction_horizon").value_or(45 * kDay);
    source.reliability = number_at(node, "reliability").value_or(1.0);
    source.tlp = word_at<Tlp>(node, "tlp").value_or(Tlp::kAmber);
    source.extra_attrs = text_at(node, "extra").value_or("reject") == "attrs";
    if (const auto onboarded = text_at(node, "onboarded"))
      source.onboarded = parse_time(*onboarded);
    if (source.reliability < 0.0 || source.reliability > 1.0) {
      error("T0205", node.find("reliability")->place, "`reliability` must be between 0 and 1");
    }
    if (source.correction_horizon < source.lateness) {
      error("T0205", entry.key_place, "`correction_horizon` is shorter than `lateness`",
            "events that are merely late would be refused as too late");
    }
    const yaml::Node* names = node.find("indicators");
    if (names != nullptr && names->is_sequence())
      unresolved_.emplace_back(draft_.sources.size(), *names);
    draft_.sources.push_back(std::move(draft));
  }

  void resolve_sources() {
    std::vector<std::string> known;
    for (const auto& [name, place] : indicator_places_) known.push_back(name);
    for (const auto& [index, names] : unresolved_) {
      for (const yaml::Node& name : names.items) {
        if (name.is_scalar()) resolve_indicator(draft_.sources[index], name, known);
      }
    }
  }

  void resolve_indicator(Catalogue::Draft::SourceDraft& draft, const yaml::Node& name,
                         const std::vector<std::string>& known) {
    const bool is_prefix = name.scalar.ends_with(".*");
    const std::string prefix = name.scalar.substr(0, name.scalar.size() - (is_prefix ? 1 : 0));
    bool found = false;
    for (const std::string& indicator : known) {
      if (is_prefix ? !indicator.starts_with(prefix) : indicator != name.scalar) continue;
      draft.indicator_names.push_back(indicator);
      found = true;
    }
    if (found) return;
    const std::string nearest = nearest_name(name.scalar, known);
    error("T0206", name.place, "no indicator `" + name.scalar + "`",
          nearest.empty() ? "" : "did you mean `" + nearest + "`?");
  }

  void add_region(Region region, std::string parent, const Place& place) {
    if (!is_region_id(region.id)) {
      error("T0202", place, "`" + region.id + "` is no id for a region",
            "capital letters, digits and `-`: SY, SY-DR");
    }
    if (!declare(region_places_, "the region", region.id, place)) return;
    if (!region.iso3.empty()) declare(iso3_places_, "the alpha-3 code", region.iso3, place);
    if (region.names["en"].empty()) {
      error("T0207", place, "the region `" + region.id + "` has no English name");
    }
    std::erase_if(region.names, [](const auto& name) { return name.second.empty(); });
    parents_[region.id] = parent;
    draft_.regions.push_back({std::move(region), std::move(parent)});
  }

  void read_region(const yaml::Node::Entry& entry) {
    Region region;
    region.id = entry.key;
    region.iso3 = text_at(entry.value, "iso3").value_or("");
    for (const auto& name : entries_of(entry.value.find("names"))) {
      if (name.value.is_scalar()) region.names[name.key] = name.value.scalar;
    }
    add_region(std::move(region), text_at(entry.value, "parent").value_or(""), entry.key_place);
  }

  void read_region_table(const std::string& path, const std::string& content) {
    for (TableRow& row :
         read_table(content, path, {"id", "parent", "iso3", "en", "fr", "ar"}, 4, diagnostics_)) {
      Region region;
      region.id = std::move(row.cells[0]);
      region.iso3 = std::move(row.cells[2]);
      region.names = {{"en", row.cells[3]}, {"fr", row.cells[4]}, {"ar", row.cells[5]}};
      add_region(std::move(region), std::move(row.cells[1]), row.place);
    }
  }

  // Every parent is there and nothing is deeper than country, admin1, admin2.
  void resolve_regions() {
    for (const auto& [id, parent] : parents_) {
      const Place& place = region_places_.at(id);
      std::string at = id;
      int depth = 0;
      while (!parents_.at(at).empty() && depth <= 2) {
        const std::string& up = parents_.at(at);
        if (!parents_.contains(up)) {
          if (at == id) error("T0208", place, "no region `" + up + "`, the parent of `" + id + "`");
          break;
        }
        at = up;
        ++depth;
      }
      if (depth > 2) {
        error("T0208", place,
              "the region `" + id + "` is deeper than three levels, or its own ancestor");
      }
    }
  }

  void read_border_table(const std::string& path, const std::string& content) {
    for (TableRow& row : read_table(content, path, {"region", "neighbour"}, 2, diagnostics_)) {
      borders_.push_back({row.place, std::move(row.cells)});
    }
  }

  void resolve_borders() {
    for (const TableRow& row : borders_) {
      bool good = true;
      for (size_t i = 0; i < 2; ++i) {
        if (parents_.contains(row.cells[i])) continue;
        error("T0208", row.place, "no region `" + row.cells[i] + "`");
        good = false;
      }
      if (good) draft_.borders.emplace_back(row.cells[0], row.cells[1]);
    }
  }

  const BundleText& text_;
  Diagnostics& diagnostics_;
  Catalogue::Draft draft_;
  std::map<std::string, Place> indicator_places_;
  std::map<std::string, Place> source_places_;
  std::map<std::string, Place> region_places_;
  std::map<std::string, Place> iso3_places_;
  std::map<std::string, Place> calendar_places_;
  std::vector<TableRow> calendar_regions_;  // one cell each
  std::map<std::string, std::string> parents_;
  std::vector<std::pair<size_t, yaml::Node>> unresolved_;
  std::vector<TableRow> borders_;
};

}  // namespace

std::shared_ptr<const Catalogue> load_catalogue(const BundleText& text, Diagnostics& diagnostics) {
  return CatalogueLoader(text, diagnostics).load();
}

std::shared_ptr<const Catalogue> load_catalogue(const std::vector<std::string>& paths,
                                                Diagnostics& diagnostics) {
  const int errors_before = diagnostics.errors();
  const BundleText text = read_bundle_text({.catalogue = paths, .rules = {}}, diagnostics);
  if (diagnostics.errors() != errors_before) return nullptr;
  return load_catalogue(text, diagnostics);
}

}  // namespace tocsin::rules
