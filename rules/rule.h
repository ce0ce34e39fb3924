#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "rules/cel/clock.h"
#include "rules/cel/program.h"
#include "rules/model/alert.h"
#include "rules/model/catalogue.h"
#include "rules/model/time.h"
#include "rules/model/vocabulary.h"
#include "rules/template.h"

// Rules as the engine runs them: what rules/load makes of the files, typed and compiled.
namespace tocsin::rules {

// One part of a group's key.
struct GroupKey {
  enum class Kind : uint8_t { kRegion, kSource, kIndicator, kAttr, kEach };
  Kind kind = Kind::kRegion;
  RegionLevel level = RegionLevel::kCountry;  // of kRegion
  std::string attr;                           // of kAttr
  std::string
      name;  // in alerts and as `by.NAME`: "region", "source", "indicator", "each", the attr
};

// What to do with an event that lacks a key.
enum class MissingKey : uint8_t { kDrop, kGroup };

enum class AggregateKind : uint8_t { kCount, kSum, kMean, kMin, kMax, kDistinct };

// A number taken over a sliding window of panes.
struct Measure {
  std::string name;
  AggregateKind aggregate = AggregateKind::kCount;
  std::optional<cel::Program> of;  // none for kCount; number for sum/mean/min/max, any for distinct
  Span every{};                    // pane length and distance of two evaluations
  uint32_t panes = 1;              // of the window
  uint32_t min_n = 1;              // of kMean: fewer values make it undefined
};

// A level is entered when `when` holds and left when `exit` holds (without `exit`: when `when` no
// longer does).
struct LevelSpec {
  Level level = Level::kWarning;
  std::optional<cel::Program> when;  // none: holds whenever the rule's own condition does
  std::optional<cel::Program> exit;
  Span hold{};  // `for` of this level
};

struct EventDetect {};

struct ThresholdDetect {
  std::vector<Measure> measures;  // all with the same `every`, sorted by name
  cel::Program when;
};

enum class SurgeMethod : uint8_t { kPoisson, kNegativeBinomial, kZScore, kRatio };

struct SurgeDetect {
  Measure measure;
  uint32_t history = 26;        // baseline windows, each of the measure's length
  uint32_t gap = 0;             // panes between baseline and the current window
  uint32_t min_history = 8;     // fewer since the group was first seen: warming, never an alert
  bool robust = true;           // zscore by median and MAD
  bool stable_sources = false;  // leave out sources onboarded inside the baseline
  SurgeMethod method = SurgeMethod::kNegativeBinomial;
  double at_least = 3.0;  // surprise, z or ratio, by method
  double floor = 1.0;     // never below this value of the current window
  std::optional<SurgeMethod> confirm;
  double confirm_at_least = 0.0;
  // Levels of a surge compare the method's score; LevelSpec::when is then compiled from it.
};

struct TrendDetect {
  Measure series;              // one value a pane; `panes` points at most
  bool least_squares = false;  // else Theil-Sen
  // Slopes are told in this many panes: 12 for `per: 1y` over months.
  double panes_per_unit = 1;
  Span unit{};
  bool is_falling = false;  // fires at or below `slope`; else at or above
  double slope = 0;
  std::optional<double> p;  // at most, of Mann-Kendall's test
  uint32_t min_points = 8;  // fewer: no value
  bool hold = false;        // an empty pane has the value of the one before
};

struct SequenceStep {
  std::string name;
  cel::Program select;   // of the event, or of the event that must not come
  bool negated = false;  // `not … for`
  bool optional = false;
  Span within{};  // after the step before; zero: only the whole span limits it
  Span wait{};    // `for` of a negated step
};

struct SequenceDetect {
  std::vector<SequenceStep> steps;
  Span span{};                        // from first to last step
  std::optional<cel::Program> until;  // ends open matches
  bool strict_order = true;           // false: any order
  bool skip_past_last = true;         // false: skip to next
  uint32_t max_open = 16;             // open matches a group
};

struct AbsenceDetect {
  uint32_t at_least = 1;
  Span every{};
  Span grace{};
  std::vector<std::string> roster;  // known keys (values of the single group key)
  std::optional<Span> learn;        // or: learned keys
  std::optional<Span> forget;
  std::optional<cel::Program> unless;
};

// A number brought to 0..1: along a line from `from` to `to` (downwards when from > to), or
// log(1 + x/unit) / log(1 + full/unit).
struct Scale {
  bool is_log = false;
  double from = 0;
  double to = 1;
  double unit = 1;
  double full = 1;

  double of(double x) const;
};

// A part of an index: events, added up as they fade by half every `half_life`, or a signal.
struct IndexPart {
  std::string name;
  bool is_protective = false;
  std::optional<cel::Program> events;
  std::optional<cel::Program> of;  // of events; none: 1 each
  Milliseconds half_life{0};
  size_t signal = 0;  // in Rule::signals, when there are no `events`
  Scale scale;
  double weight = 1;
  std::optional<double> critical;  // at this scaled value protection counts for nothing
};

enum class Combine : uint8_t { kWeightedMean, kNoisyOr, kGeometric };

struct IndexDetect {
  Span every{};
  std::vector<IndexPart> parts;  // by (is_protective, name)
  double max_relief = 0;         // protection takes off at most this share
  Combine combine = Combine::kWeightedMean;
  double coverage = 0;  // share of the risk weights that must have a value
};

struct DivergencePart {
  std::string name;  // of the signal
  size_t signal = 0;
  bool is_better = false;   // of the side `better`; else of `worse`
  bool is_falling = false;  // falling is what the side means
  double weight = 1;
  double noise = 0;  // at least, of a step: smaller ones are no news
};

struct DivergenceDetect {
  Span pane{};
  uint32_t panes = 1;
  uint32_t min_points = 4;
  std::vector<DivergencePart> parts;
  double coverage = 0;  // share of each side's weights that must have data
  cel::Program when;
};

// Which alerts a rule over alerts looks at: a condition over the variables of alert_variables().
struct AlertSelect {
  cel::Program condition;
  bool production_only = true;  // leaves out alerts of rules in draft and shadow
};

// `a.rule`, `a.package`, `a.driver`, `a.stage`, `a.region` (string), `a.level`, `a.level_rank`
// (int), in slot order.
std::vector<cel::Variable> alert_variables();

struct LayersDetect {
  AlertSelect alerts;
  cel::Program distinct;  // of the alert: what tells layers apart
  bool roll_up = true;    // alerts on finer places count, and those on the country by half
  Span every{};
  Span window{};
  Span min_overlap{};  // together for so long, within the window
};

struct SpilloverDetect {
  AlertSelect alerts;
  cel::Program score;  // of the alert
  uint32_t hops = 1;
  double hop_decay = 0.5;
  Span every{};
  double pressure = 0;              // at least
  std::optional<cel::Program> own;  // and this, of the place itself
};

struct NewTermDetect {
  std::vector<cel::Program> term;  // over the event; together they are what is new or not
  Span history{};                  // a term not seen for longer is forgotten
  // While both that are given still hold, a group learns and tells nothing; none: it never does.
  std::optional<Span> learn_for;         // since its first event
  std::optional<uint32_t> learn_events;  // fewer than these
  uint32_t max_terms = 500;              // of a group; at the limit no more are learned or told
  bool missing_is_term = false;      // an absent attr is the text "∅"; else the event is left out
  bool also_new_to_country = false;  // asks the other groups of the country too
};

using Detect = std::variant<EventDetect, ThresholdDetect, SurgeDetect, SequenceDetect,
                            AbsenceDetect, TrendDetect, IndexDetect, DivergenceDetect, LayersDetect,
                            SpilloverDetect, NewTermDetect>;
// In the order of Detect.
enum class RuleKind : uint8_t {
  kEvent,
  kThreshold,
  kSurge,
  kSequence,
  kAbsence,
  kTrend,
  kIndex,
  kDivergence,
  kLayers,
  kSpillover,
  kNewTerm,
};
std::string_view to_string(RuleKind kind);
// Whether `select` of the rule says which events count; else parts of `detect` do, or none does.
bool has_select(RuleKind kind);
// What matches is a point in time, and the alert goes on for `hold` after the last one.
bool is_of_matches(RuleKind kind);
// Levels and texts see the event that matched, as `e`.
bool sees_event(RuleKind kind);

struct AlertPolicy {
  Span pending{};  // `for`
  Span keep_firing_for{};
  Span hold{};  // of kinds with matches: firing so long after the last one
  Span update_every{.exact = std::chrono::hours(24)};
  uint32_t max_evidence = 20;
  uint32_t max_step_down = 0;  // levels at a time; 0: any
  Span step_down_every{};      // and no sooner than this after the step before
  bool holds_flapping = true;  // keeps the level of an alert that flaps until it is calm
};

struct Documentation {
  std::string rationale;
  std::string document;   // "doha-2018"
  std::string paragraph;  // "¶28"
  std::vector<std::string> false_positives;
  std::string response;
};

// Where the decision may be taken.
enum class Emit : uint8_t { kEarly, kFinal };

// What a signal is where nothing came.
enum class NoData : uint8_t { kZero, kHold, kMissing };

// A number that a rule reads with signal("NAME") at its ticks.
struct SignalUse {
  std::string name;                  // as the rule writes it
  std::vector<std::string> signals;  // keys in the bundle: the first that has a value is read
  std::optional<Span> hold;          // instead of the signal's own
  Milliseconds back{0};              // how far before the watermark it is read as well
};

struct Arming;

// Events that a rule leaves out, agreed on until a date: they do not count for it.
struct Exception {
  std::vector<cel::Program> items;  // conditions over the event: any of them suffices
  EventTime until{};                // of events from then on it no longer speaks
  std::string reason;
  std::string by;
  Place place;
};

struct Rule {
  std::string id;        // "package/name"
  std::string identity;  // of its state and alerts: the id, or the one it had before (`was`)
  std::string package;
  std::string name;
  Place place;
  RuleStatus status = RuleStatus::kProduction;
  Driver driver = Driver::kViolence;
  Stage stage = Stage::kLatent;
  Documentation doc;
  std::optional<cel::Program> select;  // none for sequence: its steps select
  // Texts of an event that each make it one of another group: key `each`.
  std::optional<cel::Program> each;
  // What can match at all, from select or from all steps; nullopt: any.
  std::optional<std::vector<IndicatorId>> indicators;
  std::optional<std::vector<RegionId>> countries;
  std::vector<SignalUse> signals;  // in the order of the slots after the kind's own variables
  // What signals and arming look at beside `indicators`; nullopt: any.
  std::optional<std::vector<IndicatorId>> read_indicators{std::in_place};
  std::shared_ptr<const Arming> arming;  // null: the rule is always at work
  std::vector<GroupKey> by;
  MissingKey missing_key = MissingKey::kDrop;
  // What the author opened: of the event, for exceptions: "region", "source", "indicator",
  // "e.attrs.NAME".
  std::vector<std::string> tunable;
  std::vector<Exception> exceptions;
  Detect detect;
  std::vector<LevelSpec> levels;  // by rank, lowest first; at least one
  AlertPolicy alert;
  std::string timezone = "UTC";  // IANA name
  cel::Zone zone{};              // the same; of calendar panes
  Milliseconds lateness{0};      // at least this much beside the source's own
  // What is raised of the past and ended longer ago is recorded, and wakes nobody.
  Milliseconds page_within = std::chrono::hours(24 * 7);
  Emit emit = Emit::kEarly;  // kFinal when the rule is not monotone, or says so
  uint32_t max_groups = 10'000;
  uint64_t max_state_bytes = 64ull << 20;
  // Of those begun within one hour of event time; only where keys can have any value, and once the
  // rule has settled.
  uint32_t max_new_groups = 500;
  std::map<std::string, Template> titles;     // by language, at least "en"
  std::map<std::string, Template> summaries;  // by language
  std::map<std::string, std::string> labels;  // extra labels of the alert
  std::string shape_text;  // everything that decides state, as rules/load/shape.h writes it
  Hash128 shape;           // of that text: same shape, state is kept over a reload
  Hash128 hash;            // of the whole rule

  RuleKind kind() const { return static_cast<RuleKind>(detect.index()); }
};

// A measure over groups of its own that several rules may read; it raises no alert.
struct Signal {
  std::string key;  // its name; of an indicator read as a signal: "exclusion.index@country"
  Rule rule;        // select, keys, and a ThresholdDetect with the one measure
  bool is_of_indicator = false;  // the mean of an indicator's figures, not declared by a file
  NoData no_data = NoData::kZero;
  Span hold{};            // of kHold
  Milliseconds reach{0};  // how far back it is read, from the watermark of its slowest reader

  const Measure& measure() const { return std::get<ThresholdDetect>(rule.detect).measures.front(); }
};

// What an armed rule remembers of the event that armed it.
struct Capture {
  std::string name;
  std::optional<cel::Program> value;  // of the event; none: of the signal at the event's time
  cel::Type type;
};

// `armed`: the rule is at work from `quiet` after an event that arms it, for `span` from that event
// or until one disarms it. The latest arming event counts.
struct Arming {
  Rule rule;  // selects both sorts of event; its keys; its signals are those of the captures
  cel::Program arms;
  std::optional<cel::Program> disarms;
  Span span{};
  Span quiet{};
  Milliseconds back{0};           // it is asked for times so long before the watermark
  std::vector<Capture> captures;  // those of signals first, in the order of rule.signals
};

// Name of the variable that signal("NAME") reads.
std::string signal_variable(std::string_view name);

// The sources that may send what the rule looks at, its signals included, sorted: those it waits
// for.
std::vector<SourceId> feeding_sources(const Catalogue& catalogue, const Rule& rule);

// Those of them that send the rule's own events.
std::vector<SourceId> own_sources(const Catalogue& catalogue, const Rule& rule);

// What raises the alerts about rules that refuse groups (rules/kinds/overflow.h): part of every
// bundle, and no author's. Its group is the rule; it measures `events` and `groups`.
Rule overflow_rule();

struct Bundle;
// Everything that events and timers go to, in the order of their numbers: the rules, then what
// counts the signals, then what arms rules.
std::vector<const Rule*> watchers_of(const Bundle& bundle);

// The conditions that are asked of a group, and so may name variables.
std::vector<const cel::Program*> group_conditions(const Rule& rule);

// One loaded set of rules with its catalogue: what an engine runs and what a reload replaces whole.
// Thread-safety: immutable after construction.
struct Bundle {
  std::shared_ptr<const Catalogue> catalogue;
  std::vector<Rule> rules;      // sorted by id
  std::vector<Signal> signals;  // those that rules read, sorted by key
  Hash128 hash;                 // of all files, in an order that does not depend on reading order
  Rule overflow = overflow_rule();

  // What raised the alert of a transition with that index.
  const Rule& raised_by(RuleIndex index) const {
    return index < rules.size() ? rules[index] : overflow;
  }
};

// Names and types of the variables that levels, `when` and templates of a rule of this kind see, in
// slot order; the engine fills them in the same order. Common to all kinds, first:
//   region {id, name, level} (map), by (map(string, string)), level (string; the checker takes its
//   rank where it meets level.X), level_rank (int, 0 none to 5), rule (string), at (timestamp),
//   starts_at (timestamp)
// then, by kind:
//   threshold  each measure by name, in order (int for count and distinct, double otherwise)
//   surge      k, score, surprise, ratio (double), baseline {mean, sd, median, n}
//              (map(string, double))
//   sequence   each step that is not negated, by name (dyn map with the event's fields: id, time,
//              source, indicator, region, value, attrs); null when an optional step did not come
//   absence    missed (int), last {time, id} (dyn map, null when never seen), due (timestamp)
//   trend      slope, p, first, last (double), n (int): the points that have a value
//   index      index, risk, relief, coverage (double), parts {name: points} (map(string, double)),
//              top [{name, points}] (list), the greatest points first
//   divergence better, worse, coverage (double), parts {name: value} (map(string, double))
//   layers     distinct (double), drivers (list(string)), alerts (int)
//   spillover  pressure (double), neighbours [{id, name}] (list), hardest first
//   event      none beyond `e`, the matching event
//   new_term   term (list(string)), new_to ("group" or "parent"), terms (int): known to the group,
//              this one included, history {first, start} (map(string, timestamp)): the group's
//              first event, and since when the term was not seen; beside `e`, the event with it
// Then, null where they have no value, the signals that the rule reads (signal_variable(), double),
// and of an armed rule `armed.since` (timestamp) and `armed.NAME` of each capture.
std::vector<cel::Variable> variables_of(RuleKind kind, const Detect& detect);
inline constexpr size_t kCommonVariables = 7;

}  // namespace tocsin::rules
