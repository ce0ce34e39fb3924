#include "tests/oracle/group.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace tocsin::rules::oracle {

namespace {

constexpr const char* kLacking = "∅";

std::optional<std::string> part_of(const Catalogue& catalogue, const GroupKey& key,
                                   const Event& event) {
  switch (key.kind) {
    case GroupKey::Kind::kRegion: {
      const auto region = lifted(catalogue, event.region, key.level);
      return region ? std::optional(catalogue.region(*region).id) : std::nullopt;
    }
    case GroupKey::Kind::kSource:
      return catalogue.source(event.source).name;
    case GroupKey::Kind::kIndicator:
      return catalogue.indicator(event.indicator).name;
    case GroupKey::Kind::kAttr:
      for (const Attr& attr : event.attrs) {
        if (attr.key == key.attr) return std::string(std::get<std::string_view>(attr.value));
      }
      return std::nullopt;
    case GroupKey::Kind::kEach:
      return std::nullopt;  // none of its rules has it: tests/rules/each_test.cc
  }
  return std::nullopt;
}

}  // namespace

std::optional<RegionId> lifted(const Catalogue& catalogue, RegionId region, RegionLevel level) {
  if (catalogue.region(region).level < level) return std::nullopt;
  while (catalogue.region(region).level > level) region = catalogue.region(region).parent;
  return region;
}

std::optional<Key> key_of(const Catalogue& catalogue, const Rule& rule, const Event& event) {
  Key key;
  for (const GroupKey& part : rule.by) {
    const auto text = part_of(catalogue, part, event);
    if (!text && rule.missing_key == MissingKey::kDrop) return std::nullopt;
    key.push_back(text.value_or(kLacking));
  }
  return key;
}

std::optional<RegionId> region_of(const Catalogue& catalogue, const std::vector<GroupKey>& by,
                                  const Key& key) {
  for (size_t i = 0; i < by.size(); ++i) {
    if (by[i].kind == GroupKey::Kind::kRegion) return catalogue.find_region(key[i]);
  }
  return std::nullopt;
}

std::optional<Key> key_under(const Catalogue& catalogue, const std::vector<GroupKey>& by,
                             const Key& key, const std::vector<GroupKey>& wanted) {
  Key found;
  for (const GroupKey& part : wanted) {
    if (part.kind == GroupKey::Kind::kRegion) {
      const auto region = region_of(catalogue, by, key);
      const auto place = region ? lifted(catalogue, *region, part.level) : std::nullopt;
      if (!place) return std::nullopt;
      found.push_back(catalogue.region(*place).id);
      continue;
    }
    for (size_t i = 0; i < by.size(); ++i) {
      if (by[i].kind == part.kind && by[i].attr == part.attr) found.push_back(key[i]);
    }
  }
  return found;
}

bool is_true_of(const cel::Program& program, const Event& event) {
  Arena arena(4096);
  const cel::Outcome outcome = program.run(&event, {}, arena);
  return outcome.ok() && outcome.value.kind() == cel::Kind::kBool && outcome.value.boolean();
}

std::optional<double> number_of(const cel::Program& program, const Event& event) {
  Arena arena(4096);
  const cel::Outcome outcome = program.run(&event, {}, arena);
  if (!outcome.ok()) return std::nullopt;
  if (outcome.value.kind() == cel::Kind::kDouble) return outcome.value.real();
  if (outcome.value.kind() == cel::Kind::kInt) {
    return static_cast<double>(outcome.value.integer());
  }
  return std::nullopt;
}

Groups groups_of(const Case& of, const Rule& rule) {
  Groups groups;
  for (const Seen& seen : of.journal.seen_by(rule)) {
    if (rule.select && !is_true_of(*rule.select, *seen.event)) continue;
    const auto key = key_of(of.catalogue(), rule, *seen.event);
    if (key) groups[*key].push_back(seen);
  }
  return groups;
}

void sort_as_taken(std::vector<Seen>& events) {
  std::stable_sort(events.begin(), events.end(), [](const Seen& a, const Seen& b) {
    if (a.taken() != b.taken()) return a.taken() < b.taken();
    if (a.is_late() != b.is_late()) return a.is_late();
    return a.is_late() && a.seq < b.seq;  // the others are in order
  });
}

size_t first_pane_of(const std::vector<Seen>& events, const Ticks& ticks, size_t now,
                     size_t reach) {
  size_t first = now;
  size_t last = now;
  for (const Seen& seen : events) {
    if (!seen.counts_at(ticks[now])) continue;
    const size_t pane = ticks.up_to(seen.event->time);
    if (first == now || pane > last + 2 * reach) first = pane;
    last = pane;
  }
  return first;
}

Amount amount_of(const Measure& measure, const std::vector<Seen>& events) {
  if (measure.aggregate == AggregateKind::kCount && !measure.of) {
    return {static_cast<double>(events.size()), events.size()};
  }
  if (measure.aggregate == AggregateKind::kDistinct) {
    std::set<std::string> different;
    size_t values = 0;
    for (const Seen& seen : events) {
      Arena arena(4096);
      const cel::Outcome outcome = measure.of->run(seen.event, {}, arena);
      if (!outcome.ok() || outcome.value.kind() == cel::Kind::kNull) continue;
      different.insert(cel::to_json(outcome.value));
      ++values;
    }
    return {static_cast<double>(different.size()), values};
  }
  std::vector<double> numbers;
  for (const Seen& seen : events) {
    if (const auto number = number_of(*measure.of, *seen.event)) numbers.push_back(*number);
  }
  double sum = 0;
  for (const double number : numbers) sum += number;
  const auto n = static_cast<double>(numbers.size());
  switch (measure.aggregate) {
    case AggregateKind::kSum:
      return {sum, numbers.size()};
    case AggregateKind::kMean:
      if (numbers.empty() || numbers.size() < measure.min_n) return {std::nullopt, numbers.size()};
      return {sum / n, numbers.size()};
    case AggregateKind::kMin:
      if (numbers.empty()) return {};
      return {*std::min_element(numbers.begin(), numbers.end()), numbers.size()};
    case AggregateKind::kMax:
      if (numbers.empty()) return {};
      return {*std::max_element(numbers.begin(), numbers.end()), numbers.size()};
    default:
      return {n, numbers.size()};
  }
}

}  // namespace tocsin::rules::oracle
