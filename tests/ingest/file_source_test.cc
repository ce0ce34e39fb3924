#include "ingest/file_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "ingest/event_decoder.h"
#include "ingest/file_position.h"
#include "tests/ingest/small_catalogue.h"

namespace tocsin::ingest {
namespace {

using testing::HasSubstr;

std::string line(int id) {
  return R"({"id":")" + std::to_string(id) +
         R"(","source":"ucdp-ged","indicator":"violence.state_based","time":"2011-03-18","region":"SY"})"
         "\n";
}

std::string lines(int first, int last) {
  std::string text;
  for (int id = first; id <= last; ++id) text += line(id);
  return text;
}

class FileSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "tocsin-file-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ / "events.ndjson";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }
  void append(const std::string& text) const {
    std::ofstream(path_, std::ios::binary | std::ios::app) << text;
  }

  FileSourceOptions options(bool follow) {
    FileSourceOptions options;
    options.name = "desk";
    options.path = path_.string();
    options.follow = follow;
    options.poll = std::chrono::milliseconds(5);
    options.read = [this](int file, void* to, size_t size, off_t offset) -> ssize_t {
      ++reads_;
      errno = failure_;
      return failure_ != 0 ? -1 : ::pread(file, to, size, offset);
    };
    options.make_decoder = [symbols = small_symbols()](std::string_view) {
      return std::make_shared<EventDecoder>(symbols, EventForm::kLines);
    };
    return options;
  }

  // Starts from what the last batch said, as the daemon would after a restart.
  void start(FileSource& source) {
    const Status started = source.start(queue_, [this](std::string_view stream) {
      EXPECT_EQ(stream, "file/desk");
      return position_;
    });
    ASSERT_TRUE(started) << started.error().message;
  }

  // Takes batches until their text is `wanted` bytes long, or nothing comes any more.
  std::string take(size_t wanted) {
    std::string text;
    while (text.size() < wanted) {
      auto batch = queue_.pop_until(std::chrono::steady_clock::now() + std::chrono::seconds(20));
      if (!batch) {
        ADD_FAILURE() << "only " << text.size() << " of " << wanted << " bytes came";
        return text;
      }
      EXPECT_EQ(batch->stream, "file/desk");
      EXPECT_GE(batch->bytes.capacity(), batch->size + kPadding);
      EXPECT_EQ(batch->first_position, next_record_);
      next_record_ += std::count(batch->bytes.begin(), batch->bytes.end(), '\n');
      text += batch->bytes.substr(0, batch->size);
      position_ = batch->next_position;
      ended_ = batch->end_of_stream;
    }
    return text;
  }

  template <typename Condition>
  static bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }
  // The source has looked at its file since.
  bool has_looked() {
    const int now = reads_;
    return eventually([&] { return reads_ >= now + 6; });
  }
  bool has_failed(const FileSource& source) {
    return eventually([&] { return !source.health().connected; });
  }
  bool is_well(const FileSource& source) {
    return eventually([&] { return source.health().connected; });
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
  std::atomic<int> reads_{0};
  std::atomic<int> failure_{0};  // errno of every read
  BatchQueue queue_{1 << 20};
  std::optional<std::string> position_;
  int64_t next_record_ = 1;
  bool ended_ = false;
};

TEST_F(FileSourceTest, ReadsAFileOnceInWholeRecordsAndSaysWhenItEnds) {
  const std::string text = lines(1, 500) + line(501).substr(0, 50);
  write(text);
  FileSourceOptions o = options(false);
  o.chunk_bytes = 1000;
  FileSource source(o);
  start(source);
  EXPECT_EQ(take(text.size()), text);
  source.stop();
  EXPECT_TRUE(source.health().finished);
  EXPECT_TRUE(ended_);
}

TEST_F(FileSourceTest, HandsOnVeryShortRecordsInSmallPieces) {
  std::string text;
  for (int64_t i = 0; i < 5 * kMaxBatchRecords + 1; ++i) text += "x\n";
  write(text);
  FileSource source(options(false));
  ASSERT_TRUE(source.start(queue_, [](std::string_view) { return std::nullopt; }));
  std::string got;
  while (auto batch =
             queue_.pop_until(std::chrono::steady_clock::now() + std::chrono::seconds(20))) {
    EXPECT_LE(batch->size, 2 * kMaxBatchRecords);
    EXPECT_EQ(batch->first_position, static_cast<int64_t>(got.size()) / 2 + 1);
    got += batch->bytes.substr(0, batch->size);
    if (batch->end_of_stream) break;
  }
  EXPECT_EQ(got, text);
}

TEST_F(FileSourceTest, RefusesToStartWithoutTheFile) {
  FileSource source(options(false));
  const Status started = source.start(queue_, [](std::string_view) { return std::nullopt; });
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(source.health().connected);
  EXPECT_TRUE(source.health().failed);
  EXPECT_EQ(source.health().message, started.error().message);
}

TEST_F(FileSourceTest, WaitsWhenTheQueueIsFullAndLosesNothing) {
  BatchQueue small(3000);
  const std::string text = lines(1, 300);
  write(text);
  FileSourceOptions o = options(false);
  o.chunk_bytes = 1000;
  FileSource source(o);
  ASSERT_TRUE(source.start(small, [](std::string_view) { return std::nullopt; }));
  std::string got;
  while (auto batch =
             small.pop_until(std::chrono::steady_clock::now() + std::chrono::seconds(20))) {
    EXPECT_LE(small.weight(), 3000u);
    got += batch->bytes.substr(0, batch->size);
    if (batch->end_of_stream) break;
  }
  EXPECT_EQ(got, text);
}

TEST_F(FileSourceTest, FollowsWhatIsAppendedLineByLine) {
  write(lines(1, 2));
  FileSource source(options(true));
  start(source);
  EXPECT_EQ(take(lines(1, 2).size()), lines(1, 2));
  append(line(3).substr(0, 20));
  append(line(3).substr(20) + line(4));
  EXPECT_EQ(take(lines(3, 4).size()), lines(3, 4));
  source.stop();
  EXPECT_TRUE(source.health().connected);
}

TEST_F(FileSourceTest, GoesOnAfterARestartWhereTheStoredPositionSays) {
  write(lines(1, 3));
  {
    FileSource source(options(true));
    start(source);
    EXPECT_EQ(take(lines(1, 3).size()), lines(1, 3));
  }
  append(lines(4, 5));
  FileSource source(options(true));
  start(source);
  EXPECT_EQ(take(lines(4, 5).size()), lines(4, 5));
}

TEST_F(FileSourceTest, ReadsARotatedFileToItsEndAndThenTheNewOne) {
  write(lines(1, 2));
  FileSource source(options(true));
  start(source);
  EXPECT_EQ(take(lines(1, 2).size()), lines(1, 2));
  std::string last = line(3);
  last.pop_back();  // the writer died before the line end
  append(last);
  std::filesystem::rename(path_, folder_ / "events.ndjson.1");
  next_record_ = 3;
  write(lines(10, 11));
  EXPECT_EQ(take(last.size()), last);
  next_record_ = 1;
  EXPECT_EQ(take(lines(10, 11).size()), lines(10, 11));
}

TEST_F(FileSourceTest, StartsAgainWhenTheFileWasCutShort) {
  write(lines(1, 4));
  FileSource source(options(true));
  start(source);
  EXPECT_EQ(take(lines(1, 4).size()), lines(1, 4));
  next_record_ = 1;
  write(line(9));  // same inode, shorter
  EXPECT_EQ(take(line(9).size()), line(9));
}

TEST_F(FileSourceTest, StartsAgainWhenTheFileWasWrittenAnewInItsPlace) {
  for (const int last : {14, 18}) {  // as long as before, and longer
    write(lines(11, 14));
    position_.reset();
    next_record_ = 1;
    FileSource source(options(true));
    start(source);
    EXPECT_EQ(take(lines(11, 14).size()), lines(11, 14));
    next_record_ = 1;
    const std::string anew = lines(31, 31) + lines(12, last);
    std::fstream(path_, std::ios::in | std::ios::out | std::ios::binary) << anew;
    EXPECT_EQ(take(anew.size()), anew);
    EXPECT_TRUE(source.health().connected);
    EXPECT_THAT(source.health().message, HasSubstr("written anew"));
  }
}

TEST_F(FileSourceTest, StartsAgainWhenTheUnfinishedFirstLineWasWrittenAnew) {
  write("#" + lines(1, 1).substr(0, 40));
  FileSource source(options(true));
  start(source);
  ASSERT_TRUE(is_well(source));
  std::fstream(path_, std::ios::in | std::ios::out | std::ios::binary) << lines(2, 3);
  EXPECT_EQ(take(lines(2, 3).size()), lines(2, 3));
}

TEST_F(FileSourceTest, ReadsWhatIsStillWrittenIntoTheOldFileAfterARotation) {
  write(lines(1, 2));
  FileSource source(options(true));
  start(source);
  EXPECT_EQ(take(lines(1, 2).size()), lines(1, 2));
  std::ofstream writer(path_, std::ios::binary | std::ios::app);
  std::filesystem::rename(path_, folder_ / "events.ndjson.1");
  write(lines(10, 11));
  for (int id = 3; id <= 5; ++id) {
    ASSERT_TRUE(has_looked());
    writer << line(id) << std::flush;
  }
  EXPECT_EQ(take(lines(3, 5).size()), lines(3, 5));
  next_record_ = 1;
  EXPECT_EQ(take(lines(10, 11).size()), lines(10, 11));
}

TEST_F(FileSourceTest, TakesNoReadErrorForTheEndOfAFile) {
  write(lines(1, 2));
  FileSource source(options(true));
  start(source);
  EXPECT_EQ(take(lines(1, 2).size()), lines(1, 2));
  failure_ = EIO;
  ASSERT_TRUE(has_failed(source));
  EXPECT_THAT(source.health().message, HasSubstr("Input/output error"));
  append(lines(3, 4));
  std::filesystem::rename(path_, folder_ / "events.ndjson.1");
  write(lines(10, 11));
  // Many more looks than a rotated file that does not grow is given.
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(has_looked());
  failure_ = 0;
  EXPECT_EQ(take(lines(3, 4).size()), lines(3, 4));
  next_record_ = 1;
  EXPECT_EQ(take(lines(10, 11).size()), lines(10, 11));
}

TEST_F(FileSourceTest, OpensTheFileAgainByItsNameWhenItsHandleIsStale) {
  write(lines(1, 2));
  FileSourceOptions o = options(true);
  struct stat old {};
  ASSERT_EQ(::stat(path_.c_str(), &old), 0);
  std::atomic<bool> is_stale{false};
  o.read = [&](int file, void* to, size_t size, off_t offset) -> ssize_t {
    struct stat now {};
    if (!is_stale || ::fstat(file, &now) != 0 || now.st_ino != old.st_ino) {
      return ::pread(file, to, size, offset);
    }
    errno = ESTALE;
    return -1;
  };
  FileSource source(o);
  start(source);
  EXPECT_EQ(take(lines(1, 2).size()), lines(1, 2));
  is_stale = true;
  ASSERT_TRUE(has_failed(source));
  EXPECT_THAT(source.health().message, HasSubstr("Stale file handle"));
  std::filesystem::rename(path_, folder_ / "gone");  // the inode stays taken
  next_record_ = 1;
  write(lines(1, 3));
  EXPECT_EQ(take(lines(1, 3).size()), lines(1, 3));
  EXPECT_THAT(source.health().message, HasSubstr("from its start"));
}

TEST_F(FileSourceTest, AStrayQuoteInAFollowedTableHoldsNothingBack) {
  const std::string stray = "1,\"open,x\n";
  const std::string good = "2,a,b\n3,c,d\n";
  write("n,a,b\n" + stray + good);
  FileSourceOptions o = options(true);
  o.framing = {.has_quotes = true};
  FileSource source(o);
  start(source);
  const std::string first = "n,a,b\n" + stray + good;
  EXPECT_EQ(take(first.size()), first) << "each line a record";
  const std::string two_rows = "4,\"two\nlines\",z\n5,e,f\n";
  append(two_rows);
  const auto batch = queue_.pop_until(std::chrono::steady_clock::now() + std::chrono::seconds(20));
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(std::string_view(batch->bytes).substr(0, batch->size), two_rows);
  EXPECT_EQ(batch->first_position, 5);
  EXPECT_EQ(parse_file_position(batch->next_position)->record, 7);
}

TEST_F(FileSourceTest, CountsTheRowsBehindAStrayQuoteAtTheEndOfATableToo) {
  const std::string text = "1,\"open,x\n2,a,b\n3,c,d";
  write(text);
  FileSourceOptions o = options(false);
  o.framing = {.has_quotes = true};
  FileSource source(o);
  start(source);
  EXPECT_EQ(take(text.size()), text);
  EXPECT_EQ(parse_file_position(*position_)->record, 4);
}

TEST_F(FileSourceTest, IsWellAgainOnAQuietFileWhenItCanBeReadAgain) {
  write(lines(1, 1));
  FileSource source(options(true));
  start(source);
  take(lines(1, 1).size());
  failure_ = EIO;
  ASSERT_TRUE(has_failed(source));
  failure_ = 0;
  EXPECT_TRUE(is_well(source));
  EXPECT_EQ(source.health().message, "");
}

TEST_F(FileSourceTest, WaitsForTheHeaderWhenItCannotBeReadAtTheStart) {
  write("id\n" + lines(1, 1));
  std::vector<std::string> headers;
  FileSourceOptions o = options(true);
  o.make_decoder = [&](std::string_view given) {
    headers.emplace_back(given);
    return std::make_shared<EventDecoder>(small_symbols(), EventForm::kLines);
  };
  {
    FileSource source(o);
    start(source);
    take(3 + lines(1, 1).size());
  }
  append(lines(2, 2));
  failure_ = EIO;
  FileSource source(o);
  start(source);
  ASSERT_TRUE(has_failed(source));
  failure_ = 0;
  EXPECT_EQ(take(lines(2, 2).size()), lines(2, 2));
  EXPECT_THAT(headers, testing::ElementsAre("", "id\n"));
}

TEST_F(FileSourceTest, DoesNotTakeAnotherFileForTheOneItRead) {
  write(lines(1, 3));
  {
    FileSource source(options(true));
    start(source);
    take(lines(1, 3).size());
  }
  write(lines(7, 9));  // same inode and length, other content
  next_record_ = 1;
  FileSource source(options(true));
  start(source);
  EXPECT_EQ(take(lines(7, 9).size()), lines(7, 9));
  EXPECT_THAT(source.health().message, HasSubstr("from its start"));
}

TEST_F(FileSourceTest, HandsTheHeaderOverWhenItGoesOnBehindIt) {
  const std::string header = "id,\"a\nb\"\n";
  write(header + "1,2\n");
  std::vector<std::string> headers;
  FileSourceOptions o = options(true);
  o.framing = {.has_quotes = true};
  o.make_decoder = [&](std::string_view given) {
    headers.emplace_back(given);
    return std::make_shared<EventDecoder>(small_symbols(), EventForm::kLines);
  };
  {
    FileSource source(o);
    ASSERT_TRUE(source.start(queue_, [](std::string_view) { return std::nullopt; }));
    auto batch = queue_.pop_until(std::chrono::steady_clock::now() + std::chrono::seconds(20));
    ASSERT_TRUE(batch.has_value());
    position_ = batch->next_position;
    EXPECT_EQ(parse_file_position(*position_)->record, 3) << "two records were read";
  }
  append("3,4\n");
  FileSource source(o);
  ASSERT_TRUE(source.start(queue_, [this](std::string_view) { return position_; }));
  auto batch = queue_.pop_until(std::chrono::steady_clock::now() + std::chrono::seconds(20));
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ(batch->bytes.substr(0, batch->size), "3,4\n");
  EXPECT_EQ(batch->first_position, 3);
  EXPECT_THAT(headers, testing::ElementsAre("", header));
}

TEST(FilePosition, ReadsWhatItWrote) {
  const FilePosition position{12, 345, 6, "abc", 77};
  EXPECT_EQ(to_text(position), "12:345:6:77:abc");
  const auto read = parse_file_position(to_text(position));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(to_text(*read), to_text(position));
  for (const std::string_view bad : {"", "1:2", "1:2:0:4:x", "a:1:1:1:x", "1:2:3:99999:x"}) {
    EXPECT_FALSE(parse_file_position(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace tocsin::ingest
