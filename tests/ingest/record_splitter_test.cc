#include "ingest/record_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "ingest/csv_reader.h"

namespace tocsin::ingest {
namespace {

constexpr Framing kLines{};
constexpr Framing kQuoted{.has_quotes = true, .delimiter = ','};

TEST(RecordSplitter, KeepsQuotedLineFeedsInside) {
  EXPECT_EQ(first_record("a,b\nc", kLines), 4u);
  EXPECT_EQ(first_record("a,b", kLines), std::nullopt);
  EXPECT_EQ(first_record("\"a\nb\"\nc\n", kQuoted), 6u);
  EXPECT_EQ(first_record("\"a\nb", kQuoted), std::nullopt);
  EXPECT_EQ(first_record("\"a\"\"\nb\"\n", kQuoted), 8u);
  EXPECT_EQ(first_record("x, \"a\nb\" \r\nc\n", kQuoted), 11u);
  EXPECT_EQ(first_record("\xEF\xBB\xBF\"a\nb\"\nc\n", kQuoted), 9u) << "behind a mark";
  EXPECT_EQ(first_record("\"a\nb\"\tc\n", {.has_quotes = true, .delimiter = '\t'}), 8u);
  const WholeRecords whole = whole_records("a\n\"b\n\"\nc", kQuoted);
  EXPECT_EQ(whole.bytes, 7u);
  EXPECT_EQ(whole.records, 2);
}

TEST(RecordSplitter, CutsAtTheFirstLineFeedWhereAQuoteIsAStrayOne) {
  EXPECT_EQ(first_record("5\" shell\nnext\"\n", kQuoted), 9u) << "inside a cell";
  EXPECT_EQ(first_record("\"open\n\"next\",x\n", kQuoted), 6u) << "closed by another row's";
  EXPECT_EQ(first_record("\"a\"b\n\"\n", kQuoted), 5u) << "text behind it";
  EXPECT_EQ(first_record("\"a\" \"b\n\"\n", kQuoted), 7u) << "two in a cell";
  EXPECT_EQ(first_record_at_end("\"open\nnext\n", kQuoted), 6u) << "never closed";
  EXPECT_EQ(first_record_at_end("\"open", kQuoted), 5u);
  EXPECT_EQ(whole_records_at_end("\"open\na\nb", kQuoted).records, 3);
  const std::string torn = "\"a\n" + std::string(kMaxRecordBytes, 'x');
  EXPECT_EQ(first_record(torn, kQuoted), 3u) << "not closed in a mebibyte";
}

// However bytes arrive, the same records come out; and of several lines only what the reader takes.
TEST(RecordSplitter, FindsTheSameRecordsWhereverTheBytesAreCut) {
  constexpr std::string_view kSigns = "\"\"\",,\n\na \r";
  constexpr uint32_t kSeed = 20110318;
  std::mt19937 random(kSeed);
  CsvReader reader({});
  size_t of_several_lines = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto size = 1 + random() % 30; size > 0; --size) text += kSigns[random() % kSigns.size()];
    SCOPED_TRACE(testing::Message() << "seed " << kSeed << ", round " << round << ": " << text);

    std::vector<size_t> wanted;
    for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(wanted.back())) {
      wanted.push_back(first_record_at_end(rest, kQuoted));
      const std::string_view record = rest.substr(0, wanted.back());
      const bool has_end = record.ends_with('\n');
      if (record.find('\n') + 1 == record.size() || !has_end) continue;
      ++of_several_lines;
      Arena arena(4096);
      std::vector<std::string_view> cells;
      std::string problem;
      std::string_view row = record.substr(0, record.size() - 1);
      if (row.ends_with('\r')) row.remove_suffix(1);
      if (!reader.read(row, arena, cells, problem)) {
        EXPECT_EQ(problem, "is several rows") << "a carriage return alone ends one";
      }
    }

    std::vector<size_t> found;
    size_t had = 0;
    size_t begin = 0;
    while (had < text.size()) {
      had = std::min(text.size(), had + 1 + random() % 8);
      const std::string_view seen = std::string_view(text).substr(0, had);
      while (const auto length = first_record(seen.substr(begin), kQuoted)) {
        found.push_back(*length);
        begin += *length;
      }
    }
    for (std::string_view rest = std::string_view(text).substr(begin); !rest.empty();
         rest.remove_prefix(found.back())) {
      found.push_back(first_record_at_end(rest, kQuoted));
    }
    ASSERT_EQ(found, wanted);
  }
  EXPECT_GT(of_several_lines, 1000u);
}

}  // namespace
}  // namespace tocsin::ingest
