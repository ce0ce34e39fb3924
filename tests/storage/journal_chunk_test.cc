#include "storage/journal_chunk.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/codec.h"
#include "storage/crc32c.h"
#include "storage/journal_writer.h"
#include "storage/seen_ids_blob.h"
#include "store_fixture.h"

namespace tocsin::storage {
namespace {

using namespace testing;

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

// An event with every part of a record, and a control record.
void append_golden(JournalWriter& writer, const Catalogue& catalogue, Arena& arena) {
  Event event = plain_event(catalogue, 3, arena);
  writer.append(event);
  event.id = "event-30";
  event.rev = 2;
  event.op = Operation::kCorrect;
  event.tlp = Tlp::kAmber;
  event.time_precision = TimePrecision::kDay;
  event.geo_precision = 2;
  event.time += Milliseconds(1000);
  event.has_time_end = true;
  event.time_end = event.time + Milliseconds(5);
  event.value = -4.25;
  event.confidence = 0.1 + 0.2;
  event.lat = 32.62;
  event.lon = 36.1;
  const std::array<std::string_view, 2> actors{"Government", "Movement"};
  const std::array<std::string_view, 2> tags{"protest", "Movement"};
  const std::array<Attr, 6> attrs{{{"form", 0, std::string_view("riot")},
                                   {"high", 2, int64_t{-9}},
                                   {"known", kUndeclaredAttr, true},
                                   {"none", kUndeclaredAttr, std::monostate{}},
                                   {"ratio", 3, 1.5},
                                   {"vast", kUndeclaredAttr, false}}};
  event.actors = actors;
  event.tags = tags;
  event.attrs = attrs;
  writer.append(event);
  writer.append({.kind = Control::Kind::kAdvance,
                 .source = "s3",
                 .time = from_ms(1'300'000'000'000),
                 .bundle = {}});
}

// A folder written today must be readable for ever. When one of these fails, the format has
// changed: give it a new version and read the old one too.
TEST(JournalFormat, IsWhatItWas) {
  const auto catalogue = small_catalogue();
  Arena arena;
  JournalWriter writer(Compression::kNone, 0);
  writer.set_catalogue(catalogue);
  writer.begin(41);
  append_golden(writer, *catalogue, arena);
  const std::vector<SealedChunk>& chunks = writer.finish(from_ms(1'700'000'000'000));
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_EQ(hex(chunks[0].bytes),
            "d66fe3730100000029000000000000000068e5cf8b0100000300000002000000b1000000"
            "0e020703020a08070404040504050473336576656e742d33692e334133476f7665726e6d"
            "656e744d6f76656d656e7470726f74657374666f726d72696f74686967686b6e6f776e6e"
            "6f6e65726174696f76617374010001f0cecee0d54b010201030b350d0400000100000000"
            "070030fe012902000000d00f070130028a3507343333333333d33fe29703912d0a020506"
            "020706060805090a03110b020c000d04f1010e0101000002733380a0cee0d54b00");
  EXPECT_EQ(hex(chunks[0].seen_ids),
            "e5b587910100000002000000d9ed31f9d352cfbd553bf3ac8ec6a639ddf0deeb20f4defe"
            "6823f681bc86810e00f0cecee0d54b02d00f");
  EXPECT_EQ(chunks[0].newest, from_ms(1'300'000'004'000));
}

TEST(RowFormats, AreWhatTheyWere) {
  EXPECT_EQ(hex(encode_format(1)), "01000000");
  EXPECT_EQ(hex(encode(Counters{1, 2, 3, 4, 5, 6, 7, 8, 9})),
            "01010000000000000002000000000000000300000000000000040000000000000005000000000000000600"
            "000000000000070000000000000008000000000000000900000000000000");
  EXPECT_EQ(hex(encode(std::vector<SinkRow>{{"ab", 1, true}, {"c", 258, false}})),
            "01020100010261620201000163");
  EXPECT_EQ(hex(encode(ChunkRow{from_ms(1), 2, 3})), "0101000000000000000200000003000000");
  EXPECT_EQ(hex(encode(AlertRow{1, from_ms(2), true, true, "{}"})),
            "0101000000000000000200000000000000037b7d");
  EXPECT_EQ(hex(encode(AlertRef{{1, 2}, 3, 4, from_ms(5), true})),
            "0100000000000000010000000000000002030000000400000000000000050000000000000001");
  EXPECT_EQ(hex(encode(DeadLetter{"r", "m", "s", 1, from_ms(2), "x", 0}, from_ms(3))),
            "010300000000000000020000000000000001000000000000000172016d01730178");
}

TEST(Crc32c, GivesTheKnownValues) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xE3069283u);
}

class Packed : public ::testing::TestWithParam<Compression> {
 protected:
  std::string chunk(uint64_t events, JournalSeq first = 1) {
    JournalWriter writer(GetParam(), 1);
    writer.set_catalogue(catalogue_);
    writer.begin(first);
    for (uint64_t i = 0; i < events; ++i) writer.append(plain_event(*catalogue_, i, arena_));
    const auto& chunks = writer.finish(at_second(1));
    EXPECT_EQ(chunks.size(), 1u);
    return std::string(chunks[0].bytes);
  }

  const std::shared_ptr<const Catalogue> catalogue_ = small_catalogue();
  Arena arena_;
};

INSTANTIATE_TEST_SUITE_P(Compressions, Packed,
                         ::testing::Values(Compression::kNone, Compression::kLz4,
                                           Compression::kZstd));

TEST_P(Packed, GivesBackWhatWentIn) {
  auto opened = JournalChunk::open(1, chunk(1000), catalogue_);
  ASSERT_TRUE(opened) << opened.error().message;
  for (uint64_t i = 0; i < 1000; ++i) {
    auto event = (*opened)->event(i + 1, arena_);
    ASSERT_TRUE(event) << event.error().message;
    EXPECT_EQ(difference(*event, plain_event(*catalogue_, i, arena_)), "");
  }
}

TEST_P(Packed, FindsEveryFlippedBit) {
  const std::string bytes = chunk(20, 7);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    auto opened = JournalChunk::open(7, flipped, catalogue_);
    ASSERT_FALSE(opened) << "bit " << bit;
    ASSERT_EQ(opened.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(JournalChunk::open(8, bytes, catalogue_)) << "stored under another number";
}

// A checksum keeps out what was damaged, not what was made to look right.
TEST_P(Packed, SurvivesAnyBytesWithTheRightChecksum) {
  const std::string bytes = chunk(30);
  std::mt19937_64 random(7);
  int opened_well = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string mutated = bytes;
    for (uint64_t n = 1 + random() % 4; n > 0; --n) {
      mutated[4 + random() % (mutated.size() - 4)] = static_cast<char>(random());
    }
    if (random() % 4 == 0) mutated.resize(kChunkHeaderBytes + random() % 200);
    write_little(mutated.data(), crc32c(std::string_view(mutated).substr(4)));
    auto opened = JournalChunk::open(1, mutated, catalogue_);
    if (!opened) continue;
    ++opened_well;
    Arena arena;
    auto read = (*opened)->read(1, arena, [](const auto&) { return true; });
    if (!read) {
      EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
    }
  }
  if (GetParam() == Compression::kNone) {
    EXPECT_GT(opened_well, 100);
  }
}

TEST(JournalChunk, OfANewerFormatIsRefusedWithAWayOut) {
  const auto catalogue = small_catalogue();
  Arena arena;
  JournalWriter writer(Compression::kNone, 0);
  writer.set_catalogue(catalogue);
  writer.begin(1);
  writer.append(plain_event(*catalogue, 1, arena));
  std::string bytes(writer.finish(at_second(1))[0].bytes);
  bytes[4] = kChunkVersion + 1;
  write_little(bytes.data(), crc32c(std::string_view(bytes).substr(4)));
  const auto opened = JournalChunk::open(1, bytes, catalogue);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(opened.error().message, ::testing::HasSubstr("use a newer tocsin"));
}

TEST(JournalWriter, CutsChunksThatAreFullAndFindsEventsInEach) {
  const auto catalogue = small_catalogue();
  Arena arena;
  JournalWriter writer(Compression::kLz4, 0);
  writer.set_catalogue(catalogue);
  writer.begin(100);
  constexpr uint64_t kEvents = 3 * JournalWriter::kChunkRecords + 5;
  for (uint64_t i = 0; i < kEvents; ++i) writer.append(plain_event(*catalogue, i, arena));
  for (const uint64_t i : {uint64_t{0}, uint64_t{8191}, uint64_t{8192}, kEvents - 1}) {
    auto event = writer.find(100 + i, arena);
    ASSERT_TRUE(event) << event.error().message;
    EXPECT_EQ(event->id, fmt::format("event-{}", i));
  }
  const auto& chunks = writer.finish(at_second(1));
  JournalSeq next = 100;
  for (const SealedChunk& chunk : chunks) {
    EXPECT_EQ(chunk.header.first, next);
    next = chunk.header.last() + 1;
  }
  EXPECT_EQ(next, 100 + kEvents);
  EXPECT_GE(chunks.size(), 4u);
}

TEST(JournalWriter, KeepsTextsBeyondTheDictionary) {
  const auto catalogue = small_catalogue();
  Arena arena;
  JournalWriter writer(Compression::kZstd, 1);
  writer.set_catalogue(catalogue);
  writer.begin(1);
  constexpr uint64_t kEvents = JournalRecordWriter::kMaxTexts + 500;
  std::vector<Event> events;
  for (uint64_t i = 0; i < kEvents; ++i) {
    Event event = plain_event(*catalogue, i, arena);
    const auto tags = arena.array<std::string_view>(1);
    tags[0] = arena.copy(fmt::format("unlike any other {}", i));
    event.tags = tags;
    events.push_back(event);
    writer.append(event);
  }
  size_t n = 0;
  for (const SealedChunk& sealed : writer.finish(at_second(1))) {
    auto chunk = JournalChunk::open(sealed.header.first, sealed.bytes, catalogue);
    ASSERT_TRUE(chunk) << chunk.error().message;
    Arena scratch;
    ASSERT_TRUE((*chunk)->read(1, scratch, [&](const Store::JournalRecord& record) {
      EXPECT_EQ(difference(*record.event, events[n++]), "");
      return true;
    }));
  }
  EXPECT_EQ(n, kEvents);
}

TEST(SeenIdsBlob, FindsEveryFlippedBit) {
  SeenIdsWriter writer;
  for (int i = 0; i < 5; ++i) writer.add({1, static_cast<uint64_t>(i)}, 1, at_second(i));
  ByteBuffer blob;
  writer.finish(blob);
  const std::string bytes(blob.view());
  int ids = 0;
  ASSERT_TRUE(read_seen_ids_blob(1, bytes, at_second(2), [&ids](const auto&) { ++ids; }));
  EXPECT_EQ(ids, 3);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_FALSE(read_seen_ids_blob(1, flipped, kMinEventTime, [](const auto&) {}));
  }
}

}  // namespace
}  // namespace tocsin::storage
