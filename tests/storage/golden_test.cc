#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include "folder_text.h"
#include "recording_observer.h"
#include "storage/codec.h"
#include "store_fixture.h"

// Data folders that were once written open for ever, and hold what they held. Made by
// golden_folder; never made anew: a format that changes gets a folder of its own.
namespace tocsin::storage {
namespace {

using namespace testing;
namespace fs = std::filesystem;

const fs::path kGolden = fs::path(TOCSIN_SOURCE_DIR) / "tests/storage/golden";

std::vector<std::string> golden_folders() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kGolden)) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

std::string text_of(const std::string& path, bool read_only) {
  const auto store = open_folder(path, read_only);
  if (!store) return store.error().message;
  const auto text = folder_text(**store, *small_catalogue());
  return text ? *text : text.error().message;
}

class GoldenFolder : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    fs::copy(kGolden / GetParam(), path_);
    const fs::path own = kGolden / (GetParam() + ".txt");
    expected_ = read_file(fs::exists(own) ? own : kGolden / "contents.txt");
    ASSERT_FALSE(expected_.empty());
  }
  // Of a format that the owner brings up to date when it opens it.
  bool is_older() const { return GetParam().starts_with("format-1"); }

  TemporaryFolder folder_;
  const std::string path_ = folder_.path("data");
  std::string expected_;
};

TEST_P(GoldenFolder, IsReadBesideItsOwner) {
  const std::string text = text_of(path_, /*read_only=*/true);
  if (is_older()) {
    EXPECT_NE(text.find("start the daemon on it once"), std::string::npos) << text;
  } else {
    EXPECT_EQ(text, expected_);
  }
}

TEST_P(GoldenFolder, OpensAndHoldsWhatItHeld) {
  EXPECT_EQ(text_of(path_, /*read_only=*/false), expected_);
  EXPECT_EQ(text_of(path_, /*read_only=*/false), expected_) << "opened again";
  EXPECT_EQ(text_of(path_, /*read_only=*/true), expected_);
}

TEST_P(GoldenFolder, GoesOnAndIsSound) {
  {
    const auto store = open_folder(path_);
    ASSERT_TRUE(store) << store.error().message;
    const JournalSeq last = (*store)->last_seq();
    ASSERT_TRUE(commit_events(**store, *small_catalogue(), 300, 10, at_second(2'000'002)));
    EXPECT_EQ((*store)->last_seq(), last + 10);
    EXPECT_EQ(journal_ids(**store, last + 1).size(), 10u);
  }
  RecordingObserver observer;
  const auto seen = verify_folder(path_, observer);
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ(observer.text(), "");
}

std::string name_of(const ::testing::TestParamInfo<std::string>& folder) {
  std::string name = folder.param;
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Of, GoldenFolder, ::testing::ValuesIn(golden_folders()), name_of);

// The owner was killed between two writes, with half of the ids moved.
TEST(GoldenFolders, OfFormat1GoOnWhereTheirMigrationWasCutOff) {
  TemporaryFolder folder;
  const std::string path = folder.path("data");
  fs::copy(kGolden / "format-1", path);
  {
    // As migrate() begins: the format, the mark, and the first rows moved.
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, path, &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const auto& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, path, families, &handles, &opened).ok());
    const std::unique_ptr<rocksdb::DB> db(opened);
    const auto ids = std::ranges::find_if(
        handles, [](const auto* handle) { return handle->GetName() == "ids"; });
    ASSERT_NE(ids, handles.end());
    rocksdb::WriteBatch batch;
    {
      const std::unique_ptr<rocksdb::Iterator> at(db->NewIterator({}, *ids));
      at->Seek("b");
      ASSERT_TRUE(at->Valid() && at->key().size() == 9 && at->key()[0] == 'b');
      ASSERT_TRUE(batch.Put(*ids, rocksdb::Slice(at->key().data() + 1, 8), at->value()).ok());
      ASSERT_TRUE(batch.Delete(*ids, at->key()).ok());
    }
    ASSERT_TRUE(batch.Put("s:format", encode_format(2)).ok());
    ASSERT_TRUE(batch.Put("s:migration", encode_format(1)).ok());
    ASSERT_TRUE(db->Write({}, &batch).ok());
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
  }
  EXPECT_NE(text_of(path, /*read_only=*/true).find("start the daemon on it once"),
            std::string::npos);
  EXPECT_EQ(text_of(path, /*read_only=*/false), read_file(kGolden / "contents.txt"));
  EXPECT_EQ(text_of(path, /*read_only=*/true), read_file(kGolden / "contents.txt"));
}

TEST(GoldenFolders, AreThere) { EXPECT_GE(golden_folders().size(), 4u); }

}  // namespace
}  // namespace tocsin::storage
