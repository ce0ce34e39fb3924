#include "rules/kinds/index.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "rules/grown.h"

namespace tocsin::rules {

namespace {

// Of a scale's length: what events make out less of neither mark an alert nor are named by it.
constexpr double kTold = 1e-3;
constexpr double kGone = 1e-6;
constexpr size_t kPartEvidence = 8;

double half_lives(Milliseconds time, Milliseconds half_life) {
  return static_cast<double>(time.count()) / static_cast<double>(half_life.count());
}

double faded(double value, Milliseconds time, Milliseconds half_life) {
  return value * std::exp2(-half_lives(time, half_life));
}

// In units of what is scaled.
double length_of(const Scale& scale) {
  return scale.is_log ? scale.unit : std::abs(scale.to - scale.from);
}

}  // namespace

Tlp FadingSum::marking(double least) const {
  for (size_t i = by_tlp.size(); i-- > 0;) {
    if (std::abs(by_tlp[i]) >= least) return static_cast<Tlp>(i);
  }
  return Tlp::kClear;
}

IndexDetector::IndexDetector(Surroundings& around, const Rule& rule, RuleIndex index,
                             Timeline::ClassId time_class)
    : TickedDetector(around, rule, index, time_class) {
  on_rebind();
}

void IndexDetector::on_rebind() {
  grid_ = PaneGrid(detect().every, rule().zone);
  found_.resize(detect().parts.size());
}

std::optional<double> IndexDetector::value_of(const IndexPart& part, const Event& event) {
  if (!part.of) return 1.0;
  const cel::Outcome of = part.of->run(&event, variables(), around_.arena);
  const bool is_absent =
      of.ok() ? of.value.kind() == cel::Kind::kNull : of.error == cel::EvalError::kNoSuchField;
  const auto number = of.ok() ? number_of(of.value) : std::nullopt;
  if (number) return number;
  ++(is_absent ? counters_.skipped : counters_.evaluation_errors);
  return std::nullopt;
}

void IndexDetector::on_event(const Event& event, JournalSeq seq) {
  const EventTime now = watermark();
  const bool is_late = event.time < now;
  IndexGroup* group = nullptr;
  std::optional<bool> excepted;  // asked once a part takes the event
  for (size_t i = 0; i < detect().parts.size(); ++i) {
    const IndexPart& part = detect().parts[i];
    // What a signal counts, it counts itself; here it only shows that there is something to judge.
    const bool is_part =
        part.events ? holds(*part.events, &event) : signals().counts(part.signal, event);
    if (!is_part || (!part.events && !keyer_.hash(event))) continue;
    if (part.events) {
      if (!excepted) excepted = is_excepted(event);
      if (*excepted) continue;
    }
    const bool is_first = group == nullptr;
    if (is_first) group = group_of(event);
    if (group == nullptr) return;
    if (is_first) {
      ++counters_.selected;
      if (is_late) ++counters_.late;
      touch(*group);
      group->sums.resize(detect().parts.size());
    }
    if (!part.events) continue;
    if (const auto value = value_of(part, event)) add_value(*group, i, *value, event, seq);
  }
  if (group == nullptr) return;
  account(*group);
  const EventTime next = now == kMinEventTime ? kMinEventTime : grid_.next_tick(now);
  schedule_by(*group, std::max(grid_.next_tick(event.time), next));
}

void IndexDetector::add_value(IndexGroup& group, size_t index, double value, const Event& event,
                              JournalSeq seq) {
  const Milliseconds half_life = detect().parts[index].half_life;
  EvidenceItem item = evidence_item(event, seq);
  item.value = std::log2(std::max(std::abs(value), 1e-9)) +
               half_lives(event.time.time_since_epoch(), half_life);
  const EventTime start = grid_.start_of(event.time);
  if (start < group.summed_to) {  // a straggler
    FadingSum& sum = group.sums[index];
    sum.by_tlp[static_cast<size_t>(event.tlp)] +=
        faded(value, group.summed_to - event.time, half_life);
    keep_best(sum.evidence, item, kPartEvidence);
    ++group.events;
    return;
  }
  const size_t pane = group.panes.at(start, static_cast<uint32_t>(index) + 1, 1);
  Pane& part = group.panes.pane(pane);
  ++part.events;
  part.tlp = std::max(part.tlp, event.tlp);
  keep_best(part.evidence, item, kPartEvidence);
  group.panes.cells(pane, 1).front().add(
      faded(value, grid_.step(start, 1) - event.time, half_life));
}

void IndexDetector::take_up_to(IndexGroup& group, EventTime tick) {
  group.sums.resize(detect().parts.size());
  if (group.summed_to != kMinEventTime) {
    for (size_t i = 0; i < group.sums.size(); ++i) {
      const Milliseconds half_life = detect().parts[i].half_life;
      if (half_life.count() == 0) continue;
      for (double& sum : group.sums[i].by_tlp) {
        sum = faded(sum, tick - group.summed_to, half_life);
      }
    }
  }
  const auto panes = group.panes.panes();
  for (size_t p = 0; p < panes.size() && panes[p].start < tick; ++p) {
    const size_t index = panes[p].lane - 1;
    const EventTime end = grid_.step(panes[p].start, 1);
    FadingSum& sum = group.sums[index];
    sum.by_tlp[static_cast<size_t>(panes[p].tlp)] +=
        faded(from_units(group.panes.cells(p, 1).front().sum), tick - end,
              detect().parts[index].half_life);
    for (const EvidenceItem& item : panes[p].evidence) {
      keep_best(sum.evidence, item, kPartEvidence);
    }
    group.events += panes[p].events;
  }
  group.panes.drop_before(tick, 1);
  group.summed_to = tick;
}

void IndexDetector::find_parts(IndexGroup& group, EventTime tick) {
  for (size_t i = 0; i < found_.size(); ++i) {
    const IndexPart& part = detect().parts[i];
    Found& found = found_[i];
    found = Found{};
    if (part.events) {
      found.scaled =
          part.scale.of(faded(group.sums[i].sum(), tick - group.summed_to, part.half_life));
    } else {
      found.signal = signals().value(part.signal, group, tick);
      if (found.signal) found.scaled = part.scale.of(found.signal->value);
    }
  }
}

// 0..1 of the risk parts.
double IndexDetector::combined(double weighted, double weights) const {
  if (weights <= 0) return 0;
  if (detect().combine == Combine::kWeightedMean) return weighted / weights;
  double product = 1;
  for (size_t i = 0; i < found_.size(); ++i) {
    const IndexPart& part = detect().parts[i];
    if (part.is_protective || !found_[i].scaled) continue;
    product *= detect().combine == Combine::kNoisyOr
                   ? 1 - part.weight * *found_[i].scaled
                   : std::pow(*found_[i].scaled, part.weight / weights);
  }
  return detect().combine == Combine::kNoisyOr ? 1 - product : product;
}

void IndexDetector::combine_parts() {
  double all = 0, weights = 0, weighted = 0, shields = 0, shielded = 0;
  bool is_critical = false;
  for (size_t i = 0; i < found_.size(); ++i) {
    const IndexPart& part = detect().parts[i];
    if (!part.is_protective) all += part.weight;
    if (!found_[i].scaled) continue;
    (part.is_protective ? shields : weights) += part.weight;
    (part.is_protective ? shielded : weighted) += part.weight * *found_[i].scaled;
    is_critical = is_critical || (part.critical && *found_[i].scaled >= *part.critical);
  }
  coverage_ = all > 0 ? weights / all : 0;
  is_known_ = weights > 0 && coverage_ >= detect().coverage;
  risk_ = 100 * combined(weighted, weights);
  const double protection = shields > 0 && !is_critical ? shielded / shields : 0;
  relief_ = risk_ * detect().max_relief * protection;
  index_ = risk_ - relief_;
  for (size_t i = 0; i < found_.size(); ++i) {
    const IndexPart& part = detect().parts[i];
    if (part.is_protective || !found_[i].scaled || weighted <= 0) continue;
    found_[i].points = risk_ * part.weight * *found_[i].scaled / weighted;
  }
}

std::vector<size_t> IndexDetector::by_points() const {
  std::vector<size_t> order(found_.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [this](size_t a, size_t b) { return found_[a].points > found_[b].points; });
  return order;
}

void IndexDetector::set_variables() {
  const double numbers[] = {index_, risk_, relief_, coverage_};
  for (size_t i = 0; i < 4; ++i) {
    own_variable(i) = is_known_ ? cel::Value::of_double(numbers[i]) : cel::Value();
  }
  own_variable(3) = cel::Value::of_double(coverage_);
  const auto text = [](std::string_view t) { return cel::Value::of_string(t); };
  std::vector<cel::Entry> points;
  for (size_t i = 0; i < found_.size(); ++i) {
    if (detect().parts[i].is_protective) continue;
    points.push_back({text(detect().parts[i].name), cel::Value::of_double(found_[i].points)});
  }
  std::sort(points.begin(), points.end(),
            [](const cel::Entry& a, const cel::Entry& b) { return a.key.text() < b.key.text(); });
  const auto entries = around_.arena.array<cel::Entry>(points.size());
  std::copy(points.begin(), points.end(), entries.begin());
  own_variable(4) = cel::Value::of_map(entries);
  const auto top = around_.arena.array<cel::Value>(points.size());
  size_t next = 0;
  for (const size_t i : by_points()) {
    if (detect().parts[i].is_protective) continue;
    const auto item = around_.arena.array<cel::Entry>(2);
    item[0] = {text("name"), text(detect().parts[i].name)};
    item[1] = {text("points"), cel::Value::of_double(found_[i].points)};
    top[next++] = cel::Value::of_map(item);
  }
  own_variable(5) = cel::Value::of_list(top);
}

Verdict IndexDetector::judge(IndexGroup& group, EventTime tick) {
  set_common_at(group, tick);
  group.sums.resize(detect().parts.size());
  find_parts(group, tick);
  combine_parts();
  set_variables();
  fingerprint_ = static_cast<uint64_t>(std::llround(index_));  // less than a point is no news
  return judge_levels(is_known_ ? std::optional(true) : std::nullopt);
}

// By the sums and not by what they scale to: a scale may begin above nothing, or end there.
bool IndexDetector::has_faded(const IndexGroup& group) const {
  for (size_t i = 0; i < found_.size(); ++i) {
    const IndexPart& part = detect().parts[i];
    const bool is_there = part.events
                              ? std::abs(group.sums[i].sum()) > kGone * length_of(part.scale)
                              : found_[i].signal.has_value();
    if (is_there) return false;
  }
  return group.alert.is_idle();
}

void IndexDetector::on_due(IndexGroup& group, EventTime tick) {
  touch(group);
  take_up_to(group, tick);
  decide(group, tick);
  if (has_faded(group)) {
    if (group.panes.empty() && group.alert.calm_at() <= tick) {
      remove(group);
      return;
    }
    // Begins anew with what is there already, as it would if that came later.
    group.sums.assign(detect().parts.size(), FadingSum{});
    group.events = 0;
  }
  schedule(group, grid_.step(tick, 1));
}

void IndexDetector::add_evidence(IndexGroup& group, Finding& finding) {
  std::vector<std::pair<std::string, std::vector<EvidenceItem>>> all;
  const auto order = by_points();
  for (const size_t i : order) {
    const IndexPart& part = detect().parts[i];
    const Tlp marking = group.sums[i].marking(kTold * length_of(part.scale));
    std::vector<EvidenceItem> items = group.sums[i].evidence;
    std::erase_if(items, [marking](const EvidenceItem& item) { return item.tlp > marking; });
    finding.tlp = std::max(finding.tlp, marking);
    if (found_[i].signal) {
      signals().collect(part.signal, group, *found_[i].signal, kPartEvidence, items);
    }
    all.emplace_back(part.name, std::move(items));
  }
  // A few of each part rather than all of the loudest.
  for (size_t rank = 0; rank < kPartEvidence; ++rank) {
    for (const auto& [name, items] : all) {
      if (rank >= items.size() || finding.evidence.size() >= rule().alert.max_evidence) continue;
      finding.evidence.add(items[rank].seq, name, items[rank].tlp);
    }
  }
}

Finding IndexDetector::find_at(IndexGroup& group, EventTime, bool is_end) {
  Finding finding;
  finding.values.push_back({"coverage", coverage_});
  finding.condition = fmt::format("values for {:.0f} % of the weights, {:.0f} % are needed",
                                  coverage_ * 100, detect().coverage * 100);
  if (is_known_) {
    finding.values = {
        {"index", index_}, {"risk", risk_}, {"relief", relief_}, {"coverage", coverage_}};
    finding.condition = fmt::format("index {:.1f} = ", index_);
    const char* sign = "";
    for (const size_t i : by_points()) {
      if (detect().parts[i].is_protective || !found_[i].scaled) continue;
      finding.values.push_back({"points." + detect().parts[i].name, found_[i].points});
      finding.condition +=
          fmt::format("{}{} {:.1f}", sign, detect().parts[i].name, found_[i].points);
      sign = " + ";
    }
    if (relief_ > 0) finding.condition += fmt::format(" - relief {:.1f}", relief_);
    finding.condition += level_condition(group, is_end);
  }
  finding.events_counted = group.events;
  add_evidence(group, finding);
  return finding;
}

void IndexDetector::write_group(ByteWriter& to, const IndexGroup& group) {
  group.panes.write(to);
  to.time(group.summed_to);
  to.u32(static_cast<uint32_t>(group.sums.size()));
  for (const FadingSum& sum : group.sums) {
    for (const double one : sum.by_tlp) to.f64(one);
    to.u32(static_cast<uint32_t>(sum.evidence.size()));
    for (const EvidenceItem& item : sum.evidence) write(to, item);
  }
  to.u64(group.events);
}

void IndexDetector::read_group(ByteReader& from, IndexGroup& group) {
  group.panes.read(from, 1);
  group.summed_to = from.time();
  group.sums.resize(from.count());
  for (FadingSum& sum : group.sums) {
    for (double& one : sum.by_tlp) one = from.f64();
    sum.evidence.resize(from.count());
    for (EvidenceItem& item : sum.evidence) item = read_evidence(from);
  }
  group.events = from.u64();
}

size_t IndexDetector::bytes_of(const IndexGroup& group) const {
  size_t sum = group.panes.bytes() + grown_bytes(group.sums);
  for (const FadingSum& fading : group.sums) sum += grown_bytes(fading.evidence);
  return sum;
}

}  // namespace tocsin::rules
