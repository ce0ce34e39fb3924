#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "rules/testing/virtual_engine.h"
#include "tests/oracle/kinds.h"
#include "tests/oracle/stream.h"
#include "tests/oracle/world.h"

// The engine against a second opinion: what every kind says of random streams, recomputed from all
// events. TOCSIN_ORACLE_SEED=N runs that seed alone, with TOCSIN_ORACLE_COUNT=M the M from there
// on.
namespace tocsin::rules::oracle {
namespace {

constexpr uint32_t kSeeds = 91;     // a kind: 1,001 in all
constexpr uint32_t kLateOneOf = 4;  // every fourth stream has events that come too late
constexpr size_t kLeastTurns = 60;  // fires of each rule over all seeds, and ends
// These must also come to flap.
constexpr size_t kLeastFlapping = 15;
const std::set<std::string> kRulesThatFlap = {"flickers", "recovers", "restless"};

constexpr Milliseconds kLongerThanAStream = 200 * kDay;

Said said_of(const LoggedTransition& t, const Journal& journal) {
  Said said;
  said.rule = t.rule;
  for (const auto& [name, value] : t.group) said.group.push_back(value);
  said.action = t.action;
  said.level = t.level;
  said.at = t.at;
  said.starts_at = t.starts_at;
  for (const Measured& measured : t.values) {
    if (const auto* text = std::get_if<std::string>(&measured.value)) {
      said.texts[measured.name] = *text;
    } else if (const auto* whole = std::get_if<int64_t>(&measured.value)) {
      said.numbers[measured.name] = static_cast<double>(*whole);
    } else {
      said.numbers[measured.name] = std::get<double>(measured.value);
    }
  }
  said.counted = t.events_counted;
  said.events.emplace();
  for (const EvidenceRef& ref : t.evidence) {
    if (ref.role != "armed") said.events->insert(journal.name_of(ref.seq));
  }
  return said;
}

// The source that each delivery is the last of.
std::map<size_t, SourceId> ends_of(const std::vector<Delivery>& deliveries) {
  std::map<SourceId, size_t> last;
  for (size_t i = 0; i < deliveries.size(); ++i) last[deliveries[i].event.source] = i;
  std::map<size_t, SourceId> ends;
  for (const auto& [source, i] : last) ends[i] = source;
  return ends;
}

// Delivers the stream as the daemon would, and takes down what is told. Sources end with their last
// delivery, or all at once. `flapping`: adds the alerts that came to flap, by rule.
std::vector<Said> engine_says(const std::shared_ptr<const Bundle>& bundle, const Stream& stream,
                              const Journal& journal, bool end_early,
                              std::map<RuleIndex, size_t>& flapping) {
  VirtualEngine engine(bundle, {.emit = Emit::kFinal}, /*revises=*/false);
  for (size_t i = 0; i < bundle->catalogue->sources().size(); ++i) {
    engine.expect(static_cast<SourceId>(i));
  }
  const auto ends = end_early ? ends_of(stream.deliveries()) : std::map<size_t, SourceId>();
  for (size_t i = 0; i < stream.deliveries().size(); ++i) {
    engine.move_to(stream.deliveries()[i].arrives);
    engine.deliver(stream.deliveries()[i].event);
    if (const auto end = ends.find(i); end != ends.end()) engine.end(end->second);
  }
  engine.finish(stream.end());
  EXPECT_EQ(engine.duplicates(), journal.duplicates());
  EXPECT_EQ(engine.too_late(), journal.too_late());
  // One alert after the other: what ends and what begins at the same moment is told in any order.
  std::map<Hash128, EventTime> fired;
  std::vector<const LoggedTransition*> told;
  for (const LoggedTransition& t : engine.log()) {
    EXPECT_FALSE(t.provisional || t.stale);
    for (const EvidenceRef& ref : t.evidence) {
      EXPECT_GE(t.tlp, journal.tlp_of(ref.seq))
          << t.rule_id << " names " << journal.name_of(ref.seq);
    }
    if (t.action == Action::kFire) fired[t.alert] = t.at;
    if (t.action != Action::kUpdate) told.push_back(&t);
    if (t.action == Action::kUpdate && t.flapping_since == t.at) ++flapping[t.rule];
  }
  std::stable_sort(told.begin(), told.end(), [&](const auto* a, const auto* b) {
    return fired.at(a->alert) < fired.at(b->alert);
  });
  std::vector<Said> all;
  for (const LoggedTransition* t : told) all.push_back(said_of(*t, journal));
  sort_by_group(all);
  return all;
}

// What armed a rule late, and signals at the time of a match, depend on when they were asked for;
// the first event of all, from which those on a roster are waited for, may come late; and what a
// newer event has made a group forget is new to a late one.
bool is_promised_when_late(const Rule& rule) {
  const auto* absence = std::get_if<AbsenceDetect>(&rule.detect);
  if (absence != nullptr && !absence->roster.empty()) return false;
  const auto* new_term = std::get_if<NewTermDetect>(&rule.detect);
  if (new_term != nullptr && longest(new_term->history) < kLongerThanAStream) return false;
  return rule.arming == nullptr && (!is_of_matches(rule.kind()) || rule.signals.empty());
}

class Comparison {
 public:
  explicit Comparison(const std::string& kind) : bundle_(rules_of(kind)) {}

  // The seeds of the kind; or those that the environment asks for.
  void run(uint32_t first_seed) {
    ASSERT_NE(bundle_, nullptr);
    const auto asked = asked_for("TOCSIN_ORACLE_SEED");
    const uint32_t first = asked.value_or(first_seed);
    const uint32_t count = asked ? asked_for("TOCSIN_ORACLE_COUNT").value_or(1) : kSeeds;
    for (uint32_t seed = first; seed < first + count; ++seed) {
      compare(seed);
      if (::testing::Test::HasFailure()) return;
    }
    if (!asked) check_that_it_was_something();
  }

 private:
  void compare(uint32_t seed) {
    const bool has_late = seed % kLateOneOf == 0;
    const Stream stream(bundle_->catalogue, seed, has_late);
    const Journal journal(*bundle_->catalogue, stream.deliveries());
    const Case of{*bundle_, journal, stream.end()};
    duplicates_ += journal.duplicates();
    too_late_ += journal.too_late();
    const std::vector<Seen> seen = journal.seen_by(bundle_->rules.front());
    late_ += static_cast<size_t>(
        std::count_if(seen.begin(), seen.end(), [](const Seen& one) { return one.is_late(); }));
    // Then the others take its place, which moves nothing that was decided; late is late otherwise.
    const bool end_early = !has_late && seed % 2 == 0;
    std::vector<Said> told = engine_says(bundle_, stream, journal, end_early, flapping_);
    std::vector<Said> expected = oracle_says(of);
    for (auto* all : {&told, &expected}) {
      std::erase_if(*all, [&](const Said& said) {
        return has_late && !is_promised_when_late(bundle_->rules[said.rule]);
      });
    }
    const std::string difference = first_difference(told, expected, *bundle_, compared_);
    if (!difference.empty()) {
      ADD_FAILURE() << "seed " << seed << (has_late ? ", with late events" : "") << ": "
                    << difference << "\nalone: TOCSIN_ORACLE_SEED=" << seed
                    << " oracle_test --gtest_filter=Oracle."
                    << ::testing::UnitTest::GetInstance()->current_test_info()->name();
    }
    for (const Said& said : told) {
      fires_[said.rule] += said.action == Action::kFire ? 1 : 0;
      ends_[said.rule] += said.action == Action::kResolve ? 1 : 0;
    }
  }

  void check_that_it_was_something() {
    for (RuleIndex i = 0; i < bundle_->rules.size(); ++i) {
      EXPECT_GE(fires_[i], kLeastTurns) << bundle_->rules[i].id << " seldom fires";
      EXPECT_GE(ends_[i], kLeastTurns) << bundle_->rules[i].id << " seldom ends";
      ::testing::Test::RecordProperty(bundle_->rules[i].name + "_fires",
                                      static_cast<int>(fires_[i]));
      const bool is_made_to = kRulesThatFlap.contains(bundle_->rules[i].name);
      EXPECT_GE(flapping_[i], is_made_to ? kLeastFlapping : 0) << bundle_->rules[i].id;
    }
    EXPECT_GE(duplicates_, 1000U);
    EXPECT_GE(late_, 100U);
    EXPECT_GE(too_late_, 10U);
    EXPECT_GE(compared_.transitions, 1000U);
    EXPECT_GE(compared_.event_sets, 500U);
    EXPECT_GE(compared_.values, 500U);
  }

  std::shared_ptr<const Bundle> bundle_;
  Compared compared_;
  size_t duplicates_ = 0;
  size_t late_ = 0;
  size_t too_late_ = 0;
  std::map<RuleIndex, size_t> fires_;
  std::map<RuleIndex, size_t> ends_;
  std::map<RuleIndex, size_t> flapping_;
};

TEST(Oracle, AgreesOnEvents) { Comparison("event").run(1000); }
TEST(Oracle, AgreesOnThresholds) { Comparison("threshold").run(2000); }
TEST(Oracle, AgreesOnSurges) { Comparison("surge").run(3000); }
TEST(Oracle, AgreesOnTrends) { Comparison("trend").run(4000); }
TEST(Oracle, AgreesOnIndexes) { Comparison("index").run(5000); }
TEST(Oracle, AgreesOnDivergences) { Comparison("divergence").run(6000); }
TEST(Oracle, AgreesOnSequences) { Comparison("sequence").run(7000); }
TEST(Oracle, AgreesOnAbsences) { Comparison("absence").run(8000); }
TEST(Oracle, AgreesOnNewTerms) { Comparison("new_term").run(9000); }
TEST(Oracle, AgreesOnLayers) { Comparison("layers").run(10000); }
TEST(Oracle, AgreesOnSpillovers) { Comparison("spillover").run(11000); }

}  // namespace
}  // namespace tocsin::rules::oracle
