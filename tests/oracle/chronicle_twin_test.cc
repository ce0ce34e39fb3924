#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "daemon/chronicle.h"
#include "storage/memory_store.h"
#include "tests/oracle/stream.h"
#include "tests/oracle/world.h"

// Heartbeats come between the events of a stream, in bursts and alone. What an engine tells and
// saves that is fed a chronicle of them is the same as of one that is told each by itself.
namespace tocsin::rules::oracle {
namespace {

// A kind.
uint32_t seeds() { return asked_for("TOCSIN_ORACLE_COUNT").value_or(30); }

struct Advance {
  EventTime to;
  SourceId source;
};

// Of each source more and more, minutes to hours after one another, with pauses.
std::vector<Advance> advances(const Catalogue& catalogue, EventTime end, std::mt19937& random) {
  std::vector<Advance> all;
  for (size_t i = 0; i < catalogue.sources().size(); ++i) {
    EventTime to = kStart + std::chrono::hours(random() % 72);
    while (to < end) {
      const bool pauses = random() % 30 == 0;
      to += std::chrono::minutes(pauses ? random() % 14400 : 1 + random() % 180);
      all.push_back({to, static_cast<SourceId>(i)});
    }
  }
  return all;
}

// Those that count as they came, so that nothing but heartbeats is gathered into one.
std::vector<Event> events(const Stream& stream, const Engine& engine) {
  std::set<std::pair<SourceId, std::string_view>> known;
  std::vector<Event> all;
  for (const Delivery& delivery : stream.deliveries()) {
    const Event& event = delivery.event;
    if (event.op != Operation::kAssert || !engine.looks_at(event)) continue;
    if (known.insert({event.source, event.id}).second) all.push_back(event);
  }
  return all;
}

std::string text_of(const AlertTransition& t) {
  std::string text =
      fmt::format("rule {} {} {} {} from {} at {} since {} end {} wm {} {}{} n {} [{}]", t.rule,
                  to_hex(t.alert), t.seq, to_string(t.action), to_string(t.level), to_ms(t.at),
                  to_ms(t.starts_at), t.ends_at ? to_ms(*t.ends_at) : 0, to_ms(t.watermark),
                  t.provisional, t.stale, t.events_counted, t.condition);
  for (const Measured& value : t.values) {
    text += " " + value.name + "=";
    std::visit([&text](const auto& v) { text += fmt::format("{}", v); }, value.value);
  }
  return text;
}

// What an engine said, of each group in its order, and all that it would save.
struct Outcome {
  std::map<std::string, std::vector<std::string>> told;
  std::map<std::string, std::string> saved;

  Outcome(Engine& engine, const Engine::Transitions& transitions) {
    for (const AlertTransition& t : transitions) {
      std::string group = fmt::format("{}", t.rule);
      for (const auto& [name, value] : t.group) group += " " + value;
      told[group].push_back(text_of(t));
    }
    engine.save(
        [this](std::string_view key, std::string_view value) { saved.emplace(key, value); });
  }
};

std::string difference(const Outcome& said, const Outcome& should) {
  std::string text;
  for (const auto& [group, lines] : should.told) {
    const auto found = said.told.find(group);
    const std::vector<std::string> none;
    const std::vector<std::string>& others = found == said.told.end() ? none : found->second;
    for (size_t i = 0; i < std::max(lines.size(), others.size()); ++i) {
      const std::string line = i < lines.size() ? lines[i] : "nothing";
      const std::string other = i < others.size() ? others[i] : "nothing";
      if (line == other) continue;
      text += fmt::format("group {}: says\n  {}\nand should say\n  {}\n", group, other, line);
      break;
    }
  }
  if (text.empty() && said.told.size() != should.told.size()) text = "other groups";
  for (const auto& [key, value] : should.saved) {
    const auto found = said.saved.find(key);
    if (found == said.saved.end() || found->second != value) text += "state of " + key + "\n";
  }
  return text;
}

class ChronicleTwin : public testing::TestWithParam<const char*> {};

TEST_P(ChronicleTwin, TellsAndSavesTheSameAsIfEachHeartbeatCameByItself) {
  const auto bundle = rules_of(GetParam());
  ASSERT_NE(bundle, nullptr);
  const Scope all{std::vector<bool>(bundle->catalogue->regions().size(), true), true};
  size_t told = 0;
  for (uint32_t seed = 1; seed <= seeds(); ++seed) {
    const Emit emit = seed % 2 == 0 ? Emit::kFinal : Emit::kEarly;
    const Stream stream(bundle->catalogue, seed, /*has_late=*/false);
    Engine fed(bundle, {.emit = emit});
    Engine stepped(bundle, {.emit = emit});
    const std::vector<Event> events = oracle::events(stream, fed);
    std::mt19937 random(seed);
    const std::vector<Advance> advances =
        oracle::advances(*bundle->catalogue, stream.end(), random);

    const auto store = storage::make_memory_store();
    store->set_catalogue(bundle->catalogue);
    storage::Batch& batch = store->begin();
    std::vector<std::tuple<EventTime, bool, SourceId, std::string_view, size_t>> order;
    for (size_t i = 0; i < events.size(); ++i) {
      batch.append(events[i]);
      order.emplace_back(events[i].time, false, events[i].source, events[i].id, i);
    }
    for (const Advance& advance : advances) {
      batch.append(storage::Control{.kind = storage::Control::Kind::kAdvance,
                                    .source = bundle->catalogue->source(advance.source).name,
                                    .time = advance.to,
                                    .bundle = {}});
      order.emplace_back(advance.to, true, advance.source, "", 0);
    }
    ASSERT_TRUE(store->commit(batch, {}));

    Engine::Transitions expected;
    std::sort(order.begin(), order.end());
    for (const auto& [time, is_advance, source, id, place] : order) {
      if (is_advance) {
        stepped.advance(source, time, expected);
      } else {
        stepped.on_event(events[place], place + 1, expected);
      }
    }
    Engine::Transitions decided;
    daemon::Chronicle chronicle(
        *store, *bundle->catalogue,
        [](const Event& event) { return hash128(std::string(event.id)); }, store->last_seq());
    ASSERT_TRUE(chronicle.feed(all, fed, decided));

    ASSERT_EQ(difference(Outcome(fed, decided), Outcome(stepped, expected)), "") << "seed " << seed;
    told += decided.size();
  }
  EXPECT_GT(told, 5 * seeds());
}

INSTANTIATE_TEST_SUITE_P(Kinds, ChronicleTwin, testing::ValuesIn(kKinds), kKindName);

}  // namespace
}  // namespace tocsin::rules::oracle
