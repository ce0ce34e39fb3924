#include "ingest/mapping_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/reasons.h"
#include "ingest/row_columns.h"
#include "tests/ingest/small_catalogue.h"
#include "tests/ingest/told_records.h"

namespace tocsin::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kMapping = R"(tocsin: mapping/1
name: desk-table
source: centre-desk
format: csv
header: true
skip_rows_starting_with: "#"
values:
  kinds: {clash: violence.state_based, arrest: rights.arrest}
let:
  killed: double(row.killed)
skip:
  - {when: 'row.kind == "test"', reason: test_row}
events:
  - indicator: kinds[row.kind]
    id: '"d-" + row.id'
    time: row.day
    region: row.place
    value: killed
    actors: [row.by, '"desk"']
    attrs: {low: row.low, note: 'row["a note"]'}
  - indicator: corruption.control_index
    when: row.score != ""
    id: '"s-" + row.id'
    time: row.day
    region: row.place
    value: row.score
    attrs: {year: row.day}
)";

std::shared_ptr<const SourceMapping> mapping_from(std::string_view text) {
  Diagnostics diagnostics;
  const auto catalogue = small_catalogue();
  auto mapping = parse_mapping(text, "desk.yaml", catalogue.get(), diagnostics);
  for (const Diagnostic& d : diagnostics.all()) {
    if (d.severity == Severity::kError) ADD_FAILURE() << to_text(d);
  }
  return mapping;
}

constexpr std::string_view kHeader = "id,day,kind,place,killed,low,by,a note,score\n";

struct Run {
  std::string bytes;
  Arena arena;
  std::unique_ptr<MappingDecoder> decoder;  // owns the texts that the mapping itself has
  ToldRecords told;
  MappingCounts counts;
};

std::unique_ptr<Run> run(std::string_view mapping_text, std::string_view text) {
  auto run = std::make_unique<Run>();
  run->bytes = padded(text);
  run->decoder = std::make_unique<MappingDecoder>(mapping_from(mapping_text), small_symbols());
  run->decoder->decode(run->bytes, 1, run->arena, run->told);
  run->counts = run->decoder->counts();
  return run;
}

TEST(MappingDecoder, TurnsARowIntoItsEvents) {
  const auto r = run(kMapping, std::string(kHeader) +
                                   "7,2011-03-18,clash,SYR,4,3,\"Army, 4th\",\"said \"\"no\"\"\n"
                                   "twice\",0.25\n");
  ASSERT_EQ(r->told.all.size(), 2u);
  ASSERT_EQ(r->told.all[0].verdict, Verdict::kEvent) << r->told.all[0].message;
  const Event& clash = r->told.all[0].event;
  EXPECT_EQ(clash.id, "d-7");
  EXPECT_EQ(clash.value, 4.0);
  EXPECT_THAT(clash.actors, ElementsAre("Army, 4th", "desk"));
  ASSERT_EQ(clash.attrs.size(), 2u);
  EXPECT_EQ(clash.attrs[0].value, AttrValue(int64_t{3})) << "text read as the declared int";
  EXPECT_EQ(clash.attrs[1].value, AttrValue(std::string_view("said \"no\"\ntwice")));
  ASSERT_EQ(r->told.all[1].verdict, Verdict::kReject) << "2011-03-18 is no year";
  EXPECT_EQ(r->told.all[1].reason, reasons::kAttrType);
  EXPECT_THAT(r->told.all[1].message, HasSubstr("events[1].attrs.year"));
  EXPECT_EQ(r->told.all[1].position, 2);
  EXPECT_EQ(r->counts.rows, 1u);
  EXPECT_EQ(r->counts.rows_rejected, 1u);
  EXPECT_EQ(r->counts.events, 1u);
}

TEST(MappingDecoder, TakesNothingOfAnEventForTheNextOne) {
  const auto r = run(kMapping, std::string(kHeader) + "7,2011,clash,SYR,4,3,Army,,0.25\n");
  ASSERT_EQ(r->told.all.size(), 2u);
  ASSERT_EQ(r->told.all[1].verdict, Verdict::kEvent) << r->told.all[1].message;
  EXPECT_THAT(r->told.all[0].event.actors, ElementsAre("Army", "desk"));
  EXPECT_TRUE(r->told.all[1].event.actors.empty());
}

TEST(MappingDecoder, EndsEveryRowOnce) {
  struct RowCase {
    std::string_view name;
    std::string_view row;
    Verdict verdict;
    std::string_view reason;
    std::string_view fragment;
  };
  const std::vector<RowCase> cases = {
      {"good", "1,2011-03-18,clash,SY,4,,,,", Verdict::kEvent, "", ""},
      {"compact date", "1,20110318,clash,SY,4,,,,", Verdict::kEvent, "", ""},
      {"empty value", "1,2011-03-18,clash,SY,,,,,", Verdict::kSkip, "no_value", ""},
      {"skip rule", "1,2011-03-18,test,SY,4,,,,", Verdict::kSkip, "test_row", ""},
      {"hashtags", ",#date,#kind,,,,,,", Verdict::kSkip, "marked_row", ""},
      {"few cells", "1,2011-03-18", Verdict::kReject, "bad_row", "2 cells, but there are 9"},
      {"stray quote", "1,2011-03-18,clash,SY,4,,b\"\"c,,", Verdict::kReject, "bad_row", "byte 2"},
      {"bad UTF-8", "1,2011-03-18,clash,SY,4,,\xFF,,", Verdict::kReject, "bad_utf8", "byte 25"},
      {"no number", "1,2011-03-18,clash,SY,many,,,,", Verdict::kReject, "bad_expression",
       "double(row.killed)"},
      {"unknown kind", "1,2011-03-18,feast,SY,4,,,,", Verdict::kReject, "bad_expression",
       "kinds[row.kind]"},
      {"unknown region", "1,2011-03-18,clash,XX,4,,,,", Verdict::kReject, "unknown_region", "XX"},
      {"no region", "1,2011-03-18,clash,,4,,,,", Verdict::kReject, "no_region", "events[0].region"},
      {"no time", "1,soon,clash,SY,4,,,,", Verdict::kReject, "bad_time", "\"soon\""},
      {"negative", "1,2011-03-18,clash,SY,-4,,,,", Verdict::kReject, "bad_value", "non-negative"},
  };
  for (const RowCase& c : cases) {
    SCOPED_TRACE(c.name);
    const auto r = run(kMapping, std::string(kHeader) + std::string(c.row) + "\r\n" +
                                     "2,2011-03-19,clash,SY,1,,,,\n");
    ASSERT_EQ(r->told.all.size(), 2u);
    EXPECT_EQ(r->told.all[0].verdict, c.verdict) << r->told.all[0].message;
    EXPECT_EQ(r->told.all[0].reason, c.reason) << r->told.all[0].message;
    EXPECT_THAT(r->told.all[0].message, HasSubstr(c.fragment));
    EXPECT_EQ(r->told.all[0].raw, c.row);
    EXPECT_EQ(r->told.all[0].position, 2);
    EXPECT_EQ(r->told.all[1].verdict, Verdict::kEvent) << r->told.all[1].message;
    EXPECT_EQ(r->counts.rows, 2u);
    EXPECT_EQ(r->counts.rows,
              r->counts.rows_with_events + r->counts.rows_skipped + r->counts.rows_rejected);
  }
}

// The limits of event/1, which no format may pass.
TEST(MappingDecoder, HoldsItsEventsToTheLimits) {
  std::string text = R"(tocsin: mapping/1
name: limits
source: centre-desk
format: tsv
header: [id, day, text, number]
events:
  - indicator: violence.state_based
    id: row.id
    time: 'row.day == "" ? dyn(timestamp("9999-12-31T23:59:59Z")) : dyn(row.day)'
    region: '"SY"'
    actors: ['row.id == "actor" ? row.text : ""']
    tags: ['row.id == "tag" ? row.text : ""']
    geo_precision: 'row.id == "geo" ? dyn(double(row.number)) : dyn(1)'
    attrs:
      real: 'row.id == "real" ? dyn(double(row.number)) : dyn(null)'
      whole: 'row.id == "whole" ? dyn(int(row.number)) : dyn(null)'
)";
  for (int i = 0; i < 20; ++i) {
    text += "      t" + std::to_string(i) + ": 'row.id == \"large\" ? row.text : \"\"'\n";
  }
  struct LimitCase {
    std::string id, cells;
    std::string_view reason, fragment;
  };
  const std::string most(4096, 'x');
  const std::vector<LimitCase> cases = {
      {"actor", "2011\t" + most + "\t", "", ""},
      {"actor", "2011\t" + most + "x\t", reasons::kBadValue, "actors: an entry of 4097 bytes"},
      {"tag", "2011\t" + most + "x\t", reasons::kBadValue, "tags: an entry of 4097 bytes"},
      {"large", "2011\t" + most.substr(0, 3000) + "\t", "", ""},
      {"large", "2011\t" + most + "\t", reasons::kTooLarge, "at most 65536"},
      {"large", "2011\t" + most + "x\t", reasons::kTooLarge, "attrs.t0: 4097 bytes"},
      {"geo", "2011\t\t2", "", ""},
      {"geo", "2011\t\t1e300", reasons::kBadValue, "geo_precision: 1e+300 is no whole number"},
      {"geo", "2011\t\tnan", reasons::kBadValue, "geo_precision: nan is no whole number"},
      {"geo", "2011\t\t1.5", reasons::kBadValue, "geo_precision: 1.5 is no whole number"},
      {"geo", "2011\t\t4", reasons::kBadValue, "region only"},
      {"real", "2011\t\t1e15", "", ""},
      {"real", "2011\t\t-1.1e15", reasons::kBadValue, "attrs.real"},
      {"real", "2011\t\tnan", reasons::kBadValue, "attrs.real"},
      {"whole", "2011\t\t1000000000000000", "", ""},
      {"whole", "2011\t\t1000000000000001", reasons::kBadValue, "attrs.whole"},
      {"last", "\t\t", "", ""},
  };
  for (const LimitCase& c : cases) {
    SCOPED_TRACE(c.id + " " + c.cells.substr(0, 40));
    const auto r = run(text, c.id + "\t" + c.cells + "\n");
    ASSERT_EQ(r->told.all.size(), 1u);
    EXPECT_EQ(r->told.all[0].reason, c.reason) << r->told.all[0].message;
    EXPECT_THAT(r->told.all[0].message, HasSubstr(c.fragment));
    EXPECT_EQ(r->told.all[0].verdict, c.reason.empty() ? Verdict::kEvent : Verdict::kReject);
  }
  const auto late = run("publication_lag: {until: 04-01}\n" + text, "last\t\t\t\n");
  ASSERT_EQ(late->told.all.size(), 1u);
  EXPECT_EQ(late->told.all[0].reason, reasons::kBadTime);
  EXPECT_THAT(late->told.all[0].message, HasSubstr("years 0001 to 9999"));
}

TEST(MappingDecoder, DoesNotDependOnWhereChunksAreCut) {
  const std::string text = std::string(kHeader) +
                           "1,2011-03-18,clash,SY,4,,\"a\nb\",,\n"
                           "2,2011-03-18,test,SY,4,,,,\n"
                           "3,2011-03-18,clash,SY,4,,,,\n";
  const auto whole = run(kMapping, text);
  size_t cuts = 0;
  for (WholeRecords front; front.bytes < text.size(); ++cuts) {
    const auto next =
        first_record(std::string_view(text).substr(front.bytes), {.has_quotes = true});
    ASSERT_TRUE(next.has_value());
    front.bytes += *next;
    ++front.records;
    const std::string first = padded(text.substr(0, front.bytes));
    const std::string second = padded(text.substr(front.bytes));
    MappingDecoder decoder(mapping_from(kMapping), small_symbols());
    Arena arena;
    ToldRecords told;
    decoder.decode(first, 1, arena, told);
    decoder.decode(second, 1 + front.records, arena, told);
    ASSERT_EQ(told.all.size(), whole->told.all.size());
    for (size_t i = 0; i < told.all.size(); ++i) {
      EXPECT_EQ(told.all[i].position, whole->told.all[i].position);
      EXPECT_EQ(told.all[i].verdict, whole->told.all[i].verdict);
    }
  }
  EXPECT_EQ(cuts, 4u);
}

TEST(MappingDecoder, GoesOnInTheMiddleOfAFileWithItsHeader) {
  MappingDecoder decoder(mapping_from(kMapping), small_symbols());
  decoder.adopt_header(kHeader);
  const std::string bytes = padded("3,2011-03-18,clash,SY,4,,,,\n");
  Arena arena;
  ToldRecords told;
  decoder.decode(bytes, 40, arena, told);
  ASSERT_EQ(told.all.size(), 1u);
  EXPECT_EQ(told.all[0].verdict, Verdict::kEvent) << told.all[0].message;
  EXPECT_EQ(told.all[0].position, 40);
}

TEST(MappingDecoder, RefusesEveryRowOfAFileThatLacksAColumn) {
  const auto r =
      run(kMapping, "id,day,knd,place,killed,low,by,a note,score\n1,,,,,,,,\n2,,,,,,,,\n");
  ASSERT_EQ(r->told.all.size(), 2u);
  EXPECT_EQ(r->told.all[0].reason, reasons::kBadHeader);
  EXPECT_THAT(r->told.all[0].message, HasSubstr("column \"kind\" is there 0 times"));
  EXPECT_EQ(r->counts.rows_rejected, 2u);
}

TEST(MappingDecoder, OneStrayQuoteDoesNotTakeTheFollowingRowsAlong) {
  const auto r = run(kMapping, std::string(kHeader) +
                                   "1,2011-03-18,clash,SY,4,,\"open,,\n"
                                   "2,2011-03-18,clash,SY,4,,,,\n"
                                   "3,2011-03-18,clash,SY,4,,,,\n");
  EXPECT_EQ(r->told.count(Verdict::kReject), 1u);
  EXPECT_EQ(r->told.count(Verdict::kEvent), 2u);
  EXPECT_EQ(r->counts.rows, 3u);
}

TEST(MappingDecoder, NumbersRowsAsWhoeverCutTheBytesDoes) {
  const std::string rows =
      "1,2011-03-18,clash,SY,4,,\"open,,\n"
      "2,2011-03-18,clash,SY,4,,\"a\nb\",,\n"
      "3,2011-03-18,clash,SY,4,,\"few\ncells\"\n"
      "4,2011-03-18,clash,SY,4,,,,\n";
  const auto r = run(kMapping, std::string(kHeader) + rows);
  ASSERT_EQ(r->told.all.size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(r->told.all[i].position, static_cast<int64_t>(i) + 2);
  EXPECT_EQ(whole_records(rows, mapping_from(kMapping)->framing()).records, 4);
  EXPECT_EQ(r->told.all[0].reason, reasons::kBadRow);
  EXPECT_EQ(r->told.all[1].verdict, Verdict::kEvent) << r->told.all[1].message;
  EXPECT_EQ(r->told.all[2].reason, reasons::kBadRow);
  EXPECT_THAT(r->told.all[2].raw, HasSubstr("few\ncells")) << "a whole row";
  EXPECT_EQ(r->told.all[3].verdict, Verdict::kEvent) << r->told.all[3].message;
}

TEST(MappingDecoder, TakesAByteOrderMarkForNothing) {
  const std::string mark = "\xEF\xBB\xBF";
  const auto table = run(kMapping, mark + std::string(kHeader) + "7,2011-03-18,clash,SY,4,,,,\n");
  ASSERT_EQ(table->told.all.size(), 1u);
  EXPECT_EQ(table->told.all[0].verdict, Verdict::kEvent) << table->told.all[0].message;
  const auto bare = run(R"(tocsin: mapping/1
name: bare
source: ucdp-ged
format: csv
header: [id, day, at]
events:
  - {indicator: violence.state_based, id: row.id, time: row.day, region: row.at}
)",
                        mark + "\"7\n8\",2011-03-18,SY\n" + mark + "\n");
  ASSERT_EQ(bare->told.all.size(), 1u);
  EXPECT_EQ(bare->told.all[0].reason, reasons::kBadValue) << "an id of two lines";
  const auto json = run(R"(tocsin: mapping/1
name: json
source: ucdp-ged
format: ndjson
events:
  - {indicator: violence.state_based, id: row.id, time: row.day, region: row.at}
)",
                        mark + R"({"id":"7","day":"2011-03-18","at":"SY"})");
  ASSERT_EQ(json->told.all.size(), 1u);
  EXPECT_EQ(json->told.all[0].verdict, Verdict::kEvent) << json->told.all[0].message;
}

TEST(MappingDecoder, ReadsTabsWithoutHeaderAndQuotesAsLetters) {
  const auto r = run(R"(tocsin: mapping/1
name: tabs
source: ucdp-ged
format: tsv
header: [id, day, who, where]
quoting: off
events:
  - {indicator: violence.state_based, id: row.id, time: row.day, region: row.where, actors: [row.who]}
)",
                     "1\t2011-03-18\t\"A\" said\tSY\n2\t2011-03-18\t\tSY\n");
  ASSERT_EQ(r->told.all.size(), 2u);
  ASSERT_EQ(r->told.all[0].verdict, Verdict::kEvent) << r->told.all[0].message;
  EXPECT_THAT(r->told.all[0].event.actors, ElementsAre("\"A\" said"));
  EXPECT_TRUE(r->told.all[1].event.actors.empty());
  EXPECT_EQ(r->told.all[0].position, 1);
}

TEST(MappingDecoder, ReadsJsonObjectsAsRows) {
  const auto r = run(R"(tocsin: mapping/1
name: json
source: ucdp-ged
format: ndjson
events:
  - indicator: violence.state_based
    id: row.id
    time: row.day
    region: 'row["at.country"]'
    value: row.dead
)",
                     R"({"id":7,"day":"2011-03-18","at":{"country":"SY"},"dead":3})"
                     "\n"
                     R"({"id":8,"day":"2011-03-18","at":{"country":"SY"},"dead":null})"
                     "\n{\n");
  ASSERT_EQ(r->told.all.size(), 3u);
  ASSERT_EQ(r->told.all[0].verdict, Verdict::kEvent) << r->told.all[0].message;
  EXPECT_EQ(r->told.all[0].event.id, "7");
  EXPECT_EQ(r->told.all[0].event.value, 3.0);
  EXPECT_EQ(r->told.all[1].reason, reasons::kNoValue);
  EXPECT_EQ(r->told.all[2].reason, reasons::kBadRow);
}

TEST(MappingDecoder, EventsOfSeveralRowsKeepTheNamesOfTheirOwn) {
  const auto r = run(
      R"(tocsin: mapping/1
name: json
source: ucdp-ged
format: ndjson
events:
  - {indicator: violence.state_based, id: row.id, time: row.day, region: row.at, tags: ['row.map(k, k)']}
)",
      R"({"id":"1","day":"2011-03-18","at":"SY","first":"x","id":"2"})"
      "\n"
      R"({"id":"3","day":"2011-03-18","at":"SY","other":"x","much longer than a short text":""})"
      "\n"
      R"({"zero":"4","day":"2011-03-18","at":"SY"})"
      "\n");
  ASSERT_EQ(r->told.all.size(), 3u);
  ASSERT_EQ(r->told.all[0].verdict, Verdict::kEvent) << r->told.all[0].message;
  EXPECT_EQ(r->told.all[0].event.id, "2") << "the last of a name that is there twice";
  EXPECT_THAT(r->told.all[0].event.tags, ElementsAre("at", "day", "first", "id"));
  EXPECT_THAT(r->told.all[1].event.tags,
              ElementsAre("at", "day", "id", "much longer than a short text", "other"));
  EXPECT_EQ(r->told.all[2].reason, reasons::kMissingField) << "an id that is not there is empty";
}

TEST(PublicationLag, MovesATimeToWhenItCouldBeKnown) {
  const auto lagged = [](std::string_view lag) {
    return run(std::string("tocsin: mapping/1\nname: l\nsource: ucdp-ged\nformat: csv\n"
                           "publication_lag: ") +
                   std::string(lag) +
                   "\nevents:\n  - {indicator: violence.state_based, id: row.id, time: row.year, "
                   "region: row.at}\n",
               "id,year,at\n1,2010,SY\n");
  };
  for (const auto& [lag, wanted] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"{until: 04-01}", "2011-04-01T00:00:00Z"},
           {"{until: 02-29}", "2011-02-28T00:00:00Z"},
           {"90d", "2010-04-01T00:00:00Z"},
           {"15mo", "2011-04-01T00:00:00Z"}}) {
    SCOPED_TRACE(lag);
    const auto r = lagged(lag);
    ASSERT_EQ(r->told.all.size(), 1u);
    ASSERT_EQ(r->told.all[0].verdict, Verdict::kEvent) << r->told.all[0].message;
    EXPECT_EQ(format_time(r->told.all[0].event.time), wanted);
  }
}

TEST(MappingLoader, TellsEveryErrorAtOnce) {
  Diagnostics diagnostics;
  const auto catalogue = small_catalogue();
  const auto mapping = parse_mapping(R"(tocsin: mapping/2
name: x
source: ucdp-gid
format: xls
quoting: maybe
colour: red
publication_lag: soon
skip:
  - {when: row.a, reason: Bad Reason}
events:
  - indicator: violence.state_bassed
    id: row.a +
    region: row.b
)",
                                     "bad.yaml", catalogue.get(), diagnostics);
  EXPECT_EQ(mapping, nullptr);
  std::string all;
  for (const Diagnostic& d : diagnostics.all()) {
    all += to_text(d) + "\n";
    EXPECT_GT(d.place.line, 0) << d.message;
  }
  for (const std::string_view part :
       {"bad.yaml:1:9: error T0403", "`ucdp-ged`", "T0405", "T0406", "colour", "T0409", "T0411",
        "T0413", "did you mean `violence.state_based`", "T0415"}) {
    EXPECT_THAT(all, HasSubstr(part));
  }
}

TEST(MappingLoader, RefusesForJsonWhatOnlyTablesHave) {
  for (const std::string_view key : {"header: true", "skip_rows_starting_with: '#'"}) {
    Diagnostics diagnostics;
    EXPECT_EQ(parse_mapping(std::string("tocsin: mapping/1\nname: x\nsource: ucdp-ged\nformat: "
                                        "ndjson\n") +
                                std::string(key) +
                                "\nevents:\n  - {indicator: violence.state_based, id: row.id, "
                                "time: row.day, region: row.at}\n",
                            "x.yaml", nullptr, diagnostics),
              nullptr)
        << key;
    ASSERT_EQ(diagnostics.errors(), 1);
    EXPECT_EQ(diagnostics.all()[0].place.line, 5);
    EXPECT_THAT(diagnostics.all()[0].hint, HasSubstr("take `"));
  }
}

TEST(MappingLoader, ChecksColumnsThatTheMappingLists) {
  Diagnostics diagnostics;
  EXPECT_EQ(parse_mapping(R"(tocsin: mapping/1
name: x
source: ucdp-ged
format: tsv
header: [id, day, place]
events:
  - {indicator: violence.state_based, id: row.id, time: row.day, region: row.plac}
)",
                          "x.yaml", nullptr, diagnostics),
            nullptr);
  ASSERT_EQ(diagnostics.errors(), 1);
  EXPECT_EQ(diagnostics.all()[0].code, "T0418");
  EXPECT_THAT(diagnostics.all()[0].hint, HasSubstr("`place`"));
}

TEST(RowColumns, FindsTheColumnsOfAnExpression) {
  struct ColumnCase {
    std::string_view expression;
    std::vector<std::string> names;
    bool whole_row;
  };
  for (const ColumnCase& c :
       std::vector<ColumnCase>{{"row.a + row.b", {"a", "b"}, false},
                               {"row[\"a b\"]", {"a b"}, false},
                               {"row[r'''a\\b''']", {"a\\b"}, false},
                               {"row[\"\\u0061\"]", {"a"}, false},
                               {"get(row, 'x', \"\")", {"x"}, false},
                               {"get(row, row.which, \"\")", {"which"}, true},
                               {"has(row.a) ? row.b : 'c'", {"a", "b"}, false},
                               {"'row.no' + row.yes", {"yes"}, false},
                               {"'''row.no \" ''' + row.yes // row.neither", {"yes"}, false},
                               {"other.row", {}, false},
                               {"['a'].map(row, row + 'b') == ['ab']", {}, false},
                               {"row[row.which]", {"which"}, true},
                               {"size(row)", {}, true},
                               {"'a' in row", {}, true},
                               {"row.exists(k, row[k] == 'x')", {}, true},
                               {"row.filter(k, k != 'a').map(k, row.b)", {"b"}, true}}) {
    SCOPED_TRACE(c.expression);
    cel::Environment environment;
    const cel::Type text_map = cel::Type::map(cel::Type::Tag::kString, cel::Type::Tag::kString);
    environment.variables = {{"row", text_map}, {"other", text_map}};
    Diagnostics diagnostics;
    const auto program = cel::Program::compile(c.expression, Place{}, environment, diagnostics);
    ASSERT_TRUE(program) << to_text(diagnostics.all().front());
    const RowColumns found = row_columns(*program);
    EXPECT_EQ(found.names, c.names);
    EXPECT_EQ(found.whole_row, c.whole_row);
  }
}

}  // namespace
}  // namespace tocsin::ingest
