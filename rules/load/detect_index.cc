#include <algorithm>

#include "rules/load/detect.h"
#include "rules/load/signal_registry.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

// Parts that read their events themselves, and parts that read a signal.
class PartCompiler {
 public:
  PartCompiler(RuleScope& scope, const yaml::Node::Entry& entry, bool is_protective)
      : scope_(scope), node_(entry.value) {
    part_.name = entry.key;
    part_.is_protective = is_protective;
  }

  std::optional<IndexPart> compile() {
    const yaml::Node* events = node_.find("events");
    const yaml::Node* signal = node_.find("signal");
    if ((events == nullptr) == (signal == nullptr)) {
      refuse(node_.place, "`" + part_.name + "` needs either `events` or `signal`",
             "`events: 'e.indicator == …'` with `half_life`, or `signal: NAME`");
      return std::nullopt;
    }
    const bool good = events != nullptr ? read_events(*events) : read_signal(*signal);
    read_weight();
    if (!read_scale() || !good || is_refused_) return std::nullopt;
    return std::move(part_);
  }

 private:
  void refuse(const Place& place, std::string message, std::string hint = {}) {
    scope_.error("T0378", place, std::move(message), std::move(hint));
    is_refused_ = true;
  }

  void only_with(const char* key, const char* other) {
    if (const yaml::Node* found = node_.find(key)) {
      refuse(found->place, "`" + std::string(key) + "` goes with `" + other + "` only");
    }
  }

  bool read_events(const yaml::Node& events) {
    only_with("stale", "signal");
    part_.events = scope_.predicate(events, "`events`", scope_.event_environment());
    const auto half_life = exact_at(node_, "half_life");
    if (!half_life && node_.find("half_life") == nullptr) {
      refuse(node_.place, "`" + part_.name + "` lacks `half_life`",
             "how long until an event counts half: `half_life: 30d`");
    }
    part_.half_life = half_life.value_or(part_.half_life);
    if (!part_.events) return false;
    const yaml::Node* of = node_.find("of");
    if (of == nullptr) return true;
    part_.of = scope_.number(*of, "`of`", value_environment(scope_, *part_.events));
    return part_.of.has_value();
  }

  bool read_signal(const yaml::Node& signal) {
    only_with("of", "events");
    only_with("half_life", "events");
    if (!signal.is_scalar()) return false;
    SignalUse use;
    use.name = signal.scalar;
    if (const auto stale = text_at(node_, "stale")) {
      use.hold = parse_hold(*stale);
      if (!use.hold) {
        refuse(node_.find("stale")->place, "`stale` cannot be `" + *stale + "`",
               "hold(400d): the last value counts for so long");
      }
    }
    const auto at = scope_.use_signal(std::move(use), signal.place);
    if (at) part_.signal = *at;
    return at.has_value();
  }

  void read_weight() {
    part_.weight = number_at(node_, "weight").value_or(1);
    if (part_.weight <= 0 || part_.weight > 1e6) {
      refuse(node_.find("weight")->place, "`weight` must be above 0");
    }
    part_.critical = number_at(node_, "critical");
    if (!part_.critical) return;
    const Place& place = node_.find("critical")->place;
    if (part_.is_protective) refuse(place, "`critical` is of what drives the risk");
    if (*part_.critical <= 0 || *part_.critical > 1) {
      refuse(place, "`critical` is of the scaled value: above 0, at most 1");
    }
  }

  bool read_scale() {
    const yaml::Node* node = node_.find("scale");
    if (node == nullptr || !node->is_mapping()) return false;  // told by the shape
    Scale& scale = part_.scale;
    const auto unit = number_at(*node, "log");
    const auto full = number_at(*node, "full");
    const auto from = number_at(*node, "from");
    const auto to = number_at(*node, "to");
    scale.is_log = unit.has_value();
    const bool is_whole = scale.is_log ? full && !from && !to : from && to && !full;
    if (!is_whole) {
      refuse(node->place, "`scale` is along a line or by the logarithm",
             "`{from: 20, to: 80}`, or `{log: 1, full: 100}`");
      return false;
    }
    if (scale.is_log && !(*unit > 0 && *full > 0)) {
      refuse(node->place, "`log` and `full` must be above 0");
    } else if (!scale.is_log && *from == *to) {
      refuse(node->place, "`from` and `to` are the same");
    }
    scale.unit = unit.value_or(1);
    scale.full = full.value_or(1);
    scale.from = from.value_or(0);
    scale.to = to.value_or(1);
    return true;
  }

  RuleScope& scope_;
  const yaml::Node& node_;
  IndexPart part_;
  bool is_refused_ = false;
};

bool is_share(double number) { return number > 0 && number <= 1; }

bool is_known_part(const IndexDetect& index, const std::string& name) {
  return std::any_of(index.parts.begin(), index.parts.end(), [&](const IndexPart& part) {
    return !part.is_protective && part.name == name;
  });
}

// `protective`: parts, and beside them `max_relief`.
bool read_protective(RuleScope& scope, const yaml::Node& node, IndexDetect& index) {
  bool good = true;
  for (const auto& entry : node.entries) {
    if (entry.value.is_mapping()) {
      auto part = PartCompiler(scope, entry, true).compile();
      good = good && part.has_value();
      if (part) index.parts.push_back(std::move(*part));
      if (is_known_part(index, entry.key)) {
        scope.error("T0378", entry.key_place,
                    "`" + entry.key + "` is a component already: a part drives or protects");
        good = false;
      }
    } else if (entry.key != "max_relief") {
      scope.error("T0378", entry.key_place, "`" + entry.key + "` is no part with its own keys",
                  "did you mean `max_relief`? Every other key here is a part");
      good = false;
    }
  }
  if (!good) return false;
  if (std::none_of(index.parts.begin(), index.parts.end(),
                   [](const IndexPart& part) { return part.is_protective; })) {
    scope.error("T0378", node.place, "`protective` has no part",
                "leave it out, or name what protects");
    return false;
  }
  const auto relief = number_at(node, "max_relief");
  if (!relief || !is_share(*relief)) {
    scope.error("T0378", relief ? node.find("max_relief")->place : node.place,
                "`protective` needs `max_relief`, above 0 and at most 1",
                "the share of the risk that protection takes off at most: `max_relief: 0.35`");
    return false;
  }
  index.max_relief = *relief;
  return good;
}

bool read_combine(RuleScope& scope, const yaml::Node& detect, IndexDetect& index) {
  const std::string word = text_at(detect, "combine").value_or("weighted_mean");
  index.combine = word == "noisy_or"    ? Combine::kNoisyOr
                  : word == "geometric" ? Combine::kGeometric
                                        : Combine::kWeightedMean;
  index.coverage = number_at(detect, "coverage").value_or(0);
  if (index.coverage < 0 || index.coverage > 1) {
    scope.error("T0378", detect.find("coverage")->place, "`coverage` is a share, from 0 to 1");
    return false;
  }
  if (index.combine != Combine::kNoisyOr) return true;
  for (const IndexPart& part : index.parts) {
    if (part.is_protective || part.weight <= 1) continue;
    scope.error(
        "T0378", detect.find("combine")->place,
        "under `noisy_or` the weights are probabilities, and `" + part.name + "` has more than 1");
    return false;
  }
  return true;
}

}  // namespace

std::optional<Detect> compile_index(RuleScope& scope, const yaml::Node& detect) {
  const yaml::Node* components = detect.find("components");
  IndexDetect index;
  index.every = span_at(detect, "every").value_or(Span{});
  if (components == nullptr || index.every.is_zero()) return std::nullopt;
  bool good = true;
  for (const auto& entry : components->entries) {
    if (!entry.value.is_mapping()) return std::nullopt;
    auto part = PartCompiler(scope, entry, false).compile();
    good = good && part.has_value();
    if (part) index.parts.push_back(std::move(*part));
  }
  if (const yaml::Node* protective = detect.find("protective")) {
    good = read_protective(scope, *protective, index) && good;
  }
  good = read_combine(scope, detect, index) && good;
  if (!good) return std::nullopt;
  std::sort(index.parts.begin(), index.parts.end(), [](const IndexPart& a, const IndexPart& b) {
    return std::tie(a.is_protective, a.name) < std::tie(b.is_protective, b.name);
  });
  return index;
}

}  // namespace tocsin::rules
