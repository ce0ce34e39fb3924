#include "tests/oracle/stream.h"

#include <algorithm>
#include <cmath>

#include "tests/oracle/world.h"

namespace tocsin::rules::oracle {

namespace {

constexpr Milliseconds kHour = std::chrono::hours(1);
constexpr int64_t kDaysAfter = 30;  // in which what fires may come to its end

EventTime snapped(EventTime t, Milliseconds to) { return t - (t - kStart) % to.count(); }

}  // namespace

Stream::Stream(std::shared_ptr<const Catalogue> catalogue, uint32_t seed, bool has_late)
    : catalogue_(std::move(catalogue)),
      random_(seed),
      has_late_(has_late),
      ids_(catalogue_->sources().size(), 0) {
  last_ = kStart + (60 + roll(61)) * kDay;
  end_ = snapped(last_, kDay) + kDaysAfter * kDay;
  const uint32_t count = 150 + roll(151);
  make_bursts();
  for (uint32_t i = 0; i < count; ++i) deliver(make_event(), has_late_ && chance(10));
  std::stable_sort(deliveries_.begin(), deliveries_.end(),
                   [](const Delivery& a, const Delivery& b) { return a.arrives < b.arrives; });
}

std::string_view Stream::keep(std::string text) {
  texts_.push_back(std::move(text));
  return texts_.back();
}

IndicatorId Stream::any_indicator() {
  const uint32_t side = roll(10);
  const char* name = side < 6   ? "violence.attack"
                     : side < 8 ? "justice.inquiry"
                                : "exclusion.index";
  return *catalogue_->find_indicator(name);
}

RegionId Stream::any_region() {
  const uint32_t side = roll(20);
  const char* id = side < 7    ? "XA-1"
                   : side < 12 ? "XA-2"
                   : side < 17 ? "XB-1"
                   : side < 19 ? "XA"
                               : "XB";
  return *catalogue_->find_region(id);
}

EventTime Stream::any_time() {
  return kStart + Milliseconds(static_cast<int64_t>(random_()) % (last_ - kStart).count());
}

void Stream::make_bursts() {
  const uint32_t count = 6 + roll(5);
  for (uint32_t i = 0; i < count; ++i) {
    bursts_.push_back({any_time(), (1 + roll(4)) * kDay, any_indicator(), any_region()});
  }
}

Event Stream::make_event() {
  Event event;
  place(event);
  const bool is_index = event.indicator == *catalogue_->find_indicator("exclusion.index");
  event.source = *catalogue_->find_source(is_index || chance(40) ? "monitor" : "desk");
  event.id = keep("e" + std::to_string(++ids_[static_cast<size_t>(event.source)]));
  const uint32_t side = roll(60);  // few are restricted: else every alert is
  event.tlp = static_cast<Tlp>(side < 4 ? side + 1 : 0);
  set_value(event);
  if (!is_index) set_attrs(event);
  if (!is_index) set_precision(event);
  return event;
}

void Stream::place(Event& event) {
  event.indicator = any_indicator();
  event.region = any_region();
  EventTime time = any_time();
  if (chance(60)) {
    const Burst& burst = bursts_[roll(static_cast<uint32_t>(bursts_.size()))];
    const int64_t spread = burst.spread.count();
    const int64_t off = static_cast<int64_t>(random_()) % (2 * spread) - spread;
    time = burst.centre + Milliseconds(off);
    event.indicator = burst.indicator;
    event.region = burst.region;
  }
  // On the edge of a day, at an hour that others share, or at a moment of its own.
  const uint32_t side = roll(10);
  if (side < 8) time = snapped(time, side < 1 ? kDay : side < 5 ? 6 * kHour : kHour);
  event.time = std::clamp(time, kStart, last_);
  event.time_end = event.time;
}

// Values are quarters and sixty-fourths, which add up exactly.
void Stream::set_value(Event& event) {
  const std::string& name = catalogue_->indicator(event.indicator).name;
  if (name == "violence.attack" && !chance(10)) event.value = static_cast<double>(roll(21)) / 4;
  if (name == "justice.inquiry" && chance(50)) event.value = 1;
  if (name != "exclusion.index") return;
  const double days = static_cast<double>((event.time - kStart).count()) / 864e5;
  const double phase = static_cast<double>(event.region);
  const double level = 0.5 + 0.4 * std::sin(days / 4 + phase) + 0.01 * (roll(21) - 10.0);
  event.value = std::round(64 * std::clamp(level, 0.0, 1.0)) / 64;
}

void Stream::set_attrs(Event& event) {
  auto attrs = std::make_unique<Attr[]>(2);
  size_t count = 0;
  const auto& declared = catalogue_->indicator(event.indicator).attrs;
  for (uint16_t slot = 0; slot < declared.size(); ++slot) {
    const bool is_side = declared[slot].name == "side";
    if (chance(is_side ? 5 : 12)) continue;  // absent
    attrs[count].key = declared[slot].name;
    attrs[count].slot = slot;
    attrs[count].value =
        keep(is_side ? "s" + std::to_string(roll(3)) : "m" + std::to_string(roll(9)));
    ++count;
  }
  event.attrs = {attrs.get(), count};
  attrs_.push_back(std::move(attrs));
}

void Stream::set_precision(Event& event) {
  const uint32_t side = roll(100);
  if (side < 5) event.time_precision = TimePrecision::kWeek;
  if (side == 5) event.time_precision = TimePrecision::kMonth;
  if (side >= 6 && side < 20) event.time_precision = TimePrecision::kDay;
  if (side >= 3 && side < 8) {
    event.has_time_end = true;
    event.time_end = event.time + (1 + roll(4)) * kDay;
    if (event.time_end <= last_) place_in_the_middle(event);
  }
}

void Stream::deliver(const Event& event, bool is_late) {
  const Milliseconds lateness = catalogue_->source(event.source).lateness;
  EventTime arrives = event.time + lateness * (roll(1000)) / 1001;
  if (is_late) arrives = event.time + lateness + (1 + roll(14)) * kDay;
  deliveries_.push_back({event, arrives});
  if (chance(8)) deliveries_.push_back({event, arrives + roll(20) * kDay});
  if (chance(6)) correct(event, arrives);
}

// Its own time is that of the event, or of when it comes, which moves its source's time on.
void Stream::correct(const Event& event, EventTime arrived) {
  Event correction = event;
  correction.rev = 1;
  correction.op = chance(50) ? Operation::kCorrect : Operation::kRetract;
  correction.value = 4;
  const EventTime arrives =
      std::max(event.time, arrived - kDay +
                               Milliseconds(static_cast<int64_t>(random_()) % (15 * kDay).count()));
  if (chance(50)) {
    correction.time = std::min(arrives, last_);
    correction.placed_after = {};
  }
  correction.time_end = std::max(correction.time, event.time_end);
  deliveries_.push_back({correction, arrives});
}

}  // namespace tocsin::rules::oracle
