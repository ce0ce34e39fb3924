#include "daemon/sink_channel.h"

#include <algorithm>

#include "daemon/alert_fields.h"
#include "daemon/tlp_policy.h"

namespace tocsin::daemon {
namespace {

constexpr uint32_t kMaxDoublings = 16;

std::vector<uint64_t> numbers_of(const std::vector<storage::OutboxEntry>& entries) {
  std::vector<uint64_t> numbers;
  for (const storage::OutboxEntry& entry : entries) numbers.push_back(entry.number);
  return numbers;
}

}  // namespace

SinkChannel::SinkChannel(storage::Store& store, std::unique_ptr<NotificationSink> sink,
                         const ChannelOptions& options, Metrics& metrics, Log& log)
    : store_(store),
      sink_(std::move(sink)),
      options_(options),
      metrics_(metrics),
      log_(log),
      random_(options.seed) {}

SinkStatus SinkChannel::status() const {
  const std::scoped_lock lock(mutex_);
  return {
      .name = sink_->name(), .depth = 0, .oldest = {}, .failures = failures_, .problem = problem_};
}

SinkChannel::Next SinkChannel::step(SteadyTime now) {
  if (now < due_) return Next::kLater;
  auto entries = store_.read_outbox(sink_->name(), sink_->batch_limit());
  if (!entries) return wait_after(entries.error(), now);
  if (entries->empty()) return Next::kWhenWoken;
  Sorted sorted = sort(std::move(*entries));
  metrics_.sink_handled(name(), SinkOutcome::kWithheld, sorted.withheld);
  metrics_.sink_handled(name(), SinkOutcome::kBelowLevel, sorted.below_level);
  if (!sorted.handled.empty() && !mark_done(sorted.handled, now)) return Next::kLater;
  if (sorted.send.empty()) return Next::kAtOnce;
  return deliver(std::move(sorted.send), sorted.redacted, now);
}

SinkChannel::Sorted SinkChannel::sort(std::vector<storage::OutboxEntry> entries) const {
  Sorted sorted;
  for (storage::OutboxEntry& entry : entries) {
    const auto fields = read_alert_fields(entry.json);
    if (fields && fields->tlp > options_.tlp_ceiling && options_.drop_above_ceiling) {
      ++sorted.withheld;
      sorted.handled.push_back(entry.number);
      continue;
    }
    if (fields && std::max(fields->level, fields->previous) < options_.min_level &&
        !has_reached_level(entry)) {
      ++sorted.below_level;
      sorted.handled.push_back(entry.number);
      continue;
    }
    if (fields && fields->tlp > options_.tlp_ceiling) {
      entry.json = limit_to_tlp(entry.json, *fields, options_.tlp_ceiling);
      ++sorted.redacted;
    }
    sorted.send.push_back(std::move(entry));
  }
  return sorted;
}

// Whether an earlier transition was told: then its end must be told too.
bool SinkChannel::has_reached_level(const storage::OutboxEntry& entry) const {
  if (entry.seq == 0) return false;
  const auto transitions = store_.read_alert(entry.alert);
  if (!transitions) return true;
  return std::any_of(transitions->begin(), transitions->end(), [&](const std::string& json) {
    const auto fields = read_alert_fields(json);
    return fields && fields->seq < entry.seq && fields->level >= options_.min_level;
  });
}

SinkChannel::Next SinkChannel::deliver(std::vector<storage::OutboxEntry> entries, uint64_t redacted,
                                       SteadyTime now) {
  Status status = attempt(entries);
  if (!status && status.error().code == ErrorCode::kInvalid && entries.size() > 1) {
    // One of them is refused: alone, only that one is.
    for (storage::OutboxEntry& entry : entries) {
      std::vector<storage::OutboxEntry> one;
      one.push_back(std::move(entry));
      if (deliver(std::move(one), 0, now) == Next::kLater) return Next::kLater;
    }
    return Next::kAtOnce;
  }
  if (!status && status.error().code != ErrorCode::kInvalid) {
    return wait_after(status.error(), now);
  }
  const auto outcome = status ? SinkOutcome::kDelivered : SinkOutcome::kRefused;
  if (!status) {
    log_.warn("a sink refuses an alert for good; it stays in the alert log",
              {{"sink", name()},
               {"alert", to_hex(entries.front().alert)},
               {"seq", std::to_string(entries.front().seq)},
               {"answer", status.error().message}});
    redacted = 0;
  }
  if (!mark_done(numbers_of(entries), now)) return Next::kLater;
  metrics_.sink_handled(name(), outcome, entries.size() - redacted);
  metrics_.sink_handled(name(), SinkOutcome::kRedacted, redacted);
  set_problem({}, /*failed=*/false);
  return Next::kAtOnce;
}

Status SinkChannel::attempt(const std::vector<storage::OutboxEntry>& entries) {
  const auto begin = std::chrono::steady_clock::now();
  Status status = sink_->deliver(entries);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  Delivery delivery = Delivery::kDelivered;
  if (!status) {
    delivery =
        status.error().code == ErrorCode::kInvalid ? Delivery::kRefused : Delivery::kUnavailable;
  }
  metrics_.delivery_attempted(name(), delivery, taken.count());
  return status;
}

bool SinkChannel::mark_done(const std::vector<uint64_t>& numbers, SteadyTime now) {
  const Status status = store_.done(name(), numbers);
  if (!status) wait_after(status.error(), now);
  return status.has_value();
}

SinkChannel::Next SinkChannel::wait_after(const Error& error, SteadyTime now) {
  uint32_t failures = 0;
  {
    const std::scoped_lock lock(mutex_);
    failures = failures_;
  }
  const auto doubled = options_.first_wait * (int64_t{1} << std::min(failures, kMaxDoublings));
  const auto wait = std::min<std::chrono::milliseconds>(doubled, options_.longest_wait);
  std::uniform_int_distribution<int64_t> jitter(wait.count() / 2, wait.count());
  due_ = now + std::chrono::milliseconds(jitter(random_));
  log_.warn_seldom("a sink cannot be reached; trying again",
                   {{"sink", name()}, {"problem", error.message}});
  set_problem(error.message, /*failed=*/true);
  return Next::kLater;
}

void SinkChannel::set_problem(std::string problem, bool failed) {
  const std::scoped_lock lock(mutex_);
  failures_ = failed ? failures_ + 1 : 0;
  problem_ = std::move(problem);
}

}  // namespace tocsin::daemon
