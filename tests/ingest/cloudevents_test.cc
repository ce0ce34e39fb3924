#include "ingest/cloudevents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/event_decoder.h"
#include "ingest/http_body.h"
#include "ingest/reasons.h"
#include "tests/ingest/small_catalogue.h"
#include "tests/ingest/told_records.h"

namespace tocsin::ingest {
namespace {

using testing::HasSubstr;

constexpr std::string_view kData =
    R"({"id":"7","source":"ucdp-ged","indicator":"violence.state_based","time":"2011-03-18","region":"SY"})";

std::string envelope(std::string_view members) {
  return R"({"specversion":"1.0","type":"org.tocsin.event","source":"/desk","id":"e1",)" +
         std::string(members) + "}";
}

ToldRecord decode_one(EventForm form, std::string_view text) {
  EventDecoder decoder(small_symbols(), form);
  const std::string bytes = padded(text);
  Arena arena;
  ToldRecords told;
  decoder.decode(bytes, 3, arena, told);
  EXPECT_EQ(told.all.size(), 1u);
  return told.all.empty() ? ToldRecord{} : told.all[0];
}

TEST(CloudEvents, ReadsTheEventUnderData) {
  const ToldRecord told =
      decode_one(EventForm::kEnvelope,
                 envelope(R"("datacontenttype":"application/json","comexample":7,"data":)" +
                          std::string(kData)));
  EXPECT_EQ(told.verdict, Verdict::kEvent) << told.message;
  EXPECT_EQ(told.position, 3);
}

TEST(CloudEvents, FillsIdSourceAndTimeFromTheEnvelope) {
  const std::string text =
      R"({"specversion":"1.0","type":"t","source":"ucdp-ged","id":"e1","time":"2011-03-18T06:00:00Z",)"
      R"("data":{"indicator":"violence.state_based","region":"SY"}})";
  EventDecoder decoder(small_symbols(), EventForm::kEnvelope);
  const std::string bytes = padded(text);
  Arena arena;
  ToldRecords told;
  decoder.decode(bytes, 0, arena, told);
  ASSERT_EQ(told.all.size(), 1u);
  ASSERT_EQ(told.all[0].verdict, Verdict::kEvent) << told.all[0].message;
  EXPECT_EQ(told.all[0].event.id, "e1");
  EXPECT_EQ(format_time(told.all[0].event.time), "2011-03-18T06:00:00Z");
}

TEST(CloudEvents, RefusesBadEnvelopes) {
  const std::string data = std::string(R"("data":)") + std::string(kData);
  const std::vector<std::tuple<std::string_view, std::string, std::string_view, std::string_view>>
      cases = {
          {"no version", "{" + data + "}", reasons::kBadEnvelope, "specversion: is missing"},
          {"old version", R"({"specversion":"0.3","id":"1","source":"s","type":"t",)" + data + "}",
           reasons::kBadEnvelope, "\"0.3\""},
          {"no type", R"({"specversion":"1.0","id":"1","source":"s",)" + data + "}",
           reasons::kBadEnvelope, "type: is missing"},
          {"empty id", R"({"specversion":"1.0","id":"","source":"s","type":"t",)" + data + "}",
           reasons::kBadEnvelope, "id: is missing or empty"},
          {"no data", envelope(R"("subject":"x")"), reasons::kBadEnvelope, "data: is missing"},
          {"data as text", envelope(R"("data":"{}")"), reasons::kBadEnvelope, "not as text"},
          {"base64", envelope(R"("data_base64":"e30=")"), reasons::kBadEnvelope, "data_base64"},
          {"another type", envelope(R"("datacontenttype":"text/xml",)" + data),
           reasons::kBadEnvelope, "application/json"},
          {"data twice", envelope(data + "," + data), reasons::kDuplicateField, "data"},
          {"id twice", envelope(R"("id":"e2",)" + data), reasons::kDuplicateField, "id"},
          {"nested extension", envelope(R"("ext":{},)" + data), reasons::kBadEnvelope, "ext"},
          {"not JSON", "x", reasons::kSyntax, "CloudEvent"},
          {"bad event inside", envelope(R"("data":{"id":"1"})"), reasons::kMissingField, "source"},
      };
  for (const auto& [name, text, reason, fragment] : cases) {
    SCOPED_TRACE(name);
    std::string wanted(text);
    if (name == "bad event inside") {
      // source and time come from the envelope when it has them; the indicator never does.
      const ToldRecord told = decode_one(EventForm::kEnvelope, wanted);
      EXPECT_EQ(told.verdict, Verdict::kReject);
      EXPECT_EQ(told.reason, reasons::kMissingField);
      continue;
    }
    const ToldRecord told = decode_one(EventForm::kEnvelope, wanted);
    EXPECT_EQ(told.verdict, Verdict::kReject);
    EXPECT_EQ(told.reason, reason) << told.message;
    EXPECT_THAT(told.message, HasSubstr(fragment));
    EXPECT_EQ(told.raw, wanted);
  }
}

TEST(CloudEvents, ReadsABatch) {
  const std::string one = envelope(R"("data":)" + std::string(kData));
  EventDecoder decoder(small_symbols(), EventForm::kEnvelopeArray);
  const std::string bytes = padded("[" + one + "," + one + ",{}]");
  Arena arena;
  ToldRecords told;
  decoder.decode(bytes, 0, arena, told);
  EXPECT_EQ(told.count(Verdict::kEvent), 2u);
  EXPECT_EQ(told.count(Verdict::kReject), 1u);
}

TEST(CloudEvents, BinaryModeMeansTheSameAsStructured) {
  const std::vector<Header> headers = {{"ce_specversion", "1.0"},
                                       {"ce_id", "e\"1"},
                                       {"CE_source", "ucdp-ged"},
                                       {"ce_type", "t"},
                                       {"content-type", "application/json"},
                                       {"other", "x"}};
  ASSERT_TRUE(is_binary_cloud_event(headers));
  const std::string text = structured_from_binary(
      headers, HeaderCoding::kPlain,
      R"({"indicator":"violence.state_based","time":"2011-03-18","region":"SY"})");
  EXPECT_EQ(text,
            R"({"specversion":"1.0","id":"e\"1","source":"ucdp-ged","type":"t",)"
            R"("datacontenttype":"application/json",)"
            R"("data":{"indicator":"violence.state_based","time":"2011-03-18","region":"SY"}})");
  EXPECT_EQ(decode_one(EventForm::kEnvelope, text).verdict, Verdict::kEvent);
  EXPECT_FALSE(is_binary_cloud_event(std::vector<Header>{{"content-type", "application/json"}}));
}

TEST(CloudEvents, AttributesOfBinaryModeArePercentEncodedInHttpAlone) {
  const auto source_of = [](std::string_view value, HeaderCoding coding) {
    const std::string text =
        structured_from_binary(std::vector<Header>{{"ce-source", value}}, coding, "{}");
    constexpr std::string_view kBefore = R"({"source":)";
    return text.substr(kBefore.size(),
                       text.size() - kBefore.size() - std::size(R"(,"data":{}})") + 1);
  };
  for (const auto& [value, wanted] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"plain", R"("plain")"},
           {"Euro%20%E2%82%AC%20%F0%9F%98%80", "\"Euro € 😀\""},
           {"a%25b", R"("a%b")"},
           {"%22quoted%22", R"("\"quoted\"")"},
           {R"("in quotes \" and \\")", R"("in quotes \" and \\")"},
           {"100%", R"("100%")"},
           {"%4", R"("%4")"},
           {"%zz%4x", R"("%zz%4x")"}}) {
    EXPECT_EQ(source_of(value, HeaderCoding::kPercent), wanted) << value;
  }
  EXPECT_EQ(source_of("a%25b", HeaderCoding::kPlain), R"("a%25b")");
}

TEST(CloudEvents, TakesAByteOrderMarkForNothing) {
  const std::string mark = "\xEF\xBB\xBF";
  const std::string one = envelope(R"("data":)" + std::string(kData));
  EXPECT_EQ(decode_one(EventForm::kEnvelope, mark + one).verdict, Verdict::kEvent);
  EXPECT_EQ(decode_one(EventForm::kEnvelopeArray, mark + "[" + one + "]").verdict, Verdict::kEvent);
  const std::vector<Header> headers = {
      {"ce_specversion", "1.0"}, {"ce_id", "e"}, {"ce_source", "s"}, {"ce_type", "t"}};
  const std::string binary =
      structured_from_binary(headers, HeaderCoding::kPlain, mark + std::string(kData));
  EXPECT_EQ(decode_one(EventForm::kEnvelope, binary).verdict, Verdict::kEvent);
}

}  // namespace
}  // namespace tocsin::ingest
