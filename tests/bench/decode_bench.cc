// How fast event/1 is decoded: events/s and ns/event of one core, and what the arena needed.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <string>

#include "ingest/event_decoder.h"
#include "tests/ingest/small_catalogue.h"

namespace {

using tocsin::ingest::Decoded;
using tocsin::ingest::Verdict;

constexpr size_t kEvents = 200'000;
constexpr size_t kBatchEvents = 10'000;

// Events of about 400 bytes and 15 fields, as the speed targets are stated for.
std::string make_events() {
  std::mt19937_64 random(20110318);
  std::string bytes;
  for (size_t i = 0; i < kEvents; ++i) {
    const auto best = random() % 40;
    bytes += fmt::format(
        R"({{"id":"ged-{}","source":"ucdp-ged","indicator":"violence.state_based",)"
        R"("time":"2011-{:02}-{:02}T00:00:00Z","time_precision":"day","region":"{}",)"
        R"("geo_precision":2,"value":{},"unit":"deaths","confidence":0.8,)"
        R"("actors":["Government of Syria","Syrian insurgents"],"tags":["protest"],)"
        R"("attrs":{{"low":{},"high":{},"place":"Daraa city, old quarter"}},"tlp":"clear",)"
        R"("lat":{}.625432,"lon":36.10{}}})"
        "\n",
        230411 + i, 1 + i % 12, 1 + i % 28, i % 3 == 0 ? "SY" : "SY-DR", best, best / 2, best * 2,
        30 + i % 5, i % 100);
  }
  return bytes;
}

class CountingSink final : public tocsin::ingest::DecodedSink {
 public:
  void on_record(const Decoded& record) override {
    if (record.verdict == Verdict::kEvent) {
      ++events;
      checksum += record.event.value + static_cast<double>(record.event.attrs.size());
    }
  }
  size_t events = 0;
  double checksum = 0;
};

}  // namespace

int main() {
  std::string bytes = make_events();
  const size_t size = bytes.size();
  bytes.reserve(size + tocsin::ingest::kPadding);
  tocsin::ingest::EventDecoder decoder(tocsin::ingest::small_symbols(),
                                       tocsin::ingest::EventForm::kLines);
  tocsin::Arena arena;
  double best_seconds = 1e9;
  for (int round = 0; round < 7; ++round) {
    CountingSink sink;
    const auto start = std::chrono::steady_clock::now();
    std::string_view rest(bytes.data(), size);
    while (!rest.empty()) {
      const size_t guess = std::min(rest.size(), kBatchEvents * size / kEvents);
      const size_t end = rest.find('\n', guess - 1) + 1;
      arena.reset();
      decoder.decode(rest.substr(0, end), 0, arena, sink);
      rest.remove_prefix(end);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best_seconds = std::min(best_seconds, took.count());
    if (sink.events != kEvents) {
      fmt::print(stderr, "decoded {} of {} events\n", sink.events, kEvents);
      return EXIT_FAILURE;
    }
  }
  fmt::print(
      "decode_ndjson bytes_per_event={:.0f} events_per_s={:.0f} ns_per_event={:.0f} "
      "mb_per_s={:.0f} arena_bytes={}\n",
      static_cast<double>(size) / kEvents, kEvents / best_seconds, best_seconds / kEvents * 1e9,
      static_cast<double>(size) / best_seconds / 1e6, arena.bytes_reserved());
  return EXIT_SUCCESS;
}
