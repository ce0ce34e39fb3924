#include "rules/model/catalogue.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "rules/model/check.h"

namespace tocsin {

Catalogue::Catalogue(Draft draft) {
  const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
  std::sort(draft.indicators.begin(), draft.indicators.end(), by_name);
  std::sort(draft.sources.begin(), draft.sources.end(),
            [](const auto& a, const auto& b) { return a.source.name < b.source.name; });
  std::sort(draft.regions.begin(), draft.regions.end(),
            [](const auto& a, const auto& b) { return a.region.id < b.region.id; });

  indicators_ = std::move(draft.indicators);
  TOCSIN_CHECK(indicators_.size() < std::numeric_limits<uint16_t>::max());
  for (size_t i = 0; i < indicators_.size(); ++i) {
    indicator_index_.emplace(indicators_[i].name, static_cast<IndicatorId>(i));
  }

  sources_of_.resize(indicators_.size());
  for (size_t i = 0; i < draft.sources.size(); ++i) {
    const auto id = static_cast<SourceId>(i);
    Source source = std::move(draft.sources[i].source);
    source.indicators.clear();
    for (const std::string& name : draft.sources[i].indicator_names) {
      const auto indicator = find_indicator(name);
      TOCSIN_CHECK(indicator.has_value());
      source.indicators.push_back(*indicator);
    }
    std::sort(source.indicators.begin(), source.indicators.end());
    source.indicators.erase(std::unique(source.indicators.begin(), source.indicators.end()),
                            source.indicators.end());
    for (const IndicatorId indicator : source.indicators) {
      sources_of_[static_cast<size_t>(indicator)].push_back(id);
    }
    source_index_.emplace(source.name, id);
    sources_.push_back(std::move(source));
  }

  for (size_t i = 0; i < draft.regions.size(); ++i) {
    const auto id = static_cast<RegionId>(i);
    region_index_.emplace(draft.regions[i].region.id, id);
    regions_.push_back(std::move(draft.regions[i].region));
  }
  for (size_t i = 0; i < regions_.size(); ++i) {
    Region& region = regions_[i];
    if (!region.iso3.empty()) region_index_.emplace(region.iso3, static_cast<RegionId>(i));
    const std::string& parent = draft.regions[i].parent_id;
    region.parent = parent.empty() ? static_cast<RegionId>(i) : find_region(parent).value();
  }
  for (size_t i = 0; i < regions_.size(); ++i) {
    auto at = static_cast<RegionId>(i);
    int depth = 0;
    while (region(at).parent != at) {
      at = region(at).parent;
      TOCSIN_CHECK(++depth <= 2);  // country, admin1, admin2
    }
    regions_[i].country = at;
    regions_[i].level = static_cast<RegionLevel>(depth);
  }

  neighbours_.resize(regions_.size());
  for (const auto& [from, to] : draft.borders) {
    neighbours_[static_cast<size_t>(find_region(from).value())].push_back(find_region(to).value());
  }
  for (auto& list : neighbours_) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }

  for (Draft::CalendarDraft& drafted : draft.calendars) {
    Calendar& calendar = calendars_.emplace_back(std::move(drafted.calendar));
    for (size_t i = 0; i < drafted.regions.size(); ++i) {
      if (!drafted.regions[i].empty()) {
        calendar.entries[i].region = find_region(drafted.regions[i]).value();
      }
    }
    std::sort(calendar.entries.begin(), calendar.entries.end(), [](const auto& a, const auto& b) {
      return std::tie(a.region, a.from, a.to) < std::tie(b.region, b.from, b.to);
    });
    const CalendarEntry* before = nullptr;
    for (CalendarEntry& entry : calendar.entries) {
      const bool is_first = before == nullptr || before->region != entry.region;
      entry.latest_to = is_first ? entry.to : std::max(entry.to, before->latest_to);
      before = &entry;
    }
  }
  std::sort(calendars_.begin(), calendars_.end(), by_name);
}

std::optional<IndicatorId> Catalogue::find_indicator(std::string_view name) const {
  const auto found = indicator_index_.find(name);
  if (found == indicator_index_.end()) return std::nullopt;
  return found->second;
}

std::optional<SourceId> Catalogue::find_source(std::string_view name) const {
  const auto found = source_index_.find(name);
  if (found == source_index_.end()) return std::nullopt;
  return found->second;
}

std::optional<RegionId> Catalogue::find_region(std::string_view id) const {
  const auto found = region_index_.find(id);
  if (found == region_index_.end()) return std::nullopt;
  return found->second;
}

const Calendar* Catalogue::find_calendar(std::string_view name) const {
  const auto found = std::lower_bound(
      calendars_.begin(), calendars_.end(), name,
      [](const Calendar& calendar, std::string_view wanted) { return calendar.name < wanted; });
  return found == calendars_.end() || found->name != name ? nullptr : &*found;
}

bool Catalogue::is_in_calendar(const Calendar& calendar, EventTime time, RegionId inner,
                               Milliseconds before) const {
  if (calendar.valid_until && time >= *calendar.valid_until) return false;
  const auto& entries = calendar.entries;
  const auto is_in = [&](std::optional<RegionId> region) {
    auto entry = std::upper_bound(entries.begin(), entries.end(), std::pair(region, time + before),
                                  [](const auto& wanted, const CalendarEntry& e) {
                                    return wanted < std::pair(e.region, e.from);
                                  });
    while (entry != entries.begin() && (--entry)->region == region && entry->latest_to > time) {
      if (entry->to > time) return true;
    }
    return false;
  };
  if (is_in(std::nullopt)) return true;
  while (!is_in(inner)) {
    const RegionId parent = region(inner).parent;
    if (parent == inner) return false;
    inner = parent;
  }
  return true;
}

bool Catalogue::is_within(RegionId inner, RegionId outer) const {
  while (inner != outer) {
    const RegionId parent = region(inner).parent;
    if (parent == inner) return false;
    inner = parent;
  }
  return true;
}

const std::vector<RegionId>& Catalogue::neighbours(RegionId country) const {
  return neighbours_[static_cast<size_t>(country)];
}

std::optional<RegionId> Catalogue::lift(RegionId id, RegionLevel level) const {
  if (region(id).level < level) return std::nullopt;
  while (region(id).level > level) id = region(id).parent;
  return id;
}

std::string_view Catalogue::region_name(RegionId id, std::string_view language) const {
  const Region& r = region(id);
  for (const std::string_view wanted : {language, std::string_view("en")}) {
    const auto found = r.names.find(std::string(wanted));
    if (found != r.names.end() && !found->second.empty()) return found->second;
  }
  return r.id;
}

const std::vector<SourceId>& Catalogue::sources_of(IndicatorId indicator) const {
  return sources_of_[static_cast<size_t>(indicator)];
}

namespace {

// Levenshtein distance, given up above `limit`.
size_t edit_distance(std::string_view a, std::string_view b, size_t limit) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > limit) return limit + 1;
  std::vector<size_t> row(a.size() + 1);
  for (size_t i = 0; i <= a.size(); ++i) row[i] = i;
  for (size_t j = 1; j <= b.size(); ++j) {
    size_t diagonal = row[0];
    row[0] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[i];
      row[i] = std::min({replaced, row[i] + 1, row[i - 1] + 1});
    }
  }
  return row[a.size()];
}

}  // namespace

std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates) {
  size_t best = std::max<size_t>(1, word.size() / 3);
  std::string nearest;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(word, candidate, best);
    if (distance < best || (distance == best && nearest.empty())) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace tocsin
