#include "ingest/event_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <random>

#include "ingest/reasons.h"
#include "tests/ingest/small_catalogue.h"
#include "tests/ingest/told_records.h"

namespace tocsin::ingest {
namespace {

using testing::HasSubstr;

constexpr std::string_view kWhole =
    R"({"id":"ged-230411","rev":2,"op":"correct","source":"ucdp-ged","indicator":"violence.state_based",)"
    R"("time":"2011-03-18T00:00:00Z","time_end":"2011-03-19","time_precision":"day","region":"SY-DR",)"
    R"("geo_precision":2,"value":4,"unit":"deaths","confidence":0.8,"actors":["Government of Syria"],)"
    R"("tags":["protest","mosque"],"attrs":{"low":3,"high":9,"note":"caf\u00e9","share":1},"tlp":"green",)"
    R"("lat":32.62,"lon":36.10})";

// The least event, with one member's text put in the place of another's.
std::string least(std::string_view member = {}, std::string_view instead = {}) {
  std::string text =
      R"({"id":"1","source":"ucdp-ged","indicator":"violence.state_based","time":"2011-03-18","region":"SY"})";
  if (!member.empty()) {
    const size_t at = text.find(member);
    EXPECT_NE(at, std::string::npos) << member;
    text.replace(at, member.size(), instead);
  }
  return text;
}

// The least event with one member more.
std::string with(std::string_view member) {
  std::string text = least();
  text.insert(text.size() - 1, "," + std::string(member));
  return text;
}

std::vector<ToldRecord> decode(RecordDecoder& decoder, const std::string& bytes, Arena& arena,
                               int64_t first_position = 1) {
  ToldRecords told;
  decoder.decode(bytes, first_position, arena, told);
  return told.all;
}

TEST(EventLines, ReadsEveryField) {
  EventDecoder decoder(small_symbols(), EventForm::kLines);
  const std::string bytes = padded(kWhole);
  Arena arena;
  const auto told = decode(decoder, bytes, arena);
  ASSERT_EQ(told.size(), 1u);
  ASSERT_EQ(told[0].verdict, Verdict::kEvent) << told[0].message;
  const Event& event = told[0].event;
  const auto catalogue = small_catalogue();
  EXPECT_EQ(event.id, "ged-230411");
  EXPECT_EQ(event.rev, 2u);
  EXPECT_EQ(event.op, Operation::kCorrect);
  EXPECT_EQ(event.source, *catalogue->find_source("ucdp-ged"));
  EXPECT_EQ(event.indicator, *catalogue->find_indicator("violence.state_based"));
  EXPECT_EQ(event.region, *catalogue->find_region("SY-DR"));
  EXPECT_EQ(format_time(event.time), "2011-03-18T00:00:00Z");
  EXPECT_TRUE(event.has_time_end);
  EXPECT_EQ(format_time(event.time_end), "2011-03-19T00:00:00Z");
  EXPECT_EQ(event.time_precision, TimePrecision::kDay);
  EXPECT_EQ(event.geo_precision, 2);
  EXPECT_EQ(event.value, 4.0);
  EXPECT_EQ(event.confidence, 0.8);
  EXPECT_EQ(event.tlp, Tlp::kGreen);
  EXPECT_EQ(event.lat, 32.62);
  EXPECT_EQ(event.lon, 36.10);
  EXPECT_THAT(event.actors, testing::ElementsAre("Government of Syria"));
  EXPECT_THAT(event.tags, testing::ElementsAre("protest", "mosque"));
  ASSERT_EQ(event.attrs.size(), 4u);
  EXPECT_EQ(event.attrs[0].key, "high");
  EXPECT_EQ(event.attrs[0].slot, 0);
  EXPECT_EQ(event.attrs[0].value, AttrValue(int64_t{9}));
  EXPECT_EQ(event.attrs[1].key, "low");
  EXPECT_EQ(event.attrs[2].key, "note");
  EXPECT_EQ(event.attrs[2].slot, kUndeclaredAttr);
  EXPECT_EQ(event.attrs[2].value, AttrValue(std::string_view("café")));
  EXPECT_EQ(event.attrs[3].value, AttrValue(1.0)) << "an int becomes the declared double";
}

TEST(EventLines, FillsDefaults) {
  EventDecoder decoder(small_symbols(), EventForm::kLines);
  const std::string bytes = padded(least());
  Arena arena;
  const auto told = decode(decoder, bytes, arena);
  ASSERT_EQ(told.size(), 1u);
  ASSERT_EQ(told[0].verdict, Verdict::kEvent) << told[0].message;
  const Event& event = told[0].event;
  EXPECT_EQ(event.rev, 0u);
  EXPECT_EQ(event.op, Operation::kAssert);
  EXPECT_EQ(event.confidence, 0.9) << "from the source";
  EXPECT_EQ(event.tlp, Tlp::kClear) << "from the source";
  EXPECT_EQ(event.time_precision, TimePrecision::kExact);
  EXPECT_FALSE(event.has_value());
  EXPECT_FALSE(event.has_position());
  EXPECT_FALSE(event.has_time_end);
  EXPECT_EQ(event.time_end, event.time);
}

TEST(EventLines, PlacesACoarseTimeInTheMiddleOfWhatIsTold) {
  struct Row {
    std::string_view precision, end, placed;
  };
  for (const Row& row : {Row{"exact", "2011-03-31", "2011-03-01T00:00:00Z"},
                         Row{"day", "2011-03-31", "2011-03-01T00:00:00Z"},
                         Row{"week", "2011-03-08", "2011-03-04T12:00:00Z"},
                         Row{"month", "2011-03-31", "2011-03-16T00:00:00Z"},
                         Row{"year", "2011-12-31T00:00:00.001Z", "2011-07-31T12:00:00Z"},
                         Row{"month", "", "2011-03-01T00:00:00Z"}}) {
    EventDecoder decoder(small_symbols(), EventForm::kLines);
    std::string told_end;
    if (!row.end.empty()) told_end = fmt::format(R"(,"time_end":"{}")", row.end);
    const std::string bytes = padded(fmt::format(
        R"({{"id":"a","source":"ucdp-ged","indicator":"violence.state_based","region":"SY",)"
        R"("time":"2011-03-01","time_precision":"{}"{}}})",
        row.precision, told_end));
    Arena arena;
    const auto told = decode(decoder, bytes, arena);
    ASSERT_EQ(told.size(), 1u);
    ASSERT_EQ(told[0].verdict, Verdict::kEvent) << told[0].message;
    EXPECT_EQ(format_time(told[0].event.time), row.placed) << row.precision;
    EXPECT_EQ(format_time(told[0].event.told_time()), "2011-03-01T00:00:00Z");
    EXPECT_EQ(told[0].event.has_time_end, !row.end.empty());
  }
}

struct Case {
  std::string_view name;
  std::string text;
  std::string_view reason;
  std::string_view fragment;  // "" for good ones
};

std::string many(std::string_view key, size_t count) {
  std::string list = "\"" + std::string(key) + "\":[";
  for (size_t i = 0; i < count; ++i) list += (i == 0 ? "\"x\"" : ",\"x\"");
  return with(list + "]");
}

std::string many_attrs(size_t count) {
  std::string object = "\"attrs\":{";
  for (size_t i = 0; i < count; ++i) {
    object += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":1";
  }
  return with(object + "}");
}

std::vector<Case> bad_events() {
  const std::string desk = R"("source":"centre-desk")";
  const std::string ged = R"("source":"ucdp-ged")";
  return {
      {"not JSON", "nonsense", reasons::kSyntax, "record (byte 0)"},
      {"a word", "null", reasons::kWrongType, "is null; send one JSON object"},
      {"a list", "[1]", reasons::kWrongType, "is a list; send one JSON object"},
      {"cut off", least().substr(0, 60), reasons::kSyntax, "is not JSON"},
      {"text after the object", least() + " x", reasons::kSyntax, "is not JSON"},
      {"two objects on a line", least() + least(), reasons::kSyntax, "is not JSON"},
      {"comma missing", least(R"("1",)", R"("1" )"), reasons::kSyntax, "(byte 10)"},
      {"text with something glued on", least(R"("1",)", R"("1"x,)"), reasons::kSyntax, "byte"},
      {"raw control character", least(R"("1")", "\"a\x01\""), reasons::kSyntax, "(byte 8)"},
      {"bad escape", least(R"("1")", R"("a\q")"), reasons::kSyntax, "escape"},
      {"half a surrogate pair", least(R"("1")", R"("\ud800")"), reasons::kSyntax, "escape"},
      {"bad UTF-8", least(R"("1")", "\"\xC3\x28\""), reasons::kBadUtf8, "(byte 7)"},
      {"too large", with("\"tags\":[\"" + std::string(70000, 'x') + "\"]"), reasons::kTooLarge,
       "send at most 65536"},
      {"id missing", least(R"("id":"1",)", ""), reasons::kMissingField, "id: is missing"},
      {"time missing", least(R"("time":"2011-03-18",)", ""), reasons::kMissingField,
       "time: is missing"},
      {"region missing", least(R"(,"region":"SY")", ""), reasons::kNoRegion,
       "region: is missing; send an ISO 3166"},
      {"only lat/lon", least(R"("region":"SY")", R"("lat":1,"lon":2)"), reasons::kNoRegion,
       "lat/lon alone"},
      {"lat without lon", with(R"("lat":1)"), reasons::kMissingField, "send lat and lon together"},
      {"lat too far north", with(R"("lat":91,"lon":2)"), reasons::kBadValue, "lat (byte "},
      {"field misspelt", least("\"region\"", "\"regoin\""), reasons::kNoRegion, "region"},
      {"unknown field", with(R"("valu":3)"), reasons::kUnknownField, "did you mean \"value\"?"},
      {"unknown nested field", with(R"("geo":{"a":1})"), reasons::kUnknownField, "\"geo\""},
      {"field twice", with(R"("id":"2")"), reasons::kDuplicateField, "id (byte "},
      {"field twice by escape", with(R"("\u0069d":"2")"), reasons::kDuplicateField, "twice"},
      {"attr twice", with(R"("attrs":{"low":1,"low":2})"), reasons::kDuplicateField, "\"low\""},
      {"number for text", least(R"("id":"1")", R"("id":1)"), reasons::kWrongType,
       "id (byte 6): is a number, not text in quotes"},
      {"text for number", with(R"("value":"4")"), reasons::kWrongType,
       "value (byte 107): is text, not a number"},
      {"null", with(R"("value":null)"), reasons::kWrongType, "leave the key out"},
      {"text for list", with(R"("tags":"x")"), reasons::kWrongType, "a list of texts"},
      {"number in list", with(R"("tags":[1])"), reasons::kWrongType, "tags"},
      {"object in attrs", with(R"("attrs":{"a":{}})"), reasons::kWrongType, "attrs.a"},
      {"fraction for whole", with(R"("rev":1.5)"), reasons::kBadValue, "rev (byte "},
      {"negative rev", with(R"("rev":-1)"), reasons::kBadValue, "0 to 4294967295"},
      {"number too large", with(R"("value":1e999)"), reasons::kBadValue, "finite"},
      {"value over the limit", with(R"("value":1e16)"), reasons::kBadValue, "±1e15"},
      {"negative value", with(R"("value":-4)"), reasons::kBadValue, "non-negative"},
      {"leading zero", with(R"("value":04)"), reasons::kBadValue, "value"},
      {"leading zeros behind a point", with(R"("value":00.5)"), reasons::kBadValue, "value"},
      {"no digit before the point", with(R"("value":-.5)"), reasons::kBadValue, "value"},
      {"no digit behind the point", with(R"("value":5.)"), reasons::kBadValue, "value"},
      {"two points", with(R"("value":1.2.3)"), reasons::kBadValue, "value"},
      {"a sign alone", with(R"("value":-)"), reasons::kBadValue, "value"},
      {"confidence", with(R"("confidence":1.2)"), reasons::kBadValue, "from 0 to 1"},
      {"geo precision", with(R"("geo_precision":4)"), reasons::kBadValue, "region only"},
      {"retraction of nothing before", with(R"("op":"retract")"), reasons::kBadValue,
       "a retraction needs"},
      {"correction", with(R"("op":"correct","rev":0)"), reasons::kBadValue, "a correction needs"},
      {"op", with(R"("op":"delete")"), reasons::kBadValue, "assert, correct, retract"},
      {"tlp", with(R"("tlp":"white")"), reasons::kBadValue, "amber+strict"},
      {"precision", with(R"("time_precision":"hour")"), reasons::kBadValue, "exact, day"},
      {"empty id", least(R"("id":"1")", R"("id":"")"), reasons::kBadValue, "1 to 256 bytes"},
      {"long id", least(R"("id":"1")", "\"id\":\"" + std::string(257, 'x') + "\""),
       reasons::kBadValue, "257 bytes"},
      {"control character in id", least(R"("id":"1")", R"("id":"a\n")"), reasons::kBadValue,
       "control"},
      {"empty actor", with(R"("actors":[""])"), reasons::kBadValue, "entry of 0 bytes"},
      {"attr out of range", with(R"("attrs":{"a":1e300})"), reasons::kBadValue, "attrs.a"},
      {"whole attr out of range", with(R"("attrs":{"a":-1000000000000001})"), reasons::kBadValue,
       "attrs.a: -1000000000000001 is out of range"},
      {"attr with an empty key", with(R"("attrs":{"":1})"), reasons::kBadValue, "0 bytes"},
      {"attr with a long key", with("\"attrs\":{\"" + std::string(257, 'k') + "\":1}"),
       reasons::kBadValue, "257 bytes"},
      {"actor too long", with("\"actors\":[\"" + std::string(4097, 'x') + "\"]"),
       reasons::kBadValue, "entry of 4097 bytes"},
      {"no time", least("2011-03-18", "yesterday"), reasons::kBadTime, "send RFC 3339"},
      {"time without zone", least("2011-03-18", "2011-03-18T00:00:00"), reasons::kBadTime, "zone"},
      {"day that is none", least("2011-03-18", "2011-02-30"), reasons::kBadTime, "2011-02-30"},
      {"year 0", least("2011-03-18", "0001-01-01T00:00:00+01:00"), reasons::kBadTime, "year 0001"},
      {"ends before it starts", with(R"("time_end":"2011-03-17")"), reasons::kBadTime,
       "is before time"},
      {"indicator unknown", least("violence.state_based", "violence.state_bassed"),
       reasons::kUnknownIndicator, "did you mean \"violence.state_based\"?"},
      {"source unknown", least("ucdp-ged", "ucdp-gid"), reasons::kUnknownSource,
       "did you mean \"ucdp-ged\"?"},
      {"indicator of another source", least("violence.state_based", "rights.arrest"),
       reasons::kSourceNotAllowed, "may not send"},
      {"region unknown", least("\"SY\"", "\"SY-DX\""), reasons::kUnknownRegion,
       "did you mean \"SY-DR\"?"},
      {"unit", with(R"("unit":"people")"), reasons::kUnitMismatch, "is in \"deaths\""},
      {"33 actors", many("actors", 33), reasons::kTooMany, "at most 32"},
      {"65 tags", many("tags", 65), reasons::kTooMany, "at most 64"},
      {"65 attrs", many_attrs(65), reasons::kTooMany, "at most 64"},
      {"attr required",
       R"({"id":"1","source":"centre-desk","indicator":"corruption.control_index","time":"2011-03-18","region":"SY"})",
       reasons::kAttrMissing, "attrs.year: is missing"},
      {"attr null but required",
       R"({"id":"1","source":"centre-desk","indicator":"corruption.control_index","time":"2011-03-18","region":"SY","attrs":{"year":null}})",
       reasons::kAttrMissing, "attrs.year: is missing"},
      {"attr of another type", with(R"("attrs":{"low":"3"})"), reasons::kAttrType,
       "attrs.low: is a string"},
      {"attr a double for an int", with(R"("attrs":{"low":3.5})"), reasons::kAttrType, "int"},
      {"attr outside its list", with(R"("attrs":{"weapon":"shellling"})"), reasons::kBadValue,
       "did you mean \"shelling\"?"},
      {"attr too long", with("\"attrs\":{\"a\":\"" + std::string(4097, 'x') + "\"}"),
       reasons::kTooLarge, "attrs.a"},
  };
}

TEST(EventLines, RefusesWithReasonAndMessage) {
  EventDecoder decoder(small_symbols(), EventForm::kLines);
  for (const Case& c : bad_events()) {
    SCOPED_TRACE(c.name);
    const std::string bytes = padded(c.text + "\n" + least() + "\n");
    Arena arena;
    const auto told = decode(decoder, bytes, arena, 7);
    ASSERT_EQ(told.size(), 2u);
    EXPECT_EQ(told[0].verdict, Verdict::kReject);
    EXPECT_EQ(told[0].reason, c.reason) << told[0].message;
    EXPECT_THAT(told[0].message, HasSubstr(c.fragment));
    EXPECT_THAT(told[0].message, testing::AnyOf(HasSubstr("; "), HasSubstr("? "))) << "what to do";
    EXPECT_EQ(told[0].raw, c.text);
    EXPECT_EQ(told[0].position, 7);
    EXPECT_EQ(told[1].verdict, Verdict::kEvent) << "the next line is read: " << told[1].message;
    EXPECT_EQ(told[1].position, 8);
  }
}

TEST(EventLines, AcceptsWhatTheFormatAllows) {
  const std::string desk =
      R"({"id":"1","source":"centre-desk","indicator":"corruption.control_index","time":"2011-03-18","region":"SY",)";
  const std::vector<std::pair<std::string_view, std::string>> good = {
      {"spaces",
       " { \"id\" : \"1\" , \"source\":\"ucdp-ged\",\"indicator\":\"violence.state_based\","
       "\"time\":\"2011-03-18\" ,\"region\":\"SY\" } "},
      {"alpha-3 region", least("\"SY\"", "\"SYR\"")},
      {"32 actors", many("actors", 32)},
      {"64 tags", many("tags", 64)},
      {"64 attrs", many_attrs(64)},
      {"negative where allowed", desk + R"("value":-1.25,"attrs":{"year":2010}})"},
      {"extra keys where the source has them", desk + R"("attrs":{"year":2010},"desk":"north"})"},
      {"retraction without the required attr", desk + R"("rev":1,"op":"retract"})"},
      {"byte order mark", "\xEF\xBB\xBF" + least()},
      {"escaped key", least("\"id\"", "\"\\u0069d\"")},
      {"surrogate pair", least(R"("id":"1")", R"("id":"\ud83d\ude00")")},
  };
  EventDecoder decoder(small_symbols(), EventForm::kLines);
  for (const auto& [name, text] : good) {
    SCOPED_TRACE(name);
    const std::string bytes = padded(text);
    Arena arena;
    const auto told = decode(decoder, bytes, arena);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].verdict, Verdict::kEvent) << told[0].reason << ": " << told[0].message;
  }
}

TEST(EventLines, TakesNothingOfAnEventForTheNextOne) {
  EventDecoder decoder(small_symbols(), EventForm::kLines);
  const std::string bytes = padded(std::string(kWhole) + "\n" + least() + "\n");
  Arena arena;
  const auto told = decode(decoder, bytes, arena);
  ASSERT_EQ(told.size(), 2u);
  const Event& event = told[1].event;
  EXPECT_TRUE(event.actors.empty());
  EXPECT_TRUE(event.tags.empty());
  EXPECT_TRUE(event.attrs.empty());
  EXPECT_EQ(event.geo_precision, 1);
  EXPECT_EQ(event.rev, 0u);
  EXPECT_FALSE(event.has_value());
  EXPECT_FALSE(event.has_position());
  EXPECT_FALSE(event.has_time_end);
  EXPECT_EQ(event.tlp, Tlp::kClear);
}

// However many there are, the first is kept and named: to keep each cost a third of a second a
// record.
TEST(EventLines, NamesTheFirstOfManyUnknownNestedKeys) {
  std::string members = R"("first":[])";
  while (members.size() < 60'000) members += R"(,"x":{})";
  EventDecoder decoder(small_symbols(), EventForm::kLines);
  const std::string bytes = padded(with(members));
  Arena arena;
  const auto told = decode(decoder, bytes, arena);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].reason, reasons::kUnknownField);
  EXPECT_THAT(told[0].message, HasSubstr("\"first\" (byte 107)"));
}

// Each is a comparison with all names of the catalogue.
TEST(EventLines, LooksForTheNearestNameOfSomeOfManyWrongRecordsOnly) {
  EventDecoder decoder(small_symbols(), EventForm::kLines);
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    text += least("state_based", "state_b" + std::to_string(i)) + "\n";
  }
  const std::string bytes = padded(text);
  Arena arena;
  size_t hints = 0;
  const auto told = decode(decoder, bytes, arena);
  ASSERT_EQ(told.size(), 5000u);
  for (const ToldRecord& record : told) {
    EXPECT_EQ(record.reason, reasons::kUnknownIndicator);
    if (record.message.find("did you mean \"violence.state_based\"?") != std::string::npos) ++hints;
  }
  EXPECT_THAT(told[0].message, HasSubstr("did you mean \"violence.state_based\"?"));
  EXPECT_GE(hints, 30u);
  EXPECT_LE(hints, 100u);
}

TEST(EventLines, TellsTheNearestNameOfOneThatComesAgainEachTime) {
  EventDecoder decoder(small_symbols(), EventForm::kLines);
  std::string text;
  for (int i = 0; i < 1000; ++i) text += least("\"SY\"", "\"SY-DX\"") + "\n";
  const std::string bytes = padded(text);
  Arena arena;
  for (const ToldRecord& record : decode(decoder, bytes, arena)) {
    ASSERT_THAT(record.message, HasSubstr("did you mean \"SY-DR\"?"));
  }
}

// Against strtod, which rounds to the nearest double.
TEST(EventLines, ReadsNumbersToTheLastBit) {
  EventDecoder decoder(small_symbols(), EventForm::kLines);
  std::vector<std::string> numbers = {"0",
                                      "-0.5",
                                      "20.5",
                                      "0.1",
                                      "0.3",
                                      "1e3",
                                      "1E-3",
                                      "-1.5e2",
                                      "0.0",
                                      "-0.0",
                                      "-0",
                                      "123456789012345",
                                      "-1e-300",
                                      "999999999999999",
                                      "999999999999.999",
                                      "0.00000000000001",
                                      "0.000000000000001",
                                      "3.14159265358979",
                                      "3.141592653589793",
                                      "9007199254740993e-3",
                                      "0.1000000000000000055511151231257827"};
  std::mt19937 random(20261124);
  for (int i = 0; i < 2000; ++i) {
    std::string digits = std::to_string(random() % 100000000);
    for (auto more = random() % 10; more > 0; --more) digits += std::to_string(random() % 10);
    if (digits.size() > 1) digits.insert(1 + random() % (digits.size() - 1), ".");
    if (digits.front() == '0' && digits.size() > 1 && digits[1] != '.') continue;
    if (std::abs(std::strtod(digits.c_str(), nullptr)) > 1e14) continue;
    numbers.push_back((random() % 2 == 0 ? "-" : "") + digits);
  }
  for (const std::string& number : numbers) {
    SCOPED_TRACE(number);
    const std::string bytes = padded(
        R"({"id":"1","source":"centre-desk","indicator":"corruption.control_index","time":"2011-03-18","region":"SY","attrs":{"year":2011},"value":)" +
        number + "}");
    Arena arena;
    const auto told = decode(decoder, bytes, arena);
    ASSERT_EQ(told.size(), 1u);
    ASSERT_EQ(told[0].verdict, Verdict::kEvent) << told[0].reason << ": " << told[0].message;
    const double expected = std::strtod(number.c_str(), nullptr);
    EXPECT_EQ(told[0].event.value, expected);
    EXPECT_EQ(std::signbit(told[0].event.value), std::signbit(expected));
  }
}

TEST(EventLines, CountsBlankLinesAsPositionsOnly) {
  EventDecoder decoder(small_symbols(), EventForm::kLines);
  const std::string bytes = padded("\n" + least() + "\r\n  \n" + least());
  Arena arena;
  const auto told = decode(decoder, bytes, arena, 10);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].position, 11);
  EXPECT_EQ(told[1].position, 13);
}

TEST(EventLines, TakesTheCatalogueThatIsInForce) {
  auto symbols = small_symbols();
  EventDecoder decoder(symbols, EventForm::kLines);
  const std::string bytes = padded(least("\"SY\"", "\"YE\""));
  Arena arena;
  EXPECT_EQ(decode(decoder, bytes, arena)[0].reason, reasons::kUnknownRegion);
  Catalogue::Draft draft;
  draft.indicators.emplace_back().name = "violence.state_based";
  draft.sources.emplace_back().source.name = "ucdp-ged";
  draft.sources.back().indicator_names = {"violence.state_based"};
  draft.regions.emplace_back().region.id = "YE";
  symbols->set(std::make_shared<const Catalogue>(std::move(draft)));
  const auto told = decode(decoder, bytes, arena);
  EXPECT_EQ(told[0].verdict, Verdict::kEvent) << told[0].message;
}

TEST(SingleEvent, ReadsOneObjectOverSeveralLinesAndSkipsNothing) {
  EventDecoder decoder(small_symbols(), EventForm::kSingle);
  std::string text = least();
  text.insert(1, "\n  ");
  const std::string bytes = padded(text);
  Arena arena;
  const auto told = decode(decoder, bytes, arena, 42);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].verdict, Verdict::kEvent) << told[0].message;
  EXPECT_EQ(told[0].position, 42);
  const std::string nothing = padded("");
  EXPECT_EQ(decode(decoder, nothing, arena)[0].verdict, Verdict::kSkip);
}

TEST(EventArray, TellsEveryElementAndTheBrokenRest) {
  const std::string e = least();
  struct ArrayCase {
    std::string_view name;
    std::string text;
    size_t events;
    size_t rejected;
  };
  const std::vector<ArrayCase> cases = {
      {"empty", "[]", 0, 0},
      {"one", "[" + e + "]", 1, 0},
      {"spaces", " [ " + e + " , " + e + " ] ", 2, 0},
      {"bad element", "[" + e + ",5," + e + "]", 2, 1},
      {"brackets in text", "[" + least(R"("1")", R"("]},\"[")") + "," + e + "]", 2, 0},
      {"not closed", "[" + e, 1, 1},
      {"cut inside", "[" + e + "," + e.substr(0, 30), 1, 1},
      {"comma missing", "[" + e + e + "]", 1, 1},
      {"comma at the end", "[" + e + ",]", 1, 1},
      {"text after", "[" + e + "] x", 1, 1},
      {"object", e, 0, 1},
      {"nothing", "", 0, 1},
  };
  EventDecoder decoder(small_symbols(), EventForm::kArray);
  for (const ArrayCase& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string bytes = padded(c.text);
    Arena arena;
    ToldRecords told;
    decoder.decode(bytes, 0, arena, told);
    EXPECT_EQ(told.count(Verdict::kEvent), c.events);
    EXPECT_EQ(told.count(Verdict::kReject), c.rejected);
    for (size_t i = 0; i < told.all.size(); ++i) {
      EXPECT_EQ(told.all[i].position, static_cast<int64_t>(i));
    }
  }
}

// One to three random edits: bytes changed, cut out, doubled, or swapped for JSON's own signs.
std::string mutate(std::string text, std::mt19937_64& random) {
  constexpr std::string_view kSigns = "{}[]\",:\\0-eE.tfn \x00\xff\xc3";
  const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  for (size_t edits = 1 + below(3); edits > 0 && !text.empty(); --edits) {
    const size_t at = below(text.size());
    switch (below(5)) {
      case 0:
        text[at] = static_cast<char>(random());
        break;
      case 1:
        text[at] = kSigns[below(kSigns.size())];
        break;
      case 2:
        text.erase(at, 1 + below(12));
        break;
      case 3:
        text.insert(at, text.substr(below(text.size()), below(40)));
        break;
      default:
        text.resize(at);
        break;
    }
  }
  std::erase(text, '\n');
  return text;
}

TEST(EventLines, TellsEachOfTenThousandMutatedEventsOnce) {
  constexpr uint64_t kSeed = 20110318;
  std::mt19937_64 random(kSeed);
  EventDecoder decoder(small_symbols(), EventForm::kLines);
  size_t rejected = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string text = mutate(std::string(kWhole), random);
    // In its own allocation of just the promised size, so that asan sees a read too far.
    const std::unique_ptr<char[]> memory(new char[text.size() + kPadding]());
    std::copy(text.begin(), text.end(), memory.get());
    Arena arena;
    ToldRecords told;
    decoder.decode({memory.get(), text.size()}, i, arena, told);
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    ASSERT_EQ(told.all.size(), 1u) << "seed " << kSeed << ", event " << i << ": " << text;
    EXPECT_EQ(told.all[0].position, i);
    if (told.all[0].verdict == Verdict::kEvent) continue;
    ++rejected;
    EXPECT_NE(
        std::find(reasons::kRejections.begin(), reasons::kRejections.end(), told.all[0].reason),
        reasons::kRejections.end())
        << told.all[0].reason;
    EXPECT_FALSE(told.all[0].message.empty());
  }
  EXPECT_GT(rejected, 5'000u);
}

TEST(EventLines, DoesNotDependOnWhereChunksAreCut) {
  std::string text;
  for (int i = 0; i < 5; ++i) text += least(R"("1")", "\"" + std::to_string(i) + "\"") + "\n";
  text += "bad\n" + least() + "\n";
  EventDecoder decoder(small_symbols(), EventForm::kLines);
  for (size_t cut = 0; cut < text.size(); ++cut) {
    if (cut != 0 && text[cut - 1] != '\n') continue;
    const std::string first = padded(text.substr(0, cut));
    const std::string second = padded(text.substr(cut));
    Arena arena;
    ToldRecords told;
    decoder.decode(first, 0, arena, told);
    decoder.decode(second, static_cast<int64_t>(told.all.size()), arena, told);
    ASSERT_EQ(told.all.size(), 7u);
    for (size_t i = 0; i < 7; ++i) EXPECT_EQ(told.all[i].position, static_cast<int64_t>(i));
    EXPECT_EQ(told.all[5].verdict, Verdict::kReject);
  }
}

}  // namespace
}  // namespace tocsin::ingest
