#include "rules/testing/event_from_yaml.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

namespace tocsin::rules {

namespace {

template <typename Item>
std::vector<std::string> names_of(const std::vector<Item>& items) {
  std::vector<std::string> names;
  names.reserve(items.size());
  for (const Item& item : items) names.push_back(item.name);
  return names;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& names) {
  const std::string nearest = nearest_name(word, names);
  return nearest.empty() ? "" : "did you mean `" + nearest + "`?";
}

class EventReader {
 public:
  EventReader(const yaml::Node& node, const Catalogue& catalogue, Arena& arena,
              Diagnostics& diagnostics)
      : node_(node), catalogue_(catalogue), arena_(arena), diagnostics_(diagnostics) {}

  std::optional<Event> read() {
    const int before = diagnostics_.errors();
    if (!read_names()) return std::nullopt;
    read_words();
    read_numbers();
    event_.actors = texts("actors", kMaxActors);
    event_.tags = texts("tags", kMaxTags);
    read_attrs();
    if (diagnostics_.errors() != before) return std::nullopt;
    return event_;
  }

 private:
  void refuse(const Place& place, std::string message, std::string hint = {}) {
    diagnostics_.error("T0411", place, std::move(message), std::move(hint));
  }

  bool read_names() {
    const yaml::Node& source = *node_.find("source");
    const yaml::Node& indicator = *node_.find("indicator");
    const yaml::Node& region = *node_.find("region");
    const auto source_id = catalogue_.find_source(source.scalar);
    const auto indicator_id = catalogue_.find_indicator(indicator.scalar);
    const auto region_id = catalogue_.find_region(region.scalar);
    if (!source_id) {
      refuse(source.place, "source `" + source.scalar + "` is not in the catalogue",
             did_you_mean(source.scalar, names_of(catalogue_.sources())));
    }
    if (!indicator_id) {
      refuse(indicator.place, "indicator `" + indicator.scalar + "` is not in the catalogue",
             did_you_mean(indicator.scalar, names_of(catalogue_.indicators())));
    }
    if (!region_id) {
      refuse(region.place, "region `" + region.scalar + "` is not in the catalogue",
             "use ISO 3166-1, ISO 3166-2, or a declared id");
    }
    if (!source_id || !indicator_id || !region_id) return false;
    const auto& may_send = catalogue_.source(*source_id).indicators;
    if (!std::binary_search(may_send.begin(), may_send.end(), *indicator_id)) {
      refuse(indicator.place,
             "source `" + source.scalar + "` may not send `" + indicator.scalar + "`",
             "add it to the source's `indicators`");
    }
    event_.source = *source_id;
    event_.indicator = *indicator_id;
    event_.region = *region_id;
    return true;
  }

  void read_words() {
    const Source& source = catalogue_.source(event_.source);
    const Indicator& indicator = catalogue_.indicator(event_.indicator);
    event_.tlp = source.tlp;
    read_word("op", event_.op);
    read_word("tlp", event_.tlp);
    read_word("time_precision", event_.time_precision);
    const yaml::Node* unit = node_.find("unit");
    if (unit != nullptr && unit->scalar != indicator.unit) {
      refuse(unit->place, "unit `" + unit->scalar + "`, but " + indicator.name + " is in `" +
                              indicator.unit + "`");
    }
  }

  template <typename Enum>
  void read_word(std::string_view key, Enum& to) {
    const yaml::Node* word = node_.find(key);
    if (word == nullptr) return;
    const auto parsed = parse_enum<Enum>(word->scalar);
    if (!parsed) {
      refuse(word->place, "`" + word->scalar + "` is no `" + std::string(key) + "`");
      return;
    }
    to = *parsed;
  }

  void read_numbers() {
    const Indicator& indicator = catalogue_.indicator(event_.indicator);
    event_.confidence = catalogue_.source(event_.source).reliability;
    if (const yaml::Node* rev = node_.find("rev")) {
      const auto number = yaml::as_int(*rev, "`rev`", 0, INT32_MAX, diagnostics_);
      if (number) event_.rev = static_cast<uint32_t>(*number);
    }
    if (event_.op != Operation::kAssert && event_.rev == 0) {
      refuse(node_.place, "what corrects or retracts needs a `rev` of 1 or more");
    }
    if (const yaml::Node* precision = node_.find("geo_precision")) {
      const auto number = yaml::as_int(*precision, "`geo_precision`", 1, 3, diagnostics_);
      if (number) event_.geo_precision = static_cast<uint8_t>(*number);
    }
    if (const yaml::Node* confidence = node_.find("confidence")) {
      const auto number = yaml::as_double(*confidence, "`confidence`", diagnostics_);
      if (number && !(*number >= 0 && *number <= 1)) {
        refuse(confidence->place, "`confidence` must be between 0 and 1");
      }
      if (number) event_.confidence = *number;
    }
    if (const yaml::Node* value = node_.find("value")) {
      const auto number = yaml::as_double(*value, "`value`", diagnostics_);
      if (number && *number < 0 && indicator.non_negative) {
        refuse(value->place, "`value` is below 0, but " + indicator.name + " is never negative");
      }
      if (number) event_.value = *number;
    }
  }

  std::span<const std::string_view> texts(std::string_view key, size_t most) {
    const yaml::Node* list = node_.find(key);
    if (list == nullptr) return {};
    if (list->items.size() > most) {
      refuse(list->place, "more than " + std::to_string(most) + " `" + std::string(key) + "`");
    }
    const auto copies = arena_.array<std::string_view>(list->items.size());
    for (size_t i = 0; i < copies.size(); ++i) copies[i] = arena_.copy(list->items[i].scalar);
    return copies;
  }

  void read_attrs() {
    const Indicator& indicator = catalogue_.indicator(event_.indicator);
    const yaml::Node* attrs = node_.find("attrs");
    std::vector<Attr> read;
    if (attrs != nullptr) {
      for (const yaml::Node::Entry& entry : attrs->entries) {
        if (auto attr = read_attr(entry, indicator)) read.push_back(*attr);
      }
    }
    for (const AttrDeclaration& declared : indicator.attrs) {
      const bool is_there = attrs != nullptr && attrs->find(declared.name) != nullptr;
      if (declared.required && !is_there && event_.op != Operation::kRetract) {
        refuse(node_.place, indicator.name + " needs the attr `" + declared.name + "`");
      }
    }
    std::sort(read.begin(), read.end(), [](const Attr& a, const Attr& b) { return a.key < b.key; });
    const auto kept = arena_.array<Attr>(read.size());
    std::copy(read.begin(), read.end(), kept.begin());
    event_.attrs = kept;
  }

  // The declared type decides how the text is read; an undeclared attr stays a text.
  std::optional<Attr> read_attr(const yaml::Node::Entry& entry, const Indicator& indicator) {
    Attr attr;
    attr.key = arena_.copy(entry.key);
    attr.value = arena_.copy(entry.value.scalar);
    const auto declared =
        std::find_if(indicator.attrs.begin(), indicator.attrs.end(),
                     [&](const AttrDeclaration& d) { return d.name == entry.key; });
    if (declared == indicator.attrs.end()) return attr;
    attr.slot = static_cast<uint16_t>(declared - indicator.attrs.begin());
    const std::string what = "`" + entry.key + "`";
    switch (declared->type) {
      case AttrType::kString:
        check_word(entry, *declared);
        return attr;
      case AttrType::kInt: {
        const auto number = yaml::as_int(entry.value, what, INT64_MIN, INT64_MAX, diagnostics_);
        if (!number) return std::nullopt;
        attr.value = *number;
        return attr;
      }
      case AttrType::kDouble: {
        const auto number = yaml::as_double(entry.value, what, diagnostics_);
        if (!number) return std::nullopt;
        attr.value = *number;
        return attr;
      }
      case AttrType::kBool: {
        const auto answer = yaml::as_bool(entry.value, what, diagnostics_);
        if (!answer) return std::nullopt;
        attr.value = *answer;
        return attr;
      }
    }
    return std::nullopt;
  }

  void check_word(const yaml::Node::Entry& entry, const AttrDeclaration& declared) {
    if (!entry.value.is_scalar()) {
      refuse(entry.value.place, "`" + entry.key + "` must be a text");
      return;
    }
    if (declared.values.empty()) return;
    const auto& words = declared.values;
    if (std::find(words.begin(), words.end(), entry.value.scalar) != words.end()) return;
    refuse(entry.value.place, "`" + entry.value.scalar + "` is not a value of `" + entry.key + "`",
           did_you_mean(entry.value.scalar, words));
  }

  const yaml::Node& node_;
  const Catalogue& catalogue_;
  Arena& arena_;
  Diagnostics& diagnostics_;
  Event event_;
};

}  // namespace

std::optional<Event> event_from_yaml(const yaml::Node& node, const Catalogue& catalogue,
                                     Arena& arena, Diagnostics& diagnostics) {
  return EventReader(node, catalogue, arena, diagnostics).read();
}

}  // namespace tocsin::rules
