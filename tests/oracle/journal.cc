#include "tests/oracle/journal.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace tocsin::rules::oracle {

std::vector<SourceId> senders(const Catalogue& catalogue,
                              const std::optional<std::vector<IndicatorId>>& indicators) {
  std::vector<SourceId> found;
  for (size_t i = 0; i < catalogue.sources().size(); ++i) {
    const auto& sends = catalogue.sources()[i].indicators;
    const bool is_sender =
        !indicators || std::any_of(sends.begin(), sends.end(), [&](IndicatorId id) {
          return std::find(indicators->begin(), indicators->end(), id) != indicators->end();
        });
    if (is_sender) found.push_back(static_cast<SourceId>(i));
  }
  return found;
}

Journal::Journal(const Catalogue& catalogue, const std::vector<Delivery>& deliveries)
    : catalogue_(&catalogue) {
  for (size_t i = 0; i < deliveries.size(); ++i) {
    const Event& event = deliveries[i].event;
    const bool is_known =
        std::any_of(deliveries.begin(), deliveries.begin() + static_cast<std::ptrdiff_t>(i),
                    [&](const auto& d) {
                      return d.event.source == event.source && d.event.id == event.id &&
                             d.event.rev >= event.rev;
                    });
    if (is_known) {
      ++duplicates_;
      continue;
    }
    const Source& source = catalogue.source(event.source);
    const bool is_too_late = std::any_of(accepted_.begin(), accepted_.end(), [&](const Event& e) {
      return e.source == event.source &&
             event.time < e.time - source.lateness - source.correction_horizon;
    });
    if (is_too_late) {
      ++too_late_;
    } else {
      accepted_.push_back(event);
    }
  }
}

std::vector<EventTime> Journal::progress_of(const Rule& rule) const {
  std::vector<SourceId> feeds = senders(*catalogue_, rule.indicators);
  for (const SourceId read : senders(*catalogue_, rule.read_indicators)) feeds.push_back(read);
  std::map<SourceId, EventTime> reached;
  for (const SourceId feed : feeds) reached[feed] = kMinEventTime;
  std::vector<EventTime> progress;
  for (const Event& event : accepted_) {
    if (const auto found = reached.find(event.source); found != reached.end()) {
      const Milliseconds lateness =
          std::max(rule.lateness, catalogue_->source(event.source).lateness);
      found->second = std::max(found->second, event.time - lateness);
    }
    EventTime least = kMaxEventTime;
    for (const auto& [source, time] : reached) least = std::min(least, time);
    progress.push_back(least);
  }
  return progress;
}

std::vector<Seen> Journal::seen_by(const Rule& rule) const {
  const std::vector<EventTime> progress = progress_of(rule);
  std::vector<Seen> seen;
  for (size_t i = 0; i < accepted_.size(); ++i) {
    if (accepted_[i].op != Operation::kAssert) continue;
    seen.push_back({&accepted_[i], i + 1, progress[i]});
  }
  std::sort(seen.begin(), seen.end(), [](const Seen& a, const Seen& b) {
    return std::tie(a.event->time, a.event->source, a.event->id) <
           std::tie(b.event->time, b.event->source, b.event->id);
  });
  return seen;
}

std::optional<EventTime> Journal::first_of(const std::vector<SourceId>& sources) const {
  std::optional<EventTime> first;
  for (const Event& event : accepted_) {
    const bool is_theirs = std::find(sources.begin(), sources.end(), event.source) != sources.end();
    if (is_theirs && (!first || event.time < *first)) first = event.time;
  }
  return first;
}

std::string Journal::name_of(JournalSeq seq) const {
  const Event& event = accepted_.at(seq - 1);
  return catalogue_->source(event.source).name + "/" + std::string(event.id);
}

}  // namespace tocsin::rules::oracle
