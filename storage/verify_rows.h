#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage/codec.h"
#include "storage/key_value.h"
#include "storage/verify.h"

// The parts of verify_folder() that look at rows, over any tables. Each tells the observer what is
// wrong and counts what it saw.
namespace tocsin::storage {

// What the parts share.
struct RowCheck {
  const KeyValue& tables;
  VerifyObserver& observer;
  VerifiedFolder& seen;
  Counters counters;
  ErasureRow erasure;
  bool has_counters = false;  // else there is nothing to compare with

  void damaged(std::string_view code, std::string where, std::string what, std::string remedy);
  // Reads a table from its beginning; false when it cannot be read to its end, which is told.
  bool scan(Table table, const KeyValue::Each& each);
  // A row; nullopt when there is none, or when it cannot be read, which is told.
  std::optional<std::string> get(Table table, std::string_view key);
};

inline constexpr std::string_view kRestore = "restore a backup (`tocsin restore`)";

// "table journal, key 17", with keys that are no text as hexadecimal digits.
std::string place_of(Table table, std::string_view key);

void verify_names(RowCheck& check);  // meta, positions, state, dead letters; finds the counters
void verify_alerts(RowCheck& check);
void verify_journal(RowCheck& check);  // with the ids

// All of them.
void verify_rows(const KeyValue& tables, VerifyObserver& observer, VerifiedFolder& seen);

}  // namespace tocsin::storage
