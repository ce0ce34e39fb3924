#pragma once

#include <string>
#include <utility>
#include <vector>

#include "rules/cel/program.h"

namespace tocsin::cel {

// A catalogue of a few names and one event, for tests of expressions.
class SmallWorld {
 public:
  SmallWorld() : catalogue_(draft()) {
    attrs_ = {{"charged", 0, false},
              {"days_held", 1, int64_t{40}},
              {"form", 2, std::string_view("peaceful")},
              {"note", kUndeclaredAttr, std::string_view("Été à Gao")},
              {"nothing", kUndeclaredAttr, std::monostate()},
              {"share", 3, 0.25}};
    event_.id = "ev-1";
    event_.rev = 2;
    event_.source = *catalogue_.find_source("monitor-net");
    event_.indicator = *catalogue_.find_indicator("civic.protest");
    event_.region = *catalogue_.find_region("ML-7");
    event_.time = *parse_time("2026-03-01T13:45:30.250Z");
    event_.time_precision = TimePrecision::kDay;
    event_.value = 7.0;
    event_.confidence = 0.8;
    event_.actors = actors_;
    event_.tags = tags_;
    event_.attrs = attrs_;
  }
  SmallWorld(const SmallWorld&) = delete;
  SmallWorld& operator=(const SmallWorld&) = delete;

  const Catalogue& catalogue() const { return catalogue_; }
  Event& event() { return event_; }

  // `e`, lists, macros and three variables.
  Environment environment() {
    Environment environment;
    environment.catalogue = &catalogue_;
    environment.has_event = true;
    environment.variables = {{"people", Type::Tag::kDouble},
                             {"reports", Type::Tag::kInt},
                             {"at", Type::Tag::kTimestamp},
                             {"anything", Type::Tag::kDyn}};
    environment.lists = &lists_;
    environment.macros = &macros_;
    return environment;
  }
  // The values of the variables.
  std::vector<Value> values() const {
    return {Value::of_double(62.0), Value::of_int(3), Value::of_timestamp(1'772'400'000, 0),
            Value::of_string("text")};
  }

 private:
  static Catalogue draft() {
    Catalogue::Draft draft;
    Indicator protest;
    protest.name = "civic.protest";
    protest.attrs = {{"charged", AttrType::kBool, true, {}, 2},
                     {"days_held", AttrType::kInt, false, {}, 0},
                     {"form", AttrType::kString, true, {"peaceful", "riot"}, 2},
                     {"share", AttrType::kDouble, false, {}, 0}};
    Indicator battle;
    battle.name = "security.battle";
    battle.attrs = {{"dyad", AttrType::kString, true, {}, 50},
                    {"days_held", AttrType::kString, false, {}, 0}};
    Indicator raid;
    raid.name = "security.raid";
    draft.indicators = {protest, battle, raid};
    for (const char* name : {"monitor-net", "monitor-sms", "ucdp"}) {
      Catalogue::Draft::SourceDraft source;
      source.source.name = name;
      source.indicator_names = {"civic.protest", "security.battle", "security.raid"};
      draft.sources.push_back(source);
    }
    const auto add_region = [&](const char* id, RegionLevel level, const char* parent) {
      Region region;
      region.id = id;
      region.level = level;
      region.names["en"] = std::string_view(id) == "ML" ? "Mali" : id;
      if (level == RegionLevel::kCountry) region.iso3 = std::string(id) + "X";
      draft.regions.push_back({region, parent});
    };
    add_region("ML", RegionLevel::kCountry, "");
    add_region("ML-7", RegionLevel::kAdmin1, "ML");
    add_region("ML-7-GAO", RegionLevel::kAdmin2, "ML-7");
    add_region("NE", RegionLevel::kCountry, "");
    return Catalogue(std::move(draft));
  }

  Catalogue catalogue_;
  Event event_;
  std::vector<std::string_view> actors_{"army", "Union des jeunes"};
  std::vector<std::string_view> tags_{"verified", "urban"};
  std::vector<Attr> attrs_;
  std::map<std::string, std::vector<std::string>> lists_{
      {"state_forces", {"army", "police"}},
      {"many", {"a", "b", "c", "d", "e", "f", "g", "h", "army"}},
      {"sahel", {"ML", "NE"}}};
  std::map<std::string, Macro> macros_{
      {"lethal", {{}, "has(e.value) && e.value >= 1", {"macros.yaml", 3, 20}}},
      {"at_least", {{"n"}, "has(e.value) && e.value >= n", {"macros.yaml", 4, 20}}},
      {"some_actor", {{"wanted"}, "e.actors.exists(a, a == wanted)", {"macros.yaml", 5, 20}}},
      {"twice", {{}, "macro.lethal() && macro.lethal()", {"macros.yaml", 6, 20}}},
      {"ring", {{}, "macro.circle()", {"macros.yaml", 7, 20}}},
      {"circle", {{}, "macro.ring()", {"macros.yaml", 8, 20}}},
      {"broken", {{}, "1 +", {"macros.yaml", 9, 20}}}};
};

}  // namespace tocsin::cel
