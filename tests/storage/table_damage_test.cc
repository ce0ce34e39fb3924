#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <map>

#include "store_fixture.h"

// What the files of the tables are like.
namespace tocsin::storage {
namespace {

using namespace testing;

// Flushed files then move down the levels as they are, instead of being merged again and again.
TEST(TableFiles, OfWhatIsAppendedInOrderDoNotOverlap) {
  TemporaryFolder folder;
  const auto catalogue = small_catalogue();
  for (uint64_t i = 0; i < 4; ++i) {  // each opening writes the log of the one before into tables
    const auto store = open_folder(folder.path());
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE(commit_events(**store, *catalogue, i * 10, 10));
  }
  std::vector<std::string> names;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, folder.path(), &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::OpenForReadOnly({}, folder.path(), families, &handles, &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  for (rocksdb::ColumnFamilyHandle* handle : handles) {
    const std::string name = handle->GetName();
    if (name != "journal" && name != "journal_index" && name != "ids" && name != "ids_index") {
      db->DestroyColumnFamilyHandle(handle);
      continue;
    }
    rocksdb::ColumnFamilyMetaData meta;
    db->GetColumnFamilyMetaData(handle, &meta);
    std::map<std::string, std::string> ranges;  // from the smallest key to the largest
    for (const rocksdb::LevelMetaData& level : meta.levels) {
      for (const rocksdb::SstFileMetaData& file : level.files) {
        EXPECT_TRUE(ranges.emplace(file.smallestkey, file.largestkey).second) << name;
      }
    }
    EXPECT_GE(ranges.size(), 3u) << name;
    std::string above;
    for (const auto& [smallest, largest] : ranges) {
      EXPECT_LT(above, smallest) << name;
      above = largest;
    }
    db->DestroyColumnFamilyHandle(handle);
  }
}

}  // namespace
}  // namespace tocsin::storage
