#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <map>
#include <set>

#include "full_folder.h"
#include "storage/key_value.h"
#include "store_fixture.h"

// A flipped byte in any table: what is read was written, or it is told as damage.
namespace tocsin::storage {
namespace {

using namespace testing;
namespace fs = std::filesystem;

// Column family of each table file.
std::map<std::string, std::string> table_files(const std::string& path) {
  std::vector<std::string> names;
  EXPECT_TRUE(rocksdb::DB::ListColumnFamilies({}, path, &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  EXPECT_TRUE(rocksdb::DB::OpenForReadOnly({}, path, families, &handles, &db).ok());
  std::vector<rocksdb::LiveFileMetaData> files;
  db->GetLiveFilesMetaData(&files);
  for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
  delete db;
  std::map<std::string, std::string> found;
  for (const rocksdb::LiveFileMetaData& file : files) found[file.name] = file.column_family_name;
  return found;
}

TEST(FlippedByte, InAnyTableIsNeverServedAsData) {
  TemporaryFolder folder;
  fill(folder.path());
  ASSERT_TRUE(open_folder(folder.path()));  // what the log holds becomes tables
  const Result<std::string> sound = read_all(folder.path());
  ASSERT_TRUE(sound) << sound.error().message;
  std::set<std::string> families;
  for (const auto& [name, family] : table_files(folder.path())) {
    const fs::path file = folder.path() + name;
    const std::string bytes = read_file(file);
    families.insert(family);
    for (size_t at = 3; at < bytes.size(); at += 1 + bytes.size() / 20) {
      SCOPED_TRACE(fmt::format("{}, table {}, byte {} of {}", name, family, at, bytes.size()));
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ 1);
      write_file(file, flipped);
      const Result<std::string> found = read_all(folder.path());
      if (found) {
        EXPECT_EQ(*found, *sound);
        EXPECT_NE(at, 3u) << "the first block holds rows that are read";
      } else {
        EXPECT_EQ(found.error().code, ErrorCode::kCorrupt) << found.error().message;
      }
    }
    write_file(file, bytes);
  }
  for (size_t i = 0; i < kTables; ++i) {
    EXPECT_EQ(families.count(std::string(table_name(static_cast<Table>(i)))), 1u)
        << "no file of " << table_name(static_cast<Table>(i));
  }
}

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
