#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "rules/model/hash.h"
#include "storage/bytes.h"

// Layout of keys (README.md). Big endian, so that keys sort as their numbers. Part of the
// persistent format.
namespace tocsin::storage::keys {

// meta
inline constexpr std::string_view kFormat = "s:format";
inline constexpr std::string_view kMigration = "s:migration";  // there while one is under way
inline constexpr std::string_view kErasure = "s:erasure";
inline constexpr std::string_view kCounters = "s:counters";
inline constexpr std::string_view kSinks = "s:sinks";
inline std::string named(std::string_view name) { return "n:" + std::string(name); }

// journal, journal_index, ids, ids_index, alert_log, dead_letters
inline std::string number(uint64_t number) {
  std::string key;
  put_big(key, number);
  return key;
}
inline uint64_t read_number(std::string_view key) { return ByteReader(key).big<uint64_t>(); }

// alert_index: a letter, then a number or a hash
inline constexpr char kLatestAlert = 'a';
inline constexpr char kLatestOpenAlert = 'o';
inline constexpr char kAlertHead = 'h';

inline std::string lettered(char letter, uint64_t number) {
  std::string key(1, letter);
  put_big(key, number);
  return key;
}
inline std::string lettered(char letter, Hash128 hash) {
  std::string key(1, letter);
  put_hash(key, hash);
  return key;
}

// alerts
inline std::string alert(Hash128 id, uint32_t seq) {
  std::string key;
  put_hash(key, id);
  put_big(key, seq);
  return key;
}

// outbox
inline std::string outbox(uint16_t sink, uint64_t order) {
  std::string key;
  put_big(key, sink);
  put_big(key, order);
  return key;
}

}  // namespace tocsin::storage::keys
