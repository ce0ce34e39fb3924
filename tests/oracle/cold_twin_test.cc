#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <random>

#include "rules/engine.h"
#include "rules/saved_state.h"
#include "tests/oracle/stream.h"
#include "tests/oracle/world.h"

// Two engines of every kind are told the same random stream, with saves, restarts, reloads and
// revisions in between. One keeps all groups in memory, the other puts those that lie idle out of
// it at every turn: what they tell, count and save is the same, bit by bit.
namespace tocsin::rules::oracle {
namespace {

// A kind.
uint32_t seeds() { return asked_for("TOCSIN_ORACLE_COUNT").value_or(40); }

// The same rules with limits that are reached.
std::shared_ptr<const Bundle> with_limits(const Bundle& bundle, uint32_t seed) {
  auto limited = std::make_shared<Bundle>(bundle);
  const auto limit = [seed](Rule& rule) {
    if (seed % 4 == 1) rule.max_groups = 2;
    if (seed % 4 == 2) rule.max_state_bytes = 1500 + seed % 7 * 500;
  };
  for (Rule& rule : limited->rules) limit(rule);
  for (Signal& signal : limited->signals) limit(signal.rule);
  return limited;
}

// And with less to say: the highest level is gone.
std::shared_ptr<const Bundle> with_fewer_levels(const Bundle& bundle) {
  auto fewer = std::make_shared<Bundle>(bundle);
  for (Rule& rule : fewer->rules) {
    if (rule.levels.size() > 1) rule.levels.pop_back();
  }
  return fewer;
}

class Saved : public SavedState {
 public:
  void put(std::string_view key, std::string_view value) {
    if (value.empty()) {
      entries.erase(std::string(key));
    } else {
      entries.insert_or_assign(std::string(key), std::string(value));
    }
  }
  Result<std::optional<std::string>> read(std::string_view key) const override {
    const auto found = entries.find(key);
    if (found == entries.end()) return std::optional<std::string>();
    return std::optional(found->second);
  }

  std::map<std::string, std::string, std::less<>> entries;
};

std::string text_of(const AlertTransition& t) {
  std::string text = fmt::format(
      "{} {} {} rule {} {} from {} at {} since {} end {} wm {} {} {}{}{} flapping {} n {} [{}]",
      to_hex(t.alert), t.seq, to_string(t.action), t.rule, to_string(t.level),
      to_string(t.previous), to_ms(t.at), to_ms(t.starts_at), t.ends_at ? to_ms(*t.ends_at) : 0,
      to_ms(t.watermark), to_string(t.tlp), t.provisional, t.stale, t.error,
      t.flapping_since ? to_ms(*t.flapping_since) : 0, t.events_counted, t.condition);
  for (const auto& [name, key] : t.group) text += " " + name + "=" + key;
  for (const Measured& value : t.values) {
    text += " " + value.name + "=";
    std::visit([&text](const auto& v) { text += fmt::format("{}", v); }, value.value);
  }
  for (const EvidenceRef& ref : t.evidence) text += fmt::format(" {}({})", ref.role, ref.seq);
  return text;
}

std::string text_of(const Engine::Transitions& transitions) {
  std::string text;
  for (const AlertTransition& t : transitions) text += text_of(t) + "\n";
  return text;
}

// All but what is cold.
std::string text_of(const std::vector<RuleCounters>& counters) {
  std::string text;
  for (const RuleCounters& c : counters) {
    text += fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {}\n", c.selected, c.excepted,
                        c.skipped, c.missing_key, c.late, c.overflow, c.refused, c.refused_groups,
                        c.evaluations, c.evaluation_errors, c.groups, c.warming, c.state_bytes);
  }
  return text;
}

// An engine with what it has saved.
class One {
 public:
  One(std::shared_ptr<const Bundle> bundle, Emit emit, bool cools)
      : options_{.emit = emit, .saved = cools ? &saved_ : nullptr},
        engine_(std::make_unique<Engine>(std::move(bundle), options_)) {}

  Engine& engine() { return *engine_; }
  const Saved& saved() const { return saved_; }
  uint64_t reads() const { return reads_ + sum(&RuleCounters::cold_reads); }

  void save() {
    engine_->save([this](std::string_view key, std::string_view value) { saved_.put(key, value); });
  }
  void restart(const std::shared_ptr<const Bundle>& bundle) {
    save();
    reads_ = reads();
    engine_ = std::make_unique<Engine>(bundle, options_);
    for (const auto& [key, value] : saved_.entries) EXPECT_TRUE(engine_->restore(key, value));
  }

 private:
  uint64_t sum(uint64_t RuleCounters::*counter) const {
    uint64_t sum = 0;
    for (const RuleCounters& counters : engine_->counters()) sum += counters.*counter;
    return sum;
  }

  Saved saved_;
  EngineOptions options_;
  std::unique_ptr<Engine> engine_;
  uint64_t reads_ = 0;
};

class Twins {
 public:
  Twins(std::shared_ptr<const Bundle> bundle, uint32_t seed)
      : emit_(seed % 2 == 0 ? Emit::kFinal : Emit::kEarly),
        bundles_{with_limits(*bundle, seed), with_fewer_levels(*with_limits(*bundle, seed))},
        random_(seed),
        warm_(bundles_[0], emit_, false),
        cold_(bundles_[0], emit_, true) {}

  // False at the first difference.
  bool run(const Stream& stream) {
    for (size_t i = 0; i < bundles_[0]->catalogue->sources().size(); ++i) {
      each([i](Engine& engine, auto&) { engine.expect_source(static_cast<SourceId>(i)); });
    }
    for (const Delivery& delivery : stream.deliveries()) {
      told_.push_back(delivery.event);
      each([&](Engine& engine, auto& out) { engine.on_event(told_.back(), told_.size(), out); });
      come_between(delivery);
      compare();
      if (::testing::Test::HasFailure()) return false;
    }
    each([&](Engine& engine, auto& out) { engine.finish(stream.end(), out); });
    save();
    return !::testing::Test::HasFailure();
  }
  uint64_t reads() const { return cold_.reads(); }
  size_t transitions() const { return transitions_; }

 private:
  void come_between(const Delivery& delivery) {
    switch (random_() % 20) {
      case 0:
        each([&](Engine& engine, auto& out) {
          engine.advance(delivery.event.source, delivery.arrives, out);
        });
        return;
      case 1:
        warm_.restart(bundles_[0]);
        cold_.restart(bundles_[0]);
        return;
      case 2:
        std::swap(bundles_[0], bundles_[1]);
        each([this](Engine& engine, auto& out) {
          Engine::Transitions begun;
          engine.activate(bundles_[0], out, begun);
          out.insert(out.end(), begun.begin(), begun.end());
        });
        return;
      case 3:
        revise();
        return;
      case 4:
      case 5:
        return;
      case 6:
        break;  // what has changed since the last save stays
      default:
        save();
    }
    // Once leaves those that were used since.
    for (size_t left = 1 + random_() % 2; left > 0; --left) cold_.engine().cool(0);
  }

  // About half of the groups are had again from an engine that was not told of one event.
  void revise() {
    const size_t left_out = random_() % told_.size();
    const uint64_t salt = random_();
    const auto takes = [salt](const Rule& rule, const std::vector<std::string>& key) {
      uint64_t sum = salt + hash128(rule.identity).low;
      for (const std::string& part : key) sum = hash128(part).low ^ sum * 31;
      return sum % 2 == 0;
    };
    each([&](Engine& engine, auto&) {
      Engine rebuilt(bundles_[0], {.emit = emit_});
      Engine::Transitions unheard;
      for (size_t i = 0; i < told_.size(); ++i) {
        if (i != left_out) rebuilt.on_event(told_[i], i + 1, unheard);
      }
      rebuilt.reach(engine, unheard);
      engine.take_over(rebuilt, takes);
    });
  }

  void each(const std::function<void(Engine&, Engine::Transitions&)>& call) {
    Engine::Transitions warm;
    Engine::Transitions cold;
    call(warm_.engine(), warm);
    call(cold_.engine(), cold);
    EXPECT_EQ(text_of(cold), text_of(warm));
    transitions_ += warm.size();
  }

  void save() {
    warm_.save();
    cold_.save();
    EXPECT_EQ(cold_.saved().entries.size(), warm_.saved().entries.size());
    EXPECT_TRUE(cold_.saved().entries == warm_.saved().entries);
  }

  void compare() {
    EXPECT_EQ(text_of(cold_.engine().counters()), text_of(warm_.engine().counters()));
    EXPECT_FALSE(cold_.engine().fault()) << cold_.engine().fault()->message;
    EXPECT_LE(cold_.engine().resident_bytes(), cold_.engine().state_bytes());
  }

  const Emit emit_;
  std::array<std::shared_ptr<const Bundle>, 2> bundles_;  // the first is in force
  std::mt19937 random_;
  One warm_;
  One cold_;
  std::vector<Event> told_;
  size_t transitions_ = 0;
};

class ColdTwin : public testing::TestWithParam<const char*> {};

TEST_P(ColdTwin, TellsCountsAndSavesTheSame) {
  const auto bundle = rules_of(GetParam());
  ASSERT_NE(bundle, nullptr);
  uint64_t reads = 0;
  size_t transitions = 0;
  for (uint32_t seed = 1; seed <= seeds(); ++seed) {
    const Stream stream(bundle->catalogue, seed, seed % 3 == 0);
    Twins twins(bundle, seed);
    ASSERT_TRUE(twins.run(stream)) << "seed " << seed;
    reads += twins.reads();
    transitions += twins.transitions();
  }
  EXPECT_GT(reads, 25 * seeds()) << "groups must have been cold";
  EXPECT_GT(transitions, 12 * seeds()) << "the streams must say something";
}

INSTANTIATE_TEST_SUITE_P(Kinds, ColdTwin, testing::ValuesIn(kKinds), kKindName);

}  // namespace
}  // namespace tocsin::rules::oracle
