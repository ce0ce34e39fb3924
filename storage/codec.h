#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/bytes.h"
#include "storage/store.h"

// Values of all tables but journal and ids (README.md). Each begins with its version; decode gives
// false when the bytes are not what encode made, which is damage. Part of the persistent format.
namespace tocsin::storage {

// The format of the data folder as a whole. An older tocsin refuses a newer folder; an older folder
// is brought up to ours (migration.h) or refused.
inline constexpr uint32_t kFormatVersion = 2;
std::string encode_format(uint32_t version);
// kCorrupt when the bytes are none.
Result<uint32_t> decode_format(std::string_view bytes);
// What is said of a folder of another format than ours, with the way out.
Error foreign_format(uint32_t version);

// Where numbers stand; written with every commit.
struct Counters {
  uint64_t last_seq = 0;
  uint64_t checkpoint_seq = 0;
  uint64_t dropped_seq = 0;  // retention dropped the records up to it
  uint64_t last_order = 0;
  uint64_t last_dead_letter = 0;
  uint64_t journal_events = 0;  // kept, not ever accepted
  uint64_t alerts_open = 0;
  uint64_t alert_records = 0;
  uint64_t dead_letters = 0;
  friend bool operator==(const Counters&, const Counters&) = default;
};
std::string encode(const Counters& counters);
bool decode(std::string_view bytes, Counters& counters);

// How far retention by marking has come.
struct ErasureRow {
  using Through = std::array<uint64_t, kTlps>;  // by Tlp: what is marked so was looked at up to it
  Through events{};                             // record
  Through alerts{};                             // line of the alert log
  EventTime before = kMinEventTime;             // Store::erased_before()
  // Chunks whose former bytes the disk may still have: none when `purge_first` is 0.
  uint64_t purge_first = 0;
  uint64_t purge_last = 0;
  bool purge_alerts = false;
  friend bool operator==(const ErasureRow&, const ErasureRow&) = default;
};
std::string encode(const ErasureRow& row);
bool decode(std::string_view bytes, ErasureRow& row);

// A sink that was ever declared.
struct SinkRow {
  std::string name;
  uint16_t number = 0;
  bool declared = true;  // by the last declare_sinks
};
std::string encode(const std::vector<SinkRow>& sinks);
bool decode(std::string_view bytes, std::vector<SinkRow>& sinks);

// journal_index, of one chunk
struct ChunkRow {
  WallTime committed{};
  uint32_t records = 0;
  uint32_t events = 0;
};
std::string encode(const ChunkRow& row);
bool decode(std::string_view bytes, ChunkRow& row);

// alerts, one transition
struct AlertRow {
  uint64_t order = 0;
  WallTime committed{};
  bool open = true;
  bool notify = true;
  std::string_view json;
};
std::string encode(const AlertRow& row);
bool decode(std::string_view bytes, AlertRow& row);

// alert_log, alert_index and outbox: which transition
struct AlertRef {
  Hash128 alert;
  uint32_t seq = 0;
  uint64_t order = 0;
  WallTime committed{};
  bool open = true;
};
std::string encode(const AlertRef& ref);
bool decode(std::string_view bytes, AlertRef& ref);

// dead_letters; the number is the key
std::string encode(const DeadLetter& letter, WallTime committed);
bool decode(std::string_view bytes, DeadLetter& letter, WallTime& committed);

}  // namespace tocsin::storage
