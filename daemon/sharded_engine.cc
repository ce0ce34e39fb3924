#include "daemon/sharded_engine.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <tuple>

#include "rules/alert_board.h"

namespace tocsin::daemon {

ShardedEngine::ShardedEngine(std::shared_ptr<const rules::Bundle> bundle,
                             rules::EngineOptions options, size_t shards, size_t state_memory)
    : catalogue_(bundle->catalogue),
      state_memory_(state_memory),
      sources_(catalogue_->sources().size()) {
  options.shard.of = static_cast<uint32_t>(std::max<size_t>(shards, 1));
  const std::string prefix = fmt::format("shard/{}/", options.shard.of);
  if (options.shard.of > 1) {
    above_ = std::make_unique<Shard>(bundle,
                                     rules::EngineOptions{.emit = options.emit,
                                                          .work = rules::Work::kAlerts,
                                                          .told_from = options.told_from,
                                                          .saved = options.saved},
                                     prefix + "above/");
    options.work = rules::Work::kEvents;
  }
  for (uint32_t i = 0; i < options.shard.of; ++i) {
    options.shard.index = i;
    shards_.push_back(std::make_unique<Shard>(bundle, options, fmt::format("{}{}/", prefix, i)));
  }
  for (uint32_t i = 1; i < shards_.size(); ++i) {
    shards_[i]->thread = std::thread([this, i] { work(i); });
    pthread_setname_np(shards_[i]->thread.native_handle(), fmt::format("toc-shard-{}", i).c_str());
  }
}

ShardedEngine::~ShardedEngine() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  round_begins_.notify_all();
  for (const auto& shard : shards_) {
    if (shard->thread.joinable()) shard->thread.join();
  }
}

void ShardedEngine::observe(SourceId source, EventTime time, uint16_t partition) {
  rules::SourceTime& known = sources_[static_cast<size_t>(source)];
  if (!known.partitions.knows(partition)) [[unlikely]]
    known.missed = decided_without(source, partition);
  known.partitions.observe(partition, time);
  known.newest = std::max(known.newest, time);
}

void ShardedEngine::on_event(const Event& event, JournalSeq seq, Transitions& out) {
  observe(event.source, event.time, rules::partition_of(event));
  if (shards_.size() == 1) {
    shards_[0]->engine.on_event(event, seq, out);
  } else {
    gathered_.push_back({event, seq});
  }
}

void ShardedEngine::evaluate(uint32_t index) {
  Shard& shard = *shards_[index];
  for (const Gathered& item : gathered_) {
    shard.engine.on_event(item.event, item.seq, shard.transitions);
  }
}

void ShardedEngine::work(uint32_t index) {
  uint64_t done = 0;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      round_begins_.wait(lock, [&] { return stopping_ || round_ != done; });
      if (stopping_) return;
      done = round_;
    }
    evaluate(index);
    {
      const std::scoped_lock lock(mutex_);
      --working_;
    }
    round_ends_.notify_one();
  }
}

void ShardedEngine::flush(Transitions& out) {
  if (gathered_.empty()) return;
  {
    const std::scoped_lock lock(mutex_);
    ++round_;
    working_ = shards_.size() - 1;
  }
  round_begins_.notify_all();
  evaluate(0);
  {
    std::unique_lock lock(mutex_);
    round_ends_.wait(lock, [&] { return working_ == 0; });
  }
  const size_t first = out.size();
  on_all([](Shard&) {}, out);
  hand_up_refusals();
  on_above(
      [this](rules::Engine& engine) {
        for (const Gathered& item : gathered_) engine.on_event(item.event, item.seq, above_out_);
      },
      out, first);
  gathered_.clear();
}

// A store that several shards read may have refused the same in each.
void ShardedEngine::hand_up_refusals() {
  if (above_ == nullptr) return;
  std::vector<rules::Refusal> all;
  for (const auto& shard : shards_) {
    const auto refusals = shard->engine.take_refusals();
    all.insert(all.end(), refusals.begin(), refusals.end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  above_->engine.on_refusals(all);
}

void ShardedEngine::on_above(const std::function<void(rules::Engine&)>& call, Transitions& out,
                             size_t first) {
  if (above_ == nullptr) return;
  above_->engine.on_alerts(std::span(out).subspan(first));
  call(above_->engine);
  std::move(above_out_.begin(), above_out_.end(), std::back_inserter(out));
  above_out_.clear();
  sort_from(out, first);
}

// Runs `call` on every shard and hands out what all of them have decided, in one order.
void ShardedEngine::on_all(const std::function<void(Shard&)>& call, Transitions& out) {
  const size_t first = out.size();
  for (const auto& shard : shards_) {
    call(*shard);
    std::move(shard->transitions.begin(), shard->transitions.end(), std::back_inserter(out));
    shard->transitions.clear();
  }
  sort_from(out, first);
}

void ShardedEngine::sort_from(Transitions& out, size_t first) const {
  if (shards_.size() > 1) rules::sort_transitions(out, first);
}

void ShardedEngine::expect_source(SourceId source, Transitions& out) {
  flush(out);
  on_all([&](Shard& shard) { shard.engine.expect_source(source); }, out);
  if (above_ != nullptr) above_->engine.expect_source(source);
}

void ShardedEngine::advance(SourceId source, EventTime to, Transitions& out) {
  flush(out);
  rules::SourceTime& known = sources_[static_cast<size_t>(source)];
  known.advanced = std::max(known.advanced, to);
  const size_t first = out.size();
  on_all([&](Shard& shard) { shard.engine.advance(source, to, shard.transitions); }, out);
  on_above([&](rules::Engine& engine) { engine.advance(source, to, above_out_); }, out, first);
}

void ShardedEngine::leave_partition(SourceId source, uint16_t partition, Transitions& out) {
  flush(out);
  sources_[static_cast<size_t>(source)].partitions.leave(partition);
  const size_t first = out.size();
  on_all([&](Shard& s) { s.engine.leave_partition(source, partition, s.transitions); }, out);
  on_above([&](rules::Engine& engine) { engine.leave_partition(source, partition, above_out_); },
           out, first);
}

void ShardedEngine::end_source(SourceId source, Transitions& out) {
  flush(out);
  const size_t first = out.size();
  on_all([&](Shard& shard) { shard.engine.end_source(source, shard.transitions); }, out);
  on_above([&](rules::Engine& engine) { engine.end_source(source, above_out_); }, out, first);
}

void ShardedEngine::finish(EventTime to, Transitions& out) {
  flush(out);
  const size_t first = out.size();
  on_all([&](Shard& shard) { shard.engine.finish(to, shard.transitions); }, out);
  on_above([&](rules::Engine& engine) { engine.finish(to, above_out_); }, out, first);
}

void ShardedEngine::activate(std::shared_ptr<const rules::Bundle> bundle, Transitions& ended,
                             Transitions& out) {
  flush(ended);
  Transitions begun;
  const size_t first = ended.size();
  on_all([&](Shard& shard) { shard.engine.activate(bundle, shard.transitions, begun); }, ended);
  if (above_ != nullptr) {
    // What has ended is numbered by the bundle before, what begins by the new one.
    Transitions ended_above;
    above_->engine.on_alerts(std::span(ended).subspan(first));
    above_->engine.activate(bundle, ended_above, above_out_);
    std::move(ended_above.begin(), ended_above.end(), std::back_inserter(ended));
    sort_from(ended, first);
    on_above([](rules::Engine&) {}, begun, 0);
  }
  sort_from(begun, 0);
  std::move(begun.begin(), begun.end(), std::back_inserter(out));
  catalogue_ = bundle->catalogue;
}

void ShardedEngine::take_over(rules::Engine& rebuilt, const rules::Engine::Takes& takes,
                              const std::map<rules::GroupName, rules::Pin>& pins) {
  rebuilt.pin(pins);
  for (const auto& shard : shards_) shard->engine.take_over(rebuilt, takes);
  if (above_ != nullptr) above_->engine.take_over(rebuilt, takes);
}

void ShardedEngine::bring_up(rules::Engine& rebuilt, Transitions& out) const {
  rebuilt.reach(shards_[0]->engine, out);  // all shards are equally far
  if (above_ != nullptr) rebuilt.reach(above_->engine, out);
}

void ShardedEngine::join(const rules::Engine& rebuilt, const std::set<std::string>& identities) {
  for (const auto& shard : shards_) shard->engine.join(rebuilt, identities);
  if (above_ != nullptr) above_->engine.join(rebuilt, identities);
}

void ShardedEngine::emit(rules::Emit emit) {
  for (const auto& shard : shards_) shard->engine.emit(emit);
  if (above_ != nullptr) above_->engine.emit(emit);
}

// Each engine as much as its part of all that is in memory, so that they share it as they need.
void ShardedEngine::cool() {
  const size_t resident = resident_bytes();
  if (resident <= state_memory_) return;
  const double left = static_cast<double>(state_memory_) / static_cast<double>(resident);
  for_each_engine([left](Shard& shard) {
    const auto own = static_cast<double>(shard.engine.resident_bytes());
    shard.engine.cool(static_cast<size_t>(own * left));
  });
}

void ShardedEngine::for_each_engine(const std::function<void(Shard&)>& call) const {
  for (const auto& shard : shards_) call(*shard);
  if (above_ != nullptr) call(*above_);
}

void ShardedEngine::save(
    const std::function<void(std::string_view key, std::string_view value)>& put) {
  cool();
  std::string key;
  for_each_engine([&](Shard& shard) {
    shard.engine.save([&](std::string_view name, std::string_view value) {
      key.assign(shard.saved.prefix());
      key.append(name);
      put(key, value);
    });
  });
}

bool ShardedEngine::restore(std::string_view key, std::string_view value) {
  bool is_whole = false;
  for_each_engine([&](Shard& shard) {
    if (!key.starts_with(shard.saved.prefix())) return;
    const std::string_view name = key.substr(shard.saved.prefix().size());
    is_whole = rules::Engine::is_whole(name, value);
    if (is_whole) shard.engine.restore(name, value);  // or it is of a rule that is another one now
  });
  // More may lie there than there is memory for.
  if (++restored_ % kRestoredBetweenCooling == 0) cool();
  return is_whole;
}

std::optional<Error> ShardedEngine::fault() const {
  std::optional<Error> first;
  for_each_engine([&first](const Shard& shard) {
    if (!first) first = shard.engine.fault();
  });
  return first;
}

void ShardedEngine::finish_restore() {
  const rules::Engine& engine = shards_[0]->engine;  // all shards know the same times
  for (size_t i = 0; i < sources_.size(); ++i) {
    sources_[i] = engine.source_time(static_cast<SourceId>(i));
  }
}

std::optional<EventTime> ShardedEngine::watermark(SourceId source) const {
  const rules::SourceTime& known = sources_[static_cast<size_t>(source)];
  if (!known.partitions.has_any()) return std::nullopt;
  return std::max(known.partitions.told() - catalogue_->source(source).lateness, known.advanced);
}

std::optional<EventTime> ShardedEngine::newest(SourceId source) const {
  const rules::SourceTime& known = sources_[static_cast<size_t>(source)];
  if (!known.partitions.has_any()) return std::nullopt;
  return known.newest;
}

std::vector<rules::RuleCounters> ShardedEngine::counters() const {
  std::vector<rules::RuleCounters> sums = shards_[0]->engine.counters();
  for (size_t i = 1; i < shards_.size() + (above_ == nullptr ? 0 : 1); ++i) {
    const auto& more = (i < shards_.size() ? shards_[i]->engine : above_->engine).counters();
    for (size_t r = 0; r < sums.size(); ++r) {
      sums[r].selected += more[r].selected;
      sums[r].excepted += more[r].excepted;
      sums[r].skipped += more[r].skipped;
      sums[r].missing_key += more[r].missing_key;
      sums[r].late += more[r].late;
      sums[r].overflow += more[r].overflow;
      sums[r].refused += more[r].refused;
      sums[r].refused_groups += more[r].refused_groups;
      sums[r].evaluations += more[r].evaluations;
      sums[r].evaluation_errors += more[r].evaluation_errors;
      sums[r].groups += more[r].groups;
      sums[r].warming += more[r].warming;
      sums[r].state_bytes += more[r].state_bytes;
      sums[r].cold_groups += more[r].cold_groups;
      sums[r].cold_bytes += more[r].cold_bytes;
      sums[r].cold_reads += more[r].cold_reads;
    }
  }
  return sums;
}

size_t ShardedEngine::state_bytes() const {
  size_t sum = 0;
  for_each_engine([&sum](const Shard& shard) { sum += shard.engine.state_bytes(); });
  return sum;
}

EventTime ShardedEngine::rule_watermark(RuleIndex rule) const {
  const rules::Engine& first = shards_[0]->engine;
  const bool is_above =
      above_ != nullptr && rules::is_over_alerts(first.bundle().rules[rule].kind());
  return (is_above ? above_->engine : first).rule_watermark(rule);
}

bool ShardedEngine::has_group(RuleIndex rule, const std::vector<std::string>& key) const {
  bool has = false;
  for_each_engine([&](const Shard& shard) { has = has || shard.engine.has_group(rule, key); });
  return has;
}

size_t ShardedEngine::resident_bytes() const {
  size_t sum = 0;
  for_each_engine([&sum](const Shard& shard) { sum += shard.engine.resident_bytes(); });
  return sum;
}

}  // namespace tocsin::daemon
