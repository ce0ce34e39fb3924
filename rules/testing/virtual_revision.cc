#include <algorithm>
#include <tuple>

#include "rules/reconcile.h"
#include "rules/shard.h"
#include "rules/testing/virtual_engine.h"
#include "rules/touched.h"

// Corrections, retractions and late events in a test: what they change is decided anew from all
// that has arrived as it now stands, in order of time, and told against what was told before. As
// the daemon does it with its journal.
namespace tocsin::rules {
namespace {

// What is told an engine at a time; time itself before the events of that time.
struct Item {
  EventTime time{};
  bool is_event = false;
  SourceId source{};
  JournalSeq seq = 0;
  Event event{};
  bool is_advance = false;

  friend bool operator<(const Item& a, const Item& b) {
    return std::tie(a.time, a.is_event, a.source, a.event.id, a.seq) <
           std::tie(b.time, b.is_event, b.source, b.event.id, b.seq);
  }
};

}  // namespace

bool VirtualEngine::is_current(JournalSeq seq) const {
  const Event& event = journal_[seq - 1];
  const auto last = places_.find(id_of(event));
  return last->second.back() == seq && event.op != Operation::kRetract;
}

void VirtualEngine::feed_as_it_stands(Engine& engine, const Scope& scope,
                                      Engine::Transitions& out) const {
  std::vector<Item> items;
  for (JournalSeq seq = 1; seq <= journal_.size(); ++seq) {
    Event event = journal_[seq - 1];
    const bool counts = scope.regions[static_cast<size_t>(event.region)] &&
                        engine.looks_at(event) && is_current(seq);
    event.op = Operation::kAssert;
    items.push_back({event.time, counts, event.source, seq, event});
  }
  for (const auto& [source, to] : advances_) {
    items.push_back({to, false, source, 0, {}, /*is_advance=*/true});
  }
  for (const SourceId source : expected_) engine.expect_source(source);
  std::sort(items.begin(), items.end());
  for (const Item& item : items) {
    if (item.is_advance) {
      engine.advance(item.source, item.time, out);
    } else if (item.is_event) {
      engine.on_event(item.event, item.seq, out);
    } else {
      engine.on_time(item.source, item.time, partition_of(item.event), out);
    }
  }
  for (const SourceId source : ended_) engine.end_source(source, out);
  engine.reach(*engine_, out);
  if (engine_->finished() != kMinEventTime) engine.finish(engine_->finished(), out);
}

void VirtualEngine::revise(JournalSeq place) {
  Touched touched(*bundle_);
  for (const JournalSeq each : places_.at(id_of(journal_[place - 1]))) {
    const Event& event = journal_[each - 1];
    touched.add(event, place);
    if (event.time <= engine_->source_time(event.source).first) {
      touched.add_beginning(event.source, place);
    }
  }
  if (touched.empty()) return;
  const auto scope = std::make_shared<Scope>(touched.scope());
  EngineOptions options = options_;
  options.scope = scope;
  options.saved = nullptr;
  Engine rebuilt(bundle_, options);
  Engine::Transitions decided;
  feed_as_it_stands(rebuilt, *scope, decided);

  EventTime newest = kMinEventTime;
  for (const Event& event : journal_) newest = std::max(newest, event.time);
  Reconciled news = reconcile(
      told_, decided, *bundle_, [&](const GroupName& group) { return touched.contains(group); },
      [](const Rule&) { return kMinEventTime; }, touched.oldest(), newest);
  for (AlertTransition& transition : news.tell) {
    const GroupName group = group_of(transition, bundle_->raised_by(transition.rule));
    transition.cause = touched.cause_of(group);
    transition.tlp = std::max(transition.tlp, journal_[transition.cause - 1].tlp);
    const auto pin = news.pins.find(group);
    if (pin != news.pins.end()) pin->second.tlp = std::max(pin->second.tlp, transition.tlp);
  }
  rebuilt.pin(news.pins);
  engine_->take_over(rebuilt, [&](const Rule& rule, const std::vector<std::string>& key) {
    return touched.contains(rule, key);
  });
  fresh_ = std::move(news.tell);
  log_fresh();
}

}  // namespace tocsin::rules
