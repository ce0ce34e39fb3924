#include "rules/testing/event_plan.h"

#include <algorithm>
#include <string>

#include "rules/testing/event_from_yaml.h"

namespace tocsin::rules {

std::optional<EventTime> read_test_time(std::string_view text, EventTime start) {
  if (!text.starts_with('+')) return parse_time(text);
  const auto span = parse_span(text.substr(1));
  if (!span) return std::nullopt;
  return add(start, *span);
}

namespace {

// Copies of one item: the n-th is `every` after the one before.
struct Copies {
  int64_t count = 1;
  Milliseconds every{0};
};

// Of the first copy; all are as long.
struct Extent {
  EventTime from;
  std::optional<Milliseconds> length;
};

class Planner {
 public:
  Planner(EventTime start, const Catalogue& catalogue, Arena& arena, Diagnostics& diagnostics)
      : start_(start), catalogue_(catalogue), arena_(arena), diagnostics_(diagnostics) {}

  std::vector<ScheduledEvent> plan(const yaml::Node& items) {
    for (const yaml::Node& item : items.items) {
      ++item_;
      add_item(item);
    }
    std::stable_sort(
        plan_.begin(), plan_.end(),
        [](const ScheduledEvent& a, const ScheduledEvent& b) { return a.arrives < b.arrives; });
    return std::move(plan_);
  }

 private:
  void refuse(const yaml::Node& node, std::string message, std::string hint = {}) {
    diagnostics_.error("T0412", node.place, std::move(message), std::move(hint));
  }

  void add_item(const yaml::Node& item) {
    const yaml::Node* event = item.find("event");
    const yaml::Node* retract = item.find("retract");
    if ((event == nullptr) == (retract == nullptr)) {
      refuse(item, "an item of `events` holds either `event` or `retract`");
      return;
    }
    const EventTime at = time_of(item, "at").value_or(start_);
    const auto arrives = time_of(item, "arrives");
    if (retract != nullptr) {
      add_retractions(*retract, arrives.value_or(at));
      return;
    }
    const auto copies = copies_of(item);
    const auto content = event_from_yaml(*event, catalogue_, arena_, diagnostics_);
    const auto end = time_of(*event, "time_end");
    if (end && *end < at) refuse(*event->find("time_end"), "`time_end` is before `at`");
    if (!copies || !content) return;
    add_copies(*event, *content, *copies, {at, end ? std::optional(*end - at) : std::nullopt},
               arrives);
  }

  std::optional<EventTime> time_of(const yaml::Node& item, std::string_view key) {
    const yaml::Node* node = item.find(key);
    if (node == nullptr) return std::nullopt;
    const auto time = read_test_time(node->scalar, start_);
    if (!time) {
      refuse(*node,
             "`" + std::string(key) + "` must be `+3d` or RFC 3339, but is `" + node->scalar + "`");
    }
    return time;
  }

  std::optional<Copies> copies_of(const yaml::Node& item) {
    const yaml::Node* repeat = item.find("repeat");
    const yaml::Node* burst = item.find("burst");
    if (repeat != nullptr && burst != nullptr) {
      refuse(item, "`repeat` and `burst` cannot stand together");
      return std::nullopt;
    }
    if (repeat == nullptr && burst == nullptr) return Copies{};
    const yaml::Node& many = repeat != nullptr ? *repeat : *burst;
    const yaml::Node& number = *many.find(repeat != nullptr ? "times" : "count");
    const yaml::Node& length = *many.find(repeat != nullptr ? "every" : "over");
    const auto count = yaml::as_int(number, "the number", 1, 100'000, diagnostics_);
    const auto span = parse_span(length.scalar);
    if (!count || !span) return std::nullopt;
    return Copies{.count = *count, .every = repeat != nullptr ? span->exact : span->exact / *count};
  }

  void add_copies(const yaml::Node& node, const Event& content, const Copies& copies, Extent when,
                  std::optional<EventTime> arrives) {
    const yaml::Node* id = node.find("id");
    for (int64_t n = 1; n <= copies.count; ++n) {
      ScheduledEvent scheduled;
      scheduled.event = content;
      scheduled.event.time = when.from + copies.every * (n - 1);
      scheduled.event.time_end = scheduled.event.time + when.length.value_or(Milliseconds{0});
      scheduled.event.has_time_end = when.length.has_value();
      place_in_the_middle(scheduled.event);
      scheduled.event.id = id_of(id, n);
      scheduled.arrives = arrives.value_or(scheduled.event.time);
      scheduled.has_own_arrival = arrives.has_value();
      if (id != nullptr && copies.count > 1 && id->scalar.find("{n}") == std::string::npos) {
        refuse(*id, "all copies would have the same id", "put `{n}` into it");
        return;
      }
      plan_.push_back(scheduled);
    }
  }

  std::string_view id_of(const yaml::Node* id, int64_t n) {
    std::string text = id != nullptr ? id->scalar : "event-" + std::to_string(item_) + "-{n}";
    const size_t hole = text.find("{n}");
    if (hole != std::string::npos) text.replace(hole, 3, std::to_string(n));
    return arena_.copy(text);
  }

  void add_retractions(const yaml::Node& retract, EventTime arrives) {
    const auto source = catalogue_.find_source(retract.find("source")->scalar);
    for (const yaml::Node& id : retract.find("ids")->items) {
      const auto original =
          std::find_if(plan_.begin(), plan_.end(), [&](const ScheduledEvent& scheduled) {
            return scheduled.event.id == id.scalar && source == scheduled.event.source;
          });
      if (original == plan_.end()) {
        refuse(id, "nothing above has the id `" + id.scalar + "` from this source");
        continue;
      }
      ScheduledEvent scheduled = *original;
      scheduled.event.op = Operation::kRetract;
      ++scheduled.event.rev;
      scheduled.arrives = arrives;
      scheduled.has_own_arrival = true;
      plan_.push_back(scheduled);
    }
  }

  EventTime start_;
  const Catalogue& catalogue_;
  Arena& arena_;
  Diagnostics& diagnostics_;
  std::vector<ScheduledEvent> plan_;
  int item_ = 0;
};

}  // namespace

std::vector<ScheduledEvent> plan_events(const yaml::Node& items, EventTime start,
                                        const Catalogue& catalogue, Arena& arena,
                                        Diagnostics& diagnostics) {
  return Planner(start, catalogue, arena, diagnostics).plan(items);
}

}  // namespace tocsin::rules
