#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "rules/model/catalogue.h"
#include "rules/model/event.h"

namespace tocsin::testing {

inline constexpr EventTime kEpoch2020 = from_ms(1'577'836'800'000);  // 2020-01-01T00:00:00Z

inline EventTime day(double days) {
  return kEpoch2020 + Milliseconds(static_cast<int64_t>(days * 86'400'000.0));
}

// Makes events by name and keeps what they point to.
class EventBuilder {
 public:
  explicit EventBuilder(std::shared_ptr<const Catalogue> catalogue)
      : catalogue_(std::move(catalogue)) {}

  // The next event; its seq is its place. `value` NaN: none.
  Event& make(EventTime time, double value = 1.0, std::string_view region = "XA-1",
              std::string_view indicator = "violence.attack", std::string_view source = "desk",
              std::string id = {}) {
    Event event;
    if (id.empty()) id = "e" + std::to_string(events_.size() + 1);
    event.id = keep(std::move(id));
    event.time = time;
    event.time_end = time;
    event.value = value;
    event.tlp = Tlp::kGreen;
    event.region = catalogue_->find_region(region).value();
    event.indicator = catalogue_->find_indicator(indicator).value();
    event.source = catalogue_->find_source(source).value();
    events_.push_back(event);
    return events_.back();
  }
  // With one string attr.
  Event& with_attr(Event& event, std::string_view key, std::string text) {
    auto attrs = std::make_unique<Attr[]>(1);
    attrs[0].key = keep(std::string(key));
    attrs[0].slot = 0;
    attrs[0].value = keep(std::move(text));
    event.attrs = {attrs.get(), 1};
    attrs_.push_back(std::move(attrs));
    return event;
  }

  Event& with_actors(Event& event, const std::vector<std::string>& names) {
    auto actors = std::make_unique<std::string_view[]>(names.size());
    for (size_t i = 0; i < names.size(); ++i) actors[i] = keep(names[i]);
    event.actors = {actors.get(), names.size()};
    actors_.push_back(std::move(actors));
    return event;
  }

  JournalSeq last_seq() const { return events_.size(); }
  const std::deque<Event>& events() const { return events_; }

 private:
  std::string_view keep(std::string text) {
    texts_.push_back(std::move(text));
    return texts_.back();
  }

  std::shared_ptr<const Catalogue> catalogue_;
  std::deque<std::string> texts_;
  std::deque<std::unique_ptr<Attr[]>> attrs_;
  std::vector<std::unique_ptr<std::string_view[]>> actors_;
  std::deque<Event> events_;
};

}  // namespace tocsin::testing
