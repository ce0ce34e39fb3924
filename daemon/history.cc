#include "daemon/history.h"

#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>
#include <tuple>

namespace tocsin::daemon {
namespace {

constexpr size_t kMaxProblemsKept = 20;
constexpr uint64_t kCommitEvery = 50'000;
constexpr uint64_t kProgressEvery = 4096;

uint64_t total(const std::map<std::string, uint64_t, std::less<>>& counts) {
  uint64_t sum = 0;
  for (const auto& [reason, count] : counts) sum += count;
  return sum;
}

Result<std::unique_ptr<std::string>> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return unavailable(fmt::format("read {}: {}", path, std::strerror(errno)));
  auto content = std::make_unique<std::string>();
  const auto size = static_cast<size_t>(file.tellg());
  content->resize(size + ingest::kPadding);
  file.seekg(0);
  if (!file.read(content->data(), static_cast<std::streamsize>(size))) {
    return unavailable(fmt::format("read {}: {}", path, std::strerror(errno)));
  }
  return content;
}

}  // namespace

uint64_t InputCounts::skipped_total() const { return total(skipped); }
uint64_t InputCounts::rejected_total() const { return total(rejected); }

// Takes a decoder's records into the history.
class HistoryReader : public ingest::DecodedSink {
 public:
  HistoryReader(History& history, InputCounts& counts, uint32_t input)
      : history_(history), counts_(counts), input_(input) {}

  void on_record(const ingest::Decoded& record) override {
    switch (record.verdict) {
      case ingest::Verdict::kEvent:
        ++counts_.events;
        // A row of a mapping may give several events: they follow one another.
        if (record.position != last_position_) {
          ++counts_.with_events;
          ++counts_.records;
          last_position_ = record.position;
        }
        history_.events_.push_back({record.event, record.position, input_, record.raw});
        return;
      case ingest::Verdict::kSkip:
        ++counts_.records;
        ++counts_.skipped[std::string(record.reason)];
        return;
      case ingest::Verdict::kReject:
        // A row that was rejected in part counts as rejected; its events stay.
        if (record.position == last_position_) {
          --counts_.with_events;
        } else {
          ++counts_.records;
        }
        ++counts_.rejected[std::string(record.reason)];
        if (counts_.problems.size() < kMaxProblemsKept) {
          counts_.problems.push_back(
              {record.position, std::string(record.reason), std::string(record.message)});
        }
        return;
    }
  }

 private:
  History& history_;
  InputCounts& counts_;
  uint32_t input_;
  int64_t last_position_ = -1;
};

Status History::read(const std::string& name, const std::string& path,
                     std::unique_ptr<ingest::RecordDecoder> decoder) {
  Result<std::unique_ptr<std::string>> content = read_file(path);
  if (!content) return content.error();
  contents_.push_back(std::move(*content));
  const std::string_view bytes(contents_.back()->data(),
                               contents_.back()->size() - ingest::kPadding);
  InputCounts counts;
  counts.name = name;
  HistoryReader reader(*this, counts, static_cast<uint32_t>(inputs_.size()));
  decoder->decode(bytes, 1, arena_, reader);
  decoders_.push_back(std::move(decoder));
  inputs_.push_back(std::move(counts));
  return Status::ok();
}

void History::settle() {
  struct Standing {
    const Entry* last;
    bool is_revised;
  };
  absl::flat_hash_map<std::pair<SourceId, std::string_view>, Standing> standing;
  standing.reserve(events_.size());
  const auto key_of = [](const Event& event) { return std::pair(event.source, event.id); };
  for (const Entry& entry : events_) {
    const Event& event = entry.event;
    Standing& of = standing.try_emplace(key_of(event), Standing{&entry, false}).first->second;
    if (event.op != Operation::kAssert || event.rev != of.last->event.rev) of.is_revised = true;
    if (event.rev > of.last->event.rev) of.last = &entry;
  }
  std::vector<Entry> kept;
  kept.reserve(events_.size());
  for (const Entry& entry : events_) {
    const Standing& of = standing.at(key_of(entry.event));
    if (of.is_revised && of.last->event.op == Operation::kRetract) {
      ++retracted_;
    } else if (of.is_revised && of.last != &entry) {
      ++superseded_;
    } else {
      kept.push_back(entry);
      kept.back().event.op = Operation::kAssert;
    }
  }
  events_ = std::move(kept);
}

void History::sort(const Catalogue& catalogue) {
  std::stable_sort(events_.begin(), events_.end(), [&](const Entry& a, const Entry& b) {
    return std::tie(a.event.time, catalogue.source(a.event.source).name, a.event.id, a.event.rev) <
           std::tie(b.event.time, catalogue.source(b.event.source).name, b.event.id, b.event.rev);
  });
}

void History::shuffle(const Catalogue& catalogue, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::pair<EventTime, size_t>> arrivals;
  arrivals.reserve(events_.size());
  for (size_t i = 0; i < events_.size(); ++i) {
    const Milliseconds lateness = catalogue.source(events_[i].event.source).lateness;
    const auto delay = lateness.count() > 0
                           ? std::uniform_int_distribution<int64_t>(0, lateness.count() - 1)(random)
                           : 0;
    arrivals.emplace_back(events_[i].event.time + Milliseconds{delay}, i);
  }
  std::sort(arrivals.begin(), arrivals.end());
  std::vector<Entry> shuffled;
  shuffled.reserve(events_.size());
  for (const auto& [arrival, i] : arrivals) shuffled.push_back(events_[i]);
  events_ = std::move(shuffled);
}

Result<History::Outcome> History::play(
    Pipeline& pipeline, const std::function<void(uint64_t done, uint64_t of)>& progress) {
  std::map<SourceId, size_t> last_of;
  EventTime newest = kMinEventTime;
  for (size_t i = 0; i < events_.size(); ++i) {
    last_of[events_[i].event.source] = i;
    newest = std::max(newest, events_[i].event.time);
  }
  for (const auto& [source, last] : last_of) pipeline.expect_source(source);

  Outcome outcome;
  for (size_t i = 0; i < events_.size(); ++i) {
    const Entry& entry = events_[i];
    switch (pipeline.admit(entry.event, inputs_[entry.input].name, entry.position, entry.raw,
                           entry.event.time)) {
      case Admission::kAccepted:
        ++outcome.accepted;
        break;
      case Admission::kDuplicate:
        ++outcome.duplicates;
        break;
      case Admission::kTooLate:
        ++outcome.too_late;
        break;
      case Admission::kFuture:
        break;  // history has no clock to be ahead of
    }
    if (last_of[entry.event.source] == i) pipeline.end_source(entry.event.source);
    if ((i + 1) % kCommitEvery == 0) {
      if (Status status = pipeline.commit(entry.event.time, false); !status) return status.error();
    }
    if (progress && (i + 1) % kProgressEvery == 0) progress(i + 1, events_.size());
  }
  if (!events_.empty()) {
    using std::chrono::days;
    outcome.judged_to = std::chrono::floor<days>(newest) + days(1);
    pipeline.finish(outcome.judged_to);
  }
  if (Status status = pipeline.commit(newest, false); !status) return status.error();
  if (progress) progress(events_.size(), events_.size());
  return outcome;
}

}  // namespace tocsin::daemon
