#include "rules/group_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace tocsin::rules {

namespace {

constexpr uint32_t kNoId = 0xFFFFFFFF;

uint64_t mixed(uint64_t x) {  // the finaliser of MurmurHash3
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  x ^= x >> 33;
  return x;
}

void append(Hash128& hash, uint64_t part) {
  hash.low = mixed(hash.low ^ (part + 0x9e3779b97f4a7c15ULL));
  hash.high = mixed(hash.high + part * 0xc2b2ae3d27d4eb4fULL + 1);
}

void append(Hash128& hash, std::string_view text) {
  const Hash128 part = hash128(text);
  append(hash, part.low);
  hash.high ^= part.high;
}

}  // namespace

EachTexts each_of(const Rule& rule, const Event& event, Arena& arena) {
  const cel::Outcome found = rule.each->run(&event, {}, arena);
  const bool is_list = found.ok() && found.value.kind() == cel::Kind::kList;
  EachTexts each;
  each.is_error = !is_list;
  const auto taken = arena.array<std::string_view>(kMostEach);
  size_t count = 0;
  for (const cel::Value& item : is_list ? found.value.items() : std::span<const cel::Value>{}) {
    if (item.kind() != cel::Kind::kString || item.text().empty()) continue;
    const auto known = taken.first(count);
    if (std::find(known.begin(), known.end(), item.text()) != known.end()) continue;
    if (count == kMostEach) {
      each.is_cut = true;
      break;
    }
    taken[count++] = item.text();
  }
  each.texts = taken.first(std::max<size_t>(count, 1));
  return each;
}

std::string_view GroupKeyer::attr_text(const Event& event, const std::string& name,
                                       bool& is_missing) {
  for (const Attr& attr : event.attrs) {
    if (attr.key != name) continue;
    if (const auto* text = std::get_if<std::string_view>(&attr.value)) return *text;
    scratch_.clear();
    if (const auto* i = std::get_if<int64_t>(&attr.value)) {
      fmt::format_to(std::back_inserter(scratch_), "{}", *i);
      return scratch_;
    }
    if (const auto* d = std::get_if<double>(&attr.value)) {
      fmt::format_to(std::back_inserter(scratch_), "{}", *d);
      return scratch_;
    }
    if (const auto* b = std::get_if<bool>(&attr.value)) return *b ? "true" : "false";
  }
  is_missing = true;
  return kMissingValue;
}

std::optional<Hash128> GroupKeyer::hash(const Event& event) {
  Hash128 hash;
  bool is_missing = false;
  for (const GroupKey& key : *by_) {
    switch (key.kind) {
      case GroupKey::Kind::kRegion: {
        const auto region = catalogue_->lift(event.region, key.level);
        is_missing = is_missing || !region;
        append(hash, region ? static_cast<uint32_t>(*region) : kNoId);
        break;
      }
      case GroupKey::Kind::kSource:
        append(hash, static_cast<uint64_t>(event.source));
        break;
      case GroupKey::Kind::kIndicator:
        append(hash, static_cast<uint64_t>(event.indicator));
        break;
      case GroupKey::Kind::kAttr:
        append(hash, attr_text(event, key.attr, is_missing));
        break;
      case GroupKey::Kind::kEach:
        is_missing = is_missing || each_.empty();
        append(hash, each_.empty() ? kMissingValue : each_);
        break;
    }
  }
  if (is_missing && missing_ == MissingKey::kDrop) return std::nullopt;
  return hash;
}

std::vector<std::string> GroupKeyer::texts(const Event& event) {
  std::vector<std::string> texts;
  bool is_missing = false;
  for (const GroupKey& key : *by_) {
    switch (key.kind) {
      case GroupKey::Kind::kRegion: {
        const auto region = catalogue_->lift(event.region, key.level);
        texts.emplace_back(region ? std::string_view(catalogue_->region(*region).id)
                                  : kMissingValue);
        break;
      }
      case GroupKey::Kind::kSource:
        texts.push_back(catalogue_->source(event.source).name);
        break;
      case GroupKey::Kind::kIndicator:
        texts.push_back(catalogue_->indicator(event.indicator).name);
        break;
      case GroupKey::Kind::kAttr:
        texts.emplace_back(attr_text(event, key.attr, is_missing));
        break;
      case GroupKey::Kind::kEach:
        texts.emplace_back(each_.empty() ? kMissingValue : each_);
        break;
    }
  }
  return texts;
}

std::optional<Hash128> GroupKeyer::hash(const std::vector<std::string>& texts) {
  if (texts.size() != by_->size()) return std::nullopt;
  Hash128 hash;
  for (size_t i = 0; i < texts.size(); ++i) {
    switch ((*by_)[i].kind) {
      case GroupKey::Kind::kRegion: {
        const auto region = catalogue_->find_region(texts[i]);
        if (!region && texts[i] != kMissingValue) return std::nullopt;
        append(hash, region ? static_cast<uint32_t>(*region) : kNoId);
        break;
      }
      case GroupKey::Kind::kSource: {
        const auto source = catalogue_->find_source(texts[i]);
        if (!source) return std::nullopt;
        append(hash, static_cast<uint64_t>(*source));
        break;
      }
      case GroupKey::Kind::kIndicator: {
        const auto indicator = catalogue_->find_indicator(texts[i]);
        if (!indicator) return std::nullopt;
        append(hash, static_cast<uint64_t>(*indicator));
        break;
      }
      case GroupKey::Kind::kAttr:
      case GroupKey::Kind::kEach:
        append(hash, std::string_view(texts[i]));
        break;
    }
  }
  return hash;
}

std::optional<RegionId> GroupKeyer::region(const std::vector<std::string>& texts) const {
  for (size_t i = 0; i < by_->size(); ++i) {
    if ((*by_)[i].kind == GroupKey::Kind::kRegion) return catalogue_->find_region(texts[i]);
  }
  return std::nullopt;
}

}  // namespace tocsin::rules
