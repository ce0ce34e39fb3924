#pragma once

#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "rules/model/catalogue.h"
#include "rules/model/event.h"

namespace tocsin::rules::oracle {

// An event as it comes in.
struct Delivery {
  Event event;
  EventTime arrives;
};

// What comes in under one seed: 150 to 300 events over 60 to 120 days, in bursts and alone, many of
// them at equal times and on the edges of panes, shuffled within the lateness of their sources.
//
// Some come twice. Some are corrected or retracted, a few of these before they came. With
// `has_late` every tenth comes days after its lateness is over.
class Stream {
 public:
  Stream(std::shared_ptr<const Catalogue> catalogue, uint32_t seed, bool has_late);

  const std::vector<Delivery>& deliveries() const { return deliveries_; }
  // Everything is complete up to here.
  EventTime end() const { return end_; }

 private:
  struct Burst {
    EventTime centre;
    Milliseconds spread{0};
    IndicatorId indicator{};
    RegionId region{};
  };

  uint32_t roll(uint32_t sides) { return static_cast<uint32_t>(random_() % sides); }
  bool chance(uint32_t percent) { return roll(100) < percent; }
  std::string_view keep(std::string text);
  IndicatorId any_indicator();
  RegionId any_region();
  EventTime any_time();
  void make_bursts();
  Event make_event();
  void place(Event& event);
  void set_value(Event& event);
  void set_attrs(Event& event);
  void set_precision(Event& event);
  void deliver(const Event& event, bool is_late);
  void correct(const Event& event, EventTime arrived);

  std::shared_ptr<const Catalogue> catalogue_;
  std::mt19937 random_;
  EventTime last_;  // no event is later
  EventTime end_;
  bool has_late_;
  std::vector<Burst> bursts_;
  std::vector<Delivery> deliveries_;
  std::vector<uint32_t> ids_;  // by source: both use the same numbers
  std::deque<std::string> texts_;
  std::deque<std::unique_ptr<Attr[]>> attrs_;
};

}  // namespace tocsin::rules::oracle
