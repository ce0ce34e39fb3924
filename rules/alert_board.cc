#include "rules/alert_board.h"

#include <algorithm>

namespace tocsin::rules {

namespace {

constexpr size_t kMostEvidence = 3;

void describe(BoardEntry& entry, const Rule& rule) {
  entry.rule = rule.id;
  entry.driver = rule.driver;
  entry.stage = rule.stage;
  entry.status = rule.status;
}

}  // namespace

bool is_over_alerts(RuleKind kind) {
  return kind == RuleKind::kLayers || kind == RuleKind::kSpillover;
}

const BoardEntry::Change* BoardEntry::before(EventTime at) const {
  const Change* last = nullptr;
  for (const Change& change : changes) {
    if (change.at >= at) break;
    last = &change;
  }
  return last;
}

const BoardEntry* AlertBoard::note(const AlertTransition& transition, const Rule& rule) {
  if (!transition.region) return nullptr;
  const auto [found, is_new] = entries_.try_emplace(transition.alert);
  BoardEntry& entry = found->second;
  if (is_new) {
    entry.alert = transition.alert;
    entry.identity = rule.identity;
    for (const auto& [name, value] : transition.group) entry.key.push_back(value);
    entry.region = *transition.region;
    describe(entry, rule);
    index(entry);
  }
  const bool is_over =
      transition.action == Action::kResolve || transition.action == Action::kWithdraw;
  const Level level = is_over ? Level::kNone : transition.level;
  const bool is_news = entry.changes.empty() || entry.changes.back().level != level ||
                       entry.changes.back().tlp < transition.tlp;
  if (!is_news) return &entry;
  BoardEntry::Change change{
      .at = transition.at, .level = level, .tlp = transition.tlp, .evidence = {}};
  const size_t kept = std::min(transition.evidence.size(), kMostEvidence);
  change.evidence.assign(transition.evidence.begin(),
                         transition.evidence.begin() + static_cast<std::ptrdiff_t>(kept));
  entry.changes.push_back(std::move(change));
  changed_.insert(entry.alert);
  return &entry;
}

void AlertBoard::describe_by(std::span<const Rule> rules) {
  std::map<std::string_view, const Rule*> by_identity;
  for (const Rule& rule : rules) by_identity[rule.identity] = &rule;
  for (auto at = entries_.begin(); at != entries_.end();) {
    auto& [alert, entry] = *at++;
    const auto found = by_identity.find(entry.identity);
    if (found == by_identity.end()) {
      drop(Hash128(alert));
      continue;
    }
    describe(entry, *found->second);
    changed_.insert(alert);
  }
}

// The last change before `t` is what holds at `t`.
void AlertBoard::forget_changes(BoardEntry& entry, EventTime t) {
  const auto later = std::find_if(entry.changes.begin(), entry.changes.end(),
                                  [t](const BoardEntry::Change& change) { return change.at >= t; });
  if (later - entry.changes.begin() < 2) return;
  entry.changes.erase(entry.changes.begin(), later - 1);
  changed_.insert(entry.alert);
}

void AlertBoard::note_gone(const BoardEntry& entry) {
  if (entry.is_saved) {
    changed_.insert(entry.alert);
  } else {
    changed_.erase(entry.alert);
  }
}

void AlertBoard::index(const BoardEntry& entry) {
  by_country_[catalogue_->region(entry.region).country][entry.alert] = &entry;
}

std::vector<const BoardEntry*> AlertBoard::of_country(RegionId country) const {
  std::vector<const BoardEntry*> entries;
  const auto found = by_country_.find(country);
  if (found == by_country_.end()) return entries;
  for (const auto& [alert, entry] : found->second) entries.push_back(entry);
  return entries;
}

void AlertBoard::rename(const std::map<Hash128, Hash128>& renamed) {
  std::vector<BoardEntry> entries;
  for (const auto& [alert, name] : renamed) {
    const auto found = entries_.find(alert);
    if (found == entries_.end()) continue;
    entries.push_back(found->second);
    entries.back().alert = name;
    drop(alert);
  }
  for (BoardEntry& entry : entries) {
    const Hash128 name = entry.alert;
    index(entries_.insert_or_assign(name, std::move(entry)).first->second);
  }
}

void AlertBoard::take_over(const AlertBoard& other,
                           const std::function<bool(const BoardEntry&)>& concerned) {
  std::vector<Hash128> gone;
  for (const auto& [alert, entry] : entries_) {
    if (concerned(entry)) gone.push_back(alert);
  }
  for (const Hash128& alert : gone) drop(alert);
  for (const auto& [alert, entry] : other.entries_) {
    if (!concerned(entry)) continue;
    BoardEntry taken = entry;
    taken.is_saved = true;  // perhaps: under that name
    const BoardEntry& kept = entries_.insert_or_assign(taken.alert, std::move(taken)).first->second;
    index(kept);
    changed_.insert(kept.alert);
  }
}

void AlertBoard::drop(Hash128 alert) {
  const auto at = entries_.find(alert);
  const auto country = by_country_.find(catalogue_->region(at->second.region).country);
  country->second.erase(alert);
  if (country->second.empty()) by_country_.erase(country);
  note_gone(at->second);
  entries_.erase(at);
}

void AlertBoard::forget_before(EventTime t) {
  for (auto at = entries_.begin(); at != entries_.end();) {
    BoardEntry& entry = at->second;
    if (entry.is_open() || entry.changes.back().at >= t) {
      forget_changes(entry, t);
      ++at;
      continue;
    }
    drop((at++)->first);
  }
}

void AlertBoard::rebind(const Catalogue& next) {
  by_country_.clear();
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto region = next.find_region(catalogue_->region(at->second.region).id);
    if (region) {
      at->second.region = *region;
      ++at;
    } else {
      note_gone(at->second);
      at = entries_.erase(at);
    }
  }
  catalogue_ = &next;
  for (const auto& [alert, entry] : entries_) index(entry);
}

void AlertBoard::write_entry(const BoardEntry& entry, std::string& bytes) const {
  ByteWriter to(bytes);
  to.u8(kStateVersion);
  to.hash(entry.alert);
  to.text(entry.identity);
  to.text(entry.rule);
  to.u32(static_cast<uint32_t>(entry.key.size()));
  for (const std::string& part : entry.key) to.text(part);
  to.u8(static_cast<uint8_t>(entry.driver));
  to.u8(static_cast<uint8_t>(entry.stage));
  to.u8(static_cast<uint8_t>(entry.status));
  to.text(catalogue_->region(entry.region).id);
  to.u32(static_cast<uint32_t>(entry.changes.size()));
  for (const BoardEntry::Change& change : entry.changes) {
    to.time(change.at);
    to.u8(static_cast<uint8_t>(change.level));
    to.u8(static_cast<uint8_t>(change.tlp));
    to.u32(static_cast<uint32_t>(change.evidence.size()));
    for (const EvidenceRef& ref : change.evidence) {
      to.u64(ref.seq);
      to.text(ref.role);
    }
  }
}

bool AlertBoard::restore(std::string_view bytes) {
  ByteReader from(bytes);
  if (from.u8() != kStateVersion) return false;
  BoardEntry entry;
  entry.alert = from.hash();
  entry.identity = from.text();
  entry.rule = from.text();
  entry.key.resize(from.count());
  for (std::string& part : entry.key) part = from.text();
  entry.driver = static_cast<Driver>(from.u8());
  entry.stage = static_cast<Stage>(from.u8());
  entry.status = static_cast<RuleStatus>(from.u8());
  const auto region = catalogue_->find_region(from.text());
  entry.changes.resize(from.count());
  for (BoardEntry::Change& change : entry.changes) {
    change.at = from.time();
    change.level = static_cast<Level>(from.u8());
    change.tlp = static_cast<Tlp>(from.u8());
    change.evidence.resize(from.count());
    for (EvidenceRef& ref : change.evidence) {
      ref.seq = from.u64();
      ref.role = from.text();
    }
  }
  if (!from.at_end() || !region || entry.changes.empty()) return false;
  entry.region = *region;
  entry.is_saved = true;
  const Hash128 alert = entry.alert;
  index(entries_[alert] = std::move(entry));
  return true;
}

}  // namespace tocsin::rules
