#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <tuple>

#include "daemon/alert_fields.h"
#include "daemon/pipeline.h"
#include "daemon/rebuild.h"
#include "storage/memory_store.h"
#include "tests/oracle/kinds.h"
#include "tests/oracle/stream.h"
#include "tests/oracle/world.h"

// The whole pipeline against the second opinion, on streams with late, repeated, corrected and
// retracted events, by one way or by several partitions that are read at their own pace, with
// restarts and reloads in between, idle groups in memory or not: what stands in the end is what the
// oracle says of the events as they stand in the end, had they come in their time.
namespace tocsin::rules::oracle {
namespace {

// A kind.
uint32_t seeds() { return asked_for("TOCSIN_ORACLE_COUNT").value_or(30); }

// What happens to a stream beside its events, by its seed.
struct Course {
  explicit Course(uint32_t seed)
      : partitions(seed % 3 == 0 ? static_cast<uint16_t>(2 + seed % 4) : uint16_t{0}),
        shards(1 + seed % 5 / 4),
        restarts(seed % 4 == 1),
        reloads(seed % 7 == 2 || seed % 7 == 4),
        other_rules(seed % 7 == 4),
        cools(seed % 5 % 2 == 1) {}
  uint16_t partitions;  // 0: it comes by none
  size_t shards;
  bool restarts;
  bool reloads;
  bool other_rules;  // are in force for a while
  bool cools;        // groups that lie idle are in the store alone
};

// Each partition keeps its order; which is read next is left to chance, and one is seldom read.
std::vector<Delivery> by_partitions(const std::vector<Delivery>& all, uint16_t partitions,
                                    uint32_t seed) {
  if (partitions == 0) return all;
  std::vector<std::deque<Delivery>> waiting(partitions);
  for (const Delivery& delivery : all) {
    const size_t number = std::hash<std::string_view>{}(delivery.event.id) % partitions;
    waiting[number].push_back(delivery);
    waiting[number].back().event.partition = static_cast<uint16_t>(number + 1);
  }
  std::mt19937 random(seed);
  std::vector<Delivery> order;
  while (order.size() < all.size()) {
    const size_t next = random() % 10 < 8 ? random() % (partitions - 1U) : partitions - 1U;
    for (size_t i = 0; i <= random() % 12 && !waiting[next].empty(); ++i) {
      order.push_back(waiting[next].front());
      waiting[next].pop_front();
    }
  }
  return order;
}

// What is let in of a stream, each with whether it is the last word on its id. A correction that
// comes when its event is beyond the horizon finds it forgotten: such are left out of `deliveries`;
// and of partitions all that may be beyond it, which depends on how far each is.
struct Accepted {
  Event event;
  bool stands = true;
};

std::vector<Accepted> accepted_of(const Catalogue& catalogue, const std::vector<Delivery>& incoming,
                                  std::vector<Delivery>& deliveries) {
  std::vector<Accepted> all;
  std::map<std::pair<SourceId, std::string_view>, size_t> last;
  std::map<SourceId, EventTime> newest;
  for (const Delivery& delivery : incoming) {
    const Event& event = delivery.event;
    const Source& source = catalogue.source(event.source);
    const auto heard = newest.find(event.source);
    const bool is_too_late = heard != newest.end() && event.time < heard->second - source.lateness -
                                                                       source.correction_horizon;
    const auto known = last.find({event.source, event.id});
    const bool is_old = known != last.end() && all[known->second].event.rev >= event.rev;
    if (known != last.end() && !is_old &&
        all[known->second].event.time <
            heard->second - source.lateness - source.correction_horizon + kDay) {
      continue;
    }
    if (is_too_late && event.partition != 0) continue;
    deliveries.push_back(delivery);
    if (is_too_late || is_old) continue;
    if (known != last.end()) all[known->second].stands = false;
    last[{event.source, event.id}] = all.size();
    all.push_back({event, true});
    EventTime& at = newest.try_emplace(event.source, event.time).first->second;
    at = std::max(at, event.time);
  }
  return all;
}

// In order of time. What was superseded or retracted is only heard.
std::vector<Delivery> in_its_time(std::vector<Accepted> all, std::deque<std::string>& ids) {
  std::stable_sort(all.begin(), all.end(), [](const Accepted& a, const Accepted& b) {
    return std::tie(a.event.time, a.event.source, a.event.id) <
           std::tie(b.event.time, b.event.source, b.event.id);
  });
  std::vector<Delivery> order;
  for (const Accepted& one : all) {
    Event event = one.event;
    const bool counts = one.stands && event.op != Operation::kRetract;
    event.op = counts ? Operation::kAssert : Operation::kRetract;
    event.rev = 0;
    if (!counts) event.id = ids.emplace_back(fmt::format("{}#{}", event.id, order.size()));
    order.push_back({event, event.time});
  }
  return order;
}

using Standing = std::vector<std::string>;

std::string line(const Bundle& bundle, RuleIndex rule, const std::vector<std::string>& key,
                 Level level, EventTime from, std::optional<EventTime> to) {
  return fmt::format("{} [{}] {} from {} to {}", bundle.rules[rule].id, fmt::join(key, " "),
                     to_string(level), format_time(from), to ? format_time(*to) : "now");
}

// What ended by then is left out.
Standing standing_by_oracle(const Case& of, EventTime since) {
  std::map<std::pair<RuleIndex, Key>, std::vector<Said>> episodes;
  std::vector<Said> all = oracle_says(of);
  sort_by_group(all);
  Standing lines;
  std::optional<Said> open;
  const auto end = [&](std::optional<EventTime> at) {
    if (open && (!at || *at > since))
      lines.push_back(line(of.bundle, open->rule, open->group, open->level, open->starts_at, at));
    open.reset();
  };
  for (const Said& said : all) {
    if (said.action == Action::kFire) {
      end(std::nullopt);
      open = said;
    } else if (said.action == Action::kResolve) {
      open->level = said.level;
      end(said.at);
    } else {
      open->level = said.level;
    }
  }
  end(std::nullopt);
  std::sort(lines.begin(), lines.end());
  return lines;
}

struct Told {
  Standing standing;
  EventTime since;  // what ended by then may have been told by other rules
};

Told standing_by_pipeline(const std::shared_ptr<const Bundle>& bundle,
                          const std::shared_ptr<const Bundle>& others,
                          const std::vector<Delivery>& deliveries, EventTime end, uint32_t seed) {
  const Course course(seed);
  const auto store = storage::make_memory_store();
  const daemon::Pipeline::CompileBundle compile = [&](const std::string& text) {
    return text == "others" ? others : bundle;
  };
  std::unique_ptr<daemon::Pipeline> pipeline;
  const auto start = [&](bool has_others) {
    pipeline.reset();
    pipeline = std::make_unique<daemon::Pipeline>(
        *store, has_others ? others : bundle, has_others ? "others" : "own",
        daemon::PipelineOptions{
            .emit = Emit::kFinal,
            .shards = course.shards,
            .future_tolerance = std::nullopt,
            .revision_share = 0,
            .state_memory = course.cools ? std::optional<size_t>(0) : std::nullopt,
        });
    std::string warning;
    EXPECT_TRUE(pipeline->recover(compile, {}, warning, WallTime{}));
  };
  start(false);
  for (size_t i = 0; i < bundle->catalogue->sources().size(); ++i) {
    pipeline->expect_source(static_cast<SourceId>(i));
  }
  std::mt19937 random(seed);
  bool has_others = false;
  EventTime newest = kMinEventTime;
  EventTime since = kMinEventTime;
  const auto reload = [&](bool to_others) {
    EXPECT_TRUE(pipeline->activate(to_others ? others : bundle, to_others ? "others" : "own"));
    if (has_others && !to_others) since = newest;
    has_others = to_others;
  };
  uint32_t fed = 0;
  for (const Delivery& delivery : deliveries) {
    pipeline->admit(delivery.event, "test", 0, "", {});
    newest = std::max(newest, delivery.event.time);
    if (++fed % (5 + seed % 20) != 0) continue;
    EXPECT_TRUE(pipeline->commit({}, seed % 3 == 0));
    pipeline->listen(std::chrono::hours(random() % 20));
    for (size_t i = 0; course.partitions != 0 && i < bundle->catalogue->sources().size(); ++i) {
      pipeline->leave_silent_partitions(static_cast<SourceId>(i), std::chrono::hours(30));
    }
    if (course.reloads && random() % 3 == 0) reload(course.other_rules && random() % 2 == 0);
    if (course.restarts && random() % 3 == 0) {
      EXPECT_TRUE(pipeline->commit({}, random() % 2 == 0));
      start(has_others);
    }
  }
  if (has_others) reload(false);
  if (seed % 2 == 0) {
    while (pipeline->unrevised() > 0) {
      EXPECT_TRUE(pipeline->commit({}, false));
    }
  }
  EXPECT_TRUE(pipeline->commit({}, true));
  const auto rebuilt = daemon::rebuild(*store, {.compile = compile});
  EXPECT_TRUE(rebuilt) << rebuilt.error().message;
  EXPECT_EQ(fmt::format("{}", fmt::join(rebuilt->first_differences, "\n")), "") << "seed " << seed;
  EXPECT_EQ(rebuilt->warning, "");
  pipeline->finish(end);
  EXPECT_TRUE(pipeline->commit({}, false));
  while (pipeline->unrevised() > 0) {
    EXPECT_TRUE(pipeline->commit({}, false));
  }
  std::map<std::string, daemon::AlertFields> last;
  EXPECT_TRUE(store->read_alert_log(0, [&](const storage::Store::StoredAlert& alert) {
    const auto fields = daemon::read_alert_fields(alert.json);
    EXPECT_TRUE(fields);
    last[fields->id] = *fields;
    return true;
  }));
  Standing lines;
  for (const auto& [id, f] : last) {
    if (f.action == Action::kWithdraw || (f.ends_at && *f.ends_at <= since)) continue;
    const auto rule = std::find_if(bundle->rules.begin(), bundle->rules.end(),
                                   [&](const Rule& known) { return known.id == f.rule; });
    if (rule == bundle->rules.end()) continue;
    std::vector<std::string> key;
    for (const GroupKey& part : rule->by) key.push_back(f.group.at(part.name));
    lines.push_back(line(*bundle, static_cast<RuleIndex>(rule - bundle->rules.begin()), key,
                         f.level, f.starts_at, f.ends_at));
  }
  std::sort(lines.begin(), lines.end());
  return {lines, since};
}

std::string difference(const Standing& told, const Standing& expected) {
  Standing too_much;
  Standing too_little;
  std::set_difference(told.begin(), told.end(), expected.begin(), expected.end(),
                      std::back_inserter(too_much));
  std::set_difference(expected.begin(), expected.end(), told.begin(), told.end(),
                      std::back_inserter(too_little));
  if (too_much.empty() && too_little.empty()) return {};
  return fmt::format("stands:\n  {}\nshould stand:\n  {}\n", fmt::join(too_much, "\n  "),
                     fmt::join(too_little, "\n  "));
}

class Revisions : public testing::TestWithParam<const char*> {};

TEST_P(Revisions, EndAsTheOracleSaysOfWhatStandsInTheEnd) {
  const std::string kind = GetParam();
  const auto bundle = rules_of(kind);
  const auto others = rules_of(kind == "event" ? "threshold" : "event");
  ASSERT_NE(bundle, nullptr);
  size_t compared = 0;
  for (uint32_t seed = 1; seed <= seeds(); ++seed) {
    const Stream stream(bundle->catalogue, seed, seed % 2 == 0);
    std::deque<std::string> ids;
    std::vector<Delivery> deliveries;
    const std::vector<Delivery> order = in_its_time(
        accepted_of(*bundle->catalogue,
                    by_partitions(stream.deliveries(), Course(seed).partitions, seed), deliveries),
        ids);
    const Journal journal(*bundle->catalogue, order);
    ASSERT_EQ(journal.size(), order.size());
    const Told told = standing_by_pipeline(bundle, others, deliveries, stream.end(), seed);
    const Standing expected = standing_by_oracle({*bundle, journal, stream.end()}, told.since);
    ASSERT_EQ(difference(told.standing, expected), "") << "seed " << seed;
    compared += expected.size();
  }
  EXPECT_GT(compared, 100U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Revisions, testing::ValuesIn(kKinds), kKindName);

}  // namespace
}  // namespace tocsin::rules::oracle
