#include "daemon/disk_space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/daemon/temporary_folder.h"

namespace tocsin::daemon {
namespace {

constexpr uint64_t kMebi = 1u << 20;

// A disk that says what it is told to.
struct Disk {
  Result<DiskSpace::Size> size = DiskSpace::Size{.free = 0, .total = 1000 * kMebi};

  DiskSpace::Ask ask() {
    return [this] { return size; };
  }
  void set_free(uint64_t mebibytes) { size->free = mebibytes * kMebi; }
};

TEST(DiskSpace, IsLowUntilAQuarterMoreThanTheFloorIsFree) {
  Disk disk;
  DiskSpace space(disk.ask(), 100 * kMebi);
  EXPECT_EQ(space.last(), std::nullopt);
  const struct {
    uint64_t free;
    bool is_low;
  } steps[] = {{101, false}, {100, false}, {99, true},   {100, true}, {124, true},
               {125, false}, {124, false}, {100, false}, {0, true},   {1000, false}};
  for (const auto& step : steps) {
    disk.set_free(step.free);
    EXPECT_EQ(space.look().is_low, step.is_low) << step.free;
    EXPECT_EQ(space.last()->free, step.free * kMebi);
  }
}

TEST(DiskSpace, FloorIsATwentiethOfASmallDiskAndHalfAGibibyteOfALargeOne) {
  Disk disk;
  DiskSpace space(disk.ask(), std::nullopt);
  EXPECT_EQ(space.look().floor, 50 * kMebi);
  disk.size->total = 1'000'000 * kMebi;
  EXPECT_EQ(space.look().floor, 512 * kMebi);
}

TEST(DiskSpace, WithoutAFloorIsNeverLow) {
  Disk disk;
  DiskSpace space(disk.ask(), 0);
  EXPECT_FALSE(space.look().is_low);
}

TEST(DiskSpace, ADiskThatDoesNotAnswerChangesNothing) {
  Disk disk;
  DiskSpace space(disk.ask(), 100 * kMebi);
  disk.set_free(1);
  ASSERT_TRUE(space.look().is_low);
  disk.size = unavailable("input/output error");
  EXPECT_TRUE(space.look().is_low);
  DiskSpace never_asked(disk.ask(), 100 * kMebi);
  EXPECT_FALSE(never_asked.look().is_low);
}

TEST(DiskSpace, AsksTheFileSystemOfAFolder) {
  const TemporaryFolder folder;
  const auto size = disk_of(folder.path("."))();
  ASSERT_TRUE(size) << size.error().message;
  EXPECT_GT(size->free, 0u);
  EXPECT_GE(size->total, size->free);
  const auto gone = disk_of(folder.path("gone"))();
  ASSERT_FALSE(gone);
  EXPECT_THAT(gone.error().message, testing::HasSubstr("gone"));
}

TEST(DiskSpace, IsDescribedInWordsThatSayWhatToWaitFor) {
  EXPECT_EQ(describe({.free = 12 * kMebi, .floor = 100 * kMebi, .is_low = true}),
            "the disk of the data folder is nearly full: 12.0 MiB free, min_free_disk is 100.0 "
            "MiB; input is taken again when 125.0 MiB are");
}

}  // namespace
}  // namespace tocsin::daemon
