#include "storage/chunk_tables.h"

namespace tocsin::storage {
namespace {

template <typename Id>
void write_names(const std::vector<ChunkTables::NameEntry<Id>>& names, ByteBuffer& to) {
  char* end = to.room((names.size() + 1) * kMaxVarintBytes);
  end = write_varint(end, names.size());
  for (const auto& entry : names) end = write_varint(end, entry.name);
  to.advance_to(end);
}

// Every entry takes a byte at least: a count beyond what is left is damage, not a reason to
// allocate.
bool read_count(ByteReader& from, size_t& count) {
  const uint64_t told = from.varint();
  count = static_cast<size_t>(told);
  return from.ok() && told <= from.left();
}

bool read_text_index(ByteReader& from, size_t texts, uint32_t& index) {
  const uint64_t told = from.varint();
  index = static_cast<uint32_t>(told);
  return from.ok() && told < texts;
}

template <typename Id>
bool read_names(ByteReader& from, size_t texts, std::vector<ChunkTables::NameEntry<Id>>& names) {
  size_t count = 0;
  if (!read_count(from, count)) return false;
  names.resize(count);
  for (auto& entry : names) {
    if (!read_text_index(from, texts, entry.name)) return false;
  }
  return true;
}

}  // namespace

uint32_t ChunkTables::add_text(std::string_view text) {
  texts.push_back({static_cast<uint32_t>(text_bytes.size()), static_cast<uint32_t>(text.size())});
  text_bytes.append(text);
  return static_cast<uint32_t>(texts.size() - 1);
}

void ChunkTables::clear() {
  text_bytes.clear();
  texts.clear();
  sources.clear();
  indicators.clear();
  regions.clear();
}

void ChunkTables::resolve(const Catalogue& catalogue) {
  const auto set = [](auto& entry, const auto& found) {
    entry.known = found.has_value();
    if (found) entry.id = *found;
  };
  for (SourceEntry& entry : sources) set(entry, catalogue.find_source(text(entry.name)));
  for (auto& entry : indicators) set(entry, catalogue.find_indicator(text(entry.name)));
  for (auto& entry : regions) set(entry, catalogue.find_region(text(entry.name)));
}

void ChunkTables::resolve_to_places() {
  const auto set = [](auto& entries) {
    for (size_t i = 0; i < entries.size(); ++i) {
      entries[i].known = true;
      entries[i].id = static_cast<decltype(entries[i].id)>(i);
    }
  };
  set(sources);
  set(indicators);
  set(regions);
}

void ChunkTables::write(ByteBuffer& to) const {
  char* end = to.room((texts.size() + 1) * kMaxVarintBytes);
  end = write_varint(end, texts.size());
  for (const Place& place : texts) end = write_varint(end, place.size);
  to.advance_to(end);
  to.append(text_bytes.view());
  end = to.room((3 * sources.size() + 1) * kMaxVarintBytes);
  end = write_varint(end, sources.size());
  for (const SourceEntry& entry : sources) {
    end = write_varint(end, entry.name);
    end = write_varint(end, entry.base_id);
    end = write_varint(end, zigzag(entry.base_time));
  }
  to.advance_to(end);
  write_names(indicators, to);
  write_names(regions, to);
}

bool ChunkTables::read(ByteReader& from) {
  clear();
  size_t count = 0;
  if (!read_count(from, count)) return false;
  texts.resize(count);
  uint64_t size = 0;
  for (Place& place : texts) {
    const uint64_t told = from.varint();
    if (told > from.left()) return false;
    place = {static_cast<uint32_t>(size), static_cast<uint32_t>(told)};
    size += told;
    if (size > from.left()) return false;
  }
  text_bytes.append(from.bytes(size));
  if (!read_count(from, count)) return false;
  sources.resize(count);
  for (SourceEntry& entry : sources) {
    if (!read_text_index(from, texts.size(), entry.name)) return false;
    if (!read_text_index(from, texts.size(), entry.base_id)) return false;
    entry.base_time = from.signed_varint();
  }
  return read_names(from, texts.size(), indicators) && read_names(from, texts.size(), regions) &&
         from.ok();
}

}  // namespace tocsin::storage
