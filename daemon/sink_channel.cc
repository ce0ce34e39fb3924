#include "daemon/sink_channel.h"

#include <algorithm>
#include <map>

#include "daemon/heartbeat.h"

namespace tocsin::daemon {
namespace {

constexpr uint32_t kMaxDoublings = 16;
constexpr size_t kMostInDigest = 20'000;  // transitions

}  // namespace

SinkChannel::SinkChannel(storage::Store& store, std::shared_ptr<NotificationSink> sink,
                         const ChannelOptions& options, Metrics& metrics, Log& log)
    : store_(store),
      sink_(std::move(sink)),
      options_(options),
      filter_(options.filter, options.ids, store),
      metrics_(metrics),
      log_(log),
      random_(options.seed),
      downtime_(options.downtime) {
  if (downtime_) due_ = std::chrono::steady_clock::now() + options.digest_wait;
  metrics_.expect_sink(name());
}

SinkStatus SinkChannel::status() const {
  const std::scoped_lock lock(mutex_);
  return {
      .name = sink_->name(), .depth = 0, .oldest = {}, .failures = failures_, .problem = problem_};
}

SinkChannel::Next SinkChannel::step(SteadyTime now) {
  if (now < due_) return Next::kLater;
  if (downtime_) return send_digest(now);
  auto entries = store_.read_outbox(sink_->name(), sink_->batch_limit());
  if (!entries) return wait_after(entries.error(), now);
  if (entries->empty()) return Next::kWhenWoken;
  const auto sorted = sort(std::move(*entries));
  if (!sorted) return wait_after(sorted.error(), now);
  metrics_.sink_handled(name(), SinkOutcome::kWithheld, sorted->withheld);
  metrics_.sink_handled(name(), SinkOutcome::kBelowLevel, sorted->below_level);
  if (!sorted->handled.empty() && !mark_done(sorted->handled, now)) return Next::kLater;
  if (sorted->send.empty()) return Next::kAtOnce;
  return deliver(*sorted, now);
}

Result<SinkChannel::Sorted> SinkChannel::sort(std::vector<storage::OutboxEntry> entries) const {
  Sorted sorted;
  for (storage::OutboxEntry& entry : entries) {
    auto judged = filter_.judge(entry.alert, entry.seq, std::move(entry.json));
    if (!judged) return judged.error();
    switch (judged->fate) {
      case SinkFilter::Fate::kWithheld:
        ++sorted.withheld;
        break;
      case SinkFilter::Fate::kBelowLevel:
        ++sorted.below_level;
        break;
      case SinkFilter::Fate::kRedacted:
        ++sorted.redacted;
        break;
      case SinkFilter::Fate::kWhole:
        break;
    }
    if (judged->is_told()) {
      sorted.send.push_back(std::move(judged->notification));
      sorted.numbers.push_back(entry.number);
    } else {
      sorted.handled.push_back(entry.number);
    }
  }
  return sorted;
}

SinkChannel::Next SinkChannel::deliver(const Sorted& sorted, SteadyTime now) {
  const Status status = attempt(sorted.send);
  const bool is_refused = !status && status.error().code == ErrorCode::kInvalid;
  if (!status && !is_refused) return wait_after(status.error(), now);
  if (is_refused && sorted.send.size() > 1) return deliver_each(sorted, now);
  if (is_refused) {
    log_.warn("a sink refuses an alert for good; it stays in the alert log",
              {{"sink", name()},
               {"alert", sorted.send.front().id},
               {"seq", std::to_string(sorted.send.front().seq)},
               {"answer", status.error().message}});
  }
  if (!mark_done(sorted.numbers, now)) return Next::kLater;
  const uint64_t redacted = is_refused ? 0 : sorted.redacted;
  metrics_.sink_handled(name(), is_refused ? SinkOutcome::kRefused : SinkOutcome::kDelivered,
                        sorted.send.size() - redacted);
  metrics_.sink_handled(name(), SinkOutcome::kRedacted, redacted);
  set_problem({}, /*failed=*/false);
  return Next::kAtOnce;
}

// One of several is refused: alone, only that one is.
SinkChannel::Next SinkChannel::deliver_each(const Sorted& sorted, SteadyTime now) {
  for (size_t i = 0; i < sorted.send.size(); ++i) {
    Sorted one;
    one.send.push_back(sorted.send[i]);
    one.numbers.push_back(sorted.numbers[i]);
    if (deliver(one, now) == Next::kLater) return Next::kLater;
  }
  return Next::kAtOnce;
}

Status SinkChannel::attempt(const std::vector<Notification>& notifications) {
  const auto begin = std::chrono::steady_clock::now();
  Status status = sink_->deliver(notifications);
  count_attempt(status, begin);
  return status;
}

void SinkChannel::tick(SteadyTime now) {
  if (now < due_) return;
  const auto begin = std::chrono::steady_clock::now();
  const Result<bool> sent = sink_->tick();
  if (!sent) {
    count_attempt(sent.error(), begin);
    wait_after(sent.error(), now);
    return;
  }
  if (*sent) {
    count_attempt(Status::ok(), begin);
    set_problem({}, /*failed=*/false);
  }
  const bool is_due = options_.heartbeat_interval.count() > 0 && now >= heartbeat_due_;
  if (is_due && (!options_.is_judging || options_.is_judging())) send_heartbeat(now);
}

void SinkChannel::send_heartbeat(SteadyTime now) {
  const auto begin = std::chrono::steady_clock::now();
  const Status status = sink_->send_heartbeat(
      write_heartbeat({.instance = options_.instance,
                       .sink = name(),
                       .at = std::chrono::floor<Milliseconds>(std::chrono::system_clock::now()),
                       .interval = options_.heartbeat_interval}));
  count_attempt(status, begin);
  if (!status && status.error().code != ErrorCode::kInvalid) {
    wait_after(status.error(), now);
    return;
  }
  heartbeat_due_ = now + options_.heartbeat_interval;
  if (status) return set_problem({}, /*failed=*/false);
  // It is there and answers: alerts need not wait because of it.
  log_.warn_seldom("a sink refuses heartbeats; `heartbeat_interval: 0s` sends none",
                   {{"sink", name()}, {"answer", status.error().message}});
}

Result<SinkChannel::Past> SinkChannel::read_past() const {
  struct Episode {
    bool began = false;
    bool is_over = false;
    storage::OutboxEntry last;
    std::vector<uint64_t> numbers;
  };
  auto entries = store_.read_outbox(sink_->name(), kMostInDigest);
  if (!entries) return entries.error();
  std::map<Hash128, Episode> episodes;
  for (storage::OutboxEntry& entry : *entries) {
    const auto fields = read_alert_fields(entry.json);
    if (!fields) continue;  // it goes the way of all
    Episode& episode = episodes[entry.alert];
    if (episode.numbers.empty()) {
      episode.began = fields->action == Action::kFire && fields->starts_at >= downtime_->from;
    }
    episode.is_over = fields->is_end() && fields->ends_at && *fields->ends_at <= downtime_->to;
    episode.numbers.push_back(entry.number);
    episode.last = std::move(entry);
  }
  Past past;
  for (auto& [alert, episode] : episodes) {
    if (!episode.began || !episode.is_over) continue;
    auto judged = filter_.judge(alert, episode.last.seq, std::move(episode.last.json));
    if (!judged) return judged.error();
    if (!judged->is_told()) continue;
    const auto fields = read_alert_fields(judged->notification.json);
    if (!fields) return fields.error();
    past.alerts.push_back(*fields);
    past.numbers.insert(past.numbers.end(), episode.numbers.begin(), episode.numbers.end());
  }
  return past;
}

SinkChannel::Next SinkChannel::send_digest(SteadyTime now) {
  const auto past = read_past();
  if (!past) return wait_after(past.error(), now);
  if (!past->alerts.empty()) {
    const auto begin = std::chrono::steady_clock::now();
    const Status status = sink_->send_digest(write_digest({.instance = options_.instance,
                                                           .sink = name(),
                                                           .downtime = *downtime_,
                                                           .alerts = past->alerts}));
    const bool is_refused = !status && status.error().code == ErrorCode::kInvalid;
    if (!is_refused) count_attempt(status, begin);
    if (!status && !is_refused) return wait_after(status.error(), now);
    if (status) {
      if (!mark_done(past->numbers, now)) return Next::kLater;
      metrics_.sink_handled(name(), SinkOutcome::kDigest, past->numbers.size());
      set_problem({}, /*failed=*/false);
    }
  }
  downtime_.reset();  // a sink that refuses digests is sent each alert
  return Next::kAtOnce;
}

void SinkChannel::count_attempt(const Status& status, SteadyTime begin) {
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  Delivery delivery = Delivery::kDelivered;
  if (!status) {
    delivery =
        status.error().code == ErrorCode::kInvalid ? Delivery::kRefused : Delivery::kUnavailable;
  }
  metrics_.delivery_attempted(name(), delivery, taken.count());
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
                   {{"sink", name()},
                    {"problem", error.message},
                    {"hint",
                     "see to the other side, the network, or the credentials; what waits is kept "
                     "and sent in order"}});
  set_problem(error.message, /*failed=*/true);
  return Next::kLater;
}

void SinkChannel::set_problem(std::string problem, bool failed) {
  const std::scoped_lock lock(mutex_);
  failures_ = failed ? failures_ + 1 : 0;
  problem_ = std::move(problem);
}

}  // namespace tocsin::daemon
