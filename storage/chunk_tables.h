#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "rules/model/catalogue.h"
#include "storage/bytes.h"

namespace tocsin::storage {

// What the records of one journal chunk share: each text once, and the names behind the numbers of
// sources, indicators and regions. Numbers of a catalogue never reach the disk, names do.
//
// A source also keeps the id and time of its first event here; those of the others are told as what
// differs, which is short, and each record can still be read without the ones ahead of it.
// Thread-safety: a value.
struct ChunkTables {
  struct Place {
    uint32_t offset;
    uint32_t size;
  };
  struct SourceEntry {
    uint32_t name;  // index of a text
    uint32_t base_id;
    int64_t base_time;
    SourceId id{};
    bool known = false;  // in the catalogue of the last resolve()
  };
  template <typename Id>
  struct NameEntry {
    uint32_t name;
    Id id{};
    bool known = false;
  };

  std::string_view text(uint32_t index) const {
    const Place place = texts[index];
    return {text_bytes.data() + place.offset, place.size};
  }
  uint32_t add_text(std::string_view text);
  void clear();
  // Finds the names in `catalogue`.
  void resolve(const Catalogue& catalogue);
  // Without a catalogue: each name is known, its number is its place here.
  void resolve_to_places();

  void write(ByteBuffer& to) const;
  // False when the bytes are not what write() made.
  bool read(ByteReader& from);

  ByteBuffer text_bytes;
  std::vector<Place> texts;
  std::vector<SourceEntry> sources;
  std::vector<NameEntry<IndicatorId>> indicators;
  std::vector<NameEntry<RegionId>> regions;
};

}  // namespace tocsin::storage
