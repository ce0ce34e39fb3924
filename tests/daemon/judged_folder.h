#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "daemon/folder_verification.h"
#include "daemon/rebuild.h"
#include "storage/key_value.h"
#include "storage/store.h"
#include "storage/verify_rows.h"

// What `rebuild` and `verify` say of a store.
namespace tocsin::daemon {

inline void expect_rebuilt_the_same(storage::Store& store) {
  const auto report = rebuild(store, {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_THAT(report->first_differences, testing::IsEmpty());
  EXPECT_EQ(report->warning, "");
}

// "" when all is well; else "CODE PLACE: WHAT (REMEDY)", and "note: REMARK", one a line.
inline std::string verify(const storage::KeyValue& tables) {
  FolderVerification found([](std::string_view, uint64_t, uint64_t) {});
  storage::VerifiedFolder seen;
  storage::verify_rows(tables, found, seen);
  found.finish(seen);
  std::string text;
  for (const storage::Damage& each : found.damage()) {
    text += fmt::format("{} {}: {} ({})\n", each.code, each.where, each.what, each.remedy);
  }
  for (const std::string& remark : found.remarks()) text += "note: " + remark + "\n";
  return text;
}

}  // namespace tocsin::daemon
