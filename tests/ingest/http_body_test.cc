#include "ingest/http_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/ingest/small_catalogue.h"
#include "tests/ingest/told_records.h"

namespace tocsin::ingest {
namespace {

constexpr std::string_view kEvent =
    R"({"id":"7","source":"ucdp-ged","indicator":"violence.state_based","time":"2011-03-18","region":"SY"})";

std::string gzip(std::string_view text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

size_t events_in(ReadableBody& body) {
  Arena arena;
  ToldRecords told;
  body.decoder->decode({body.bytes.data(), body.size}, 0, arena, told);
  return told.count(Verdict::kEvent);
}

std::variant<ReadableBody, BodyRefusal> read(std::vector<Header> headers, std::string body,
                                             BodyLimits limits = {}) {
  return read_http_body(headers, std::move(body), small_symbols(), limits);
}

TEST(HttpBody, ChoosesTheDecoderByContentType) {
  const std::string event(kEvent);
  const std::string cloud =
      R"({"specversion":"1.0","type":"t","source":"s","id":"i","data":)" + event + "}";
  const std::vector<std::tuple<std::string_view, std::string, size_t>> cases = {
      {"", event + "\n" + event, 2},
      {"application/x-ndjson", event + "\n" + event, 2},
      {"application/x-ndjson; charset=UTF-8", event + "\n", 1},
      {"application/json", "[" + event + "," + event + "]", 2},
      {"Application/JSON", event, 1},
      {"application/cloudevents+json; charset=utf-8", cloud, 1},
      {"application/cloudevents-batch+json", "[" + cloud + "," + cloud + "]", 2},
  };
  for (const auto& [type, body, events] : cases) {
    SCOPED_TRACE(type);
    std::vector<Header> headers;
    if (!type.empty()) headers.emplace_back("content-type", type);
    auto result = read(headers, body);
    ASSERT_TRUE(std::holds_alternative<ReadableBody>(result)) << std::get<1>(result).message;
    EXPECT_EQ(events_in(std::get<0>(result)), events);
  }
}

TEST(HttpBody, ReadsABinaryModeCloudEvent) {
  auto result = read({{"Content-Type", "application/json"},
                      {"ce-specversion", "1.0"},
                      {"ce-id", "i"},
                      {"ce-source", "s%20%C3%A9"},
                      {"ce-type", "t"}},
                     std::string(kEvent));
  ASSERT_TRUE(std::holds_alternative<ReadableBody>(result));
  EXPECT_THAT(std::get<0>(result).bytes, testing::HasSubstr("\"source\":\"s é\""));
  EXPECT_EQ(events_in(std::get<0>(result)), 1u);
}

TEST(HttpBody, RefusesOtherTypesWith415) {
  for (const auto& [name, value] :
       std::vector<Header>{{"content-type", "text/xml"},
                           {"content-type", "application/cloudevents+avro"},
                           {"content-type", "application/json; charset=latin1"},
                           {"content-encoding", "br"}}) {
    SCOPED_TRACE(value);
    const auto result = read({{name, value}}, std::string(kEvent));
    ASSERT_TRUE(std::holds_alternative<BodyRefusal>(result));
    EXPECT_EQ(std::get<1>(result).status, 415);
    EXPECT_FALSE(std::get<1>(result).message.empty());
  }
}

TEST(HttpBody, UnpacksGzipAndZstd) {
  const std::string text = std::string(kEvent) + "\n" + std::string(kEvent) + "\n";
  for (const auto& [encoding, packed] : std::vector<std::pair<std::string_view, std::string>>{
           {"gzip", gzip(text)},
           {"x-gzip", gzip(text)},
           {"gzip", gzip(kEvent) + gzip("\n" + std::string(kEvent))},
           {"zstd", zstd(text)},
           {"ZSTD", zstd(kEvent) + zstd("\n" + std::string(kEvent))}}) {
    SCOPED_TRACE(encoding);
    auto result = read({{"content-encoding", encoding}}, packed);
    ASSERT_TRUE(std::holds_alternative<ReadableBody>(result)) << std::get<1>(result).message;
    EXPECT_EQ(events_in(std::get<0>(result)), 2u);
  }
}

TEST(HttpBody, UnpacksBodiesOfAnySize) {
  for (const size_t step : {65536u, 131072u, 655360u}) {
    for (const size_t size : {step - 1, step, step + 1}) {
      SCOPED_TRACE(size);
      std::string text(kEvent);
      text.resize(size, ' ');
      for (size_t i = kEvent.size(); i < size; i += 60 + i % 7) text[i] = '\n';
      for (const auto& [encoding, packed] : std::vector<std::pair<std::string_view, std::string>>{
               {"gzip", gzip(text)},
               {"zstd", zstd(text)},
               {"zstd", zstd(text.substr(0, 100)) + zstd(text.substr(100))}}) {
        SCOPED_TRACE(encoding);
        const auto result = read({{"content-encoding", encoding}}, packed);
        ASSERT_TRUE(std::holds_alternative<ReadableBody>(result)) << std::get<1>(result).message;
        const auto& body = std::get<0>(result);
        EXPECT_EQ(std::string_view(body.bytes).substr(0, body.size), text);
        const auto torn =
            read({{"content-encoding", encoding}}, packed.substr(0, packed.size() - 1));
        EXPECT_TRUE(std::holds_alternative<BodyRefusal>(torn));
      }
    }
  }
}

TEST(HttpBody, StopsBombsAndTornBodies) {
  const std::string bomb(32 << 20, ' ');
  BodyLimits limits;
  for (const auto& [encoding, packed] : std::vector<std::pair<std::string_view, std::string>>{
           {"gzip", gzip(bomb)}, {"zstd", zstd(bomb)}}) {
    SCOPED_TRACE(encoding);
    const auto by_ratio = read({{"content-encoding", encoding}}, packed, limits);
    ASSERT_TRUE(std::holds_alternative<BodyRefusal>(by_ratio));
    EXPECT_EQ(std::get<1>(by_ratio).status, 413);
    EXPECT_THAT(std::get<1>(by_ratio).message, testing::HasSubstr("200 times"));
    BodyLimits small;
    small.inflate.max_bytes = 1000;
    const auto by_size = read({{"content-encoding", encoding}}, packed, small);
    EXPECT_EQ(std::get<1>(by_size).status, 413);
    const auto torn = read({{"content-encoding", encoding}}, packed.substr(0, packed.size() / 2),
                           {.inflate = {.max_bytes = 1u << 30, .max_ratio = 1u << 30}});
    ASSERT_TRUE(std::holds_alternative<BodyRefusal>(torn));
    EXPECT_EQ(std::get<1>(torn).status, 400);
  }
  BodyLimits small;
  small.inflate.max_bytes = 10;
  EXPECT_EQ(std::get<1>(read({}, std::string(kEvent), small)).status, 413);
  EXPECT_EQ(std::get<1>(read({{"content-encoding", "gzip"}}, "")).status, 400);
}

// Two bytes of garbage are a record, and every record that is refused is kept.
TEST(HttpBody, RefusesMoreRecordsThanItIsTold) {
  BodyLimits limits;
  limits.max_records = 3;
  const std::string event(kEvent);
  const std::string array3 = "[" + event + ",\"[,,,\"," + event + "]";
  const std::string array4 = "[1,2,3,4]";
  struct Case {
    const char* name;
    std::string_view type;
    std::string body;
    bool taken;
  };
  const Case cases[] = {
      {"as many lines", "application/x-ndjson", "x\nx\nx\n", true},
      {"the last without its end", "application/x-ndjson", "x\nx\nxx", true},
      {"a line more", "application/x-ndjson", "x\nx\nx\nx\n", false},
      {"a line more without its end", "", "x\nx\nx\nx", false},
      {"as many elements", "application/json", array3, true},
      {"an element more", "application/json", " " + array4, false},
      {"an element more, then broken", "application/json", "[1,2,3,4,", false},
      {"one object on many lines", "application/json", "{\n\n\n\n\n}", true},
      {"an element more in a batch", "application/cloudevents-batch+json", array4, false},
      {"one envelope on many lines", "application/cloudevents+json", "{\n\n\n\n\n}", true},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    const auto result = read({{"content-type", each.type}}, each.body, limits);
    ASSERT_EQ(std::holds_alternative<ReadableBody>(result), each.taken);
    if (each.taken) continue;
    EXPECT_EQ(std::get<1>(result).status, 413);
    EXPECT_THAT(std::get<1>(result).message, testing::HasSubstr("more than 3 records"));
  }
}

TEST(HttpBody, CountsRecordsAfterUnpacking) {
  std::string lines;
  for (int i = 0; i < 200'000; ++i) lines += "x\n";
  const auto result = read({{"content-encoding", "gzip"}}, gzip(lines));
  ASSERT_TRUE(std::holds_alternative<BodyRefusal>(result));
  EXPECT_THAT(std::get<1>(result).message, testing::HasSubstr("100000 records"));
}

}  // namespace
}  // namespace tocsin::ingest
