#include "rules/load/catalogue_loader.h"

#include <gmock/gmock.h>

#include "tests/load/loading.h"

namespace tocsin::rules {
namespace {

using testing::HasSubstr;

TEST(CatalogueLoader, LoadsWhatIsShipped) {
  Diagnostics diagnostics;
  const auto catalogue =
      load_catalogue({std::string(TOCSIN_SOURCE_DIR) + "/rules/catalogue"}, diagnostics);
  for (const Diagnostic& d : diagnostics.sorted()) ADD_FAILURE() << to_text(d);
  ASSERT_NE(catalogue, nullptr);
  EXPECT_GE(catalogue->indicators().size(), 50U);
  EXPECT_GE(catalogue->regions().size(), 5000U);
  const auto norway = catalogue->find_region("NO");
  ASSERT_TRUE(norway.has_value());
  EXPECT_EQ(catalogue->region_name(*norway, "en"), "Norway");
  EXPECT_FALSE(catalogue->neighbours(*catalogue->find_region("SY")).empty());
}

TEST(CatalogueLoader, FillsDefaultsOfASource) {
  Diagnostics diagnostics;
  const auto catalogue = load_catalogue({data_path("catalogue")}, diagnostics);
  ASSERT_NE(catalogue, nullptr);
  const Source& desk = catalogue->source(*catalogue->find_source("desk"));
  EXPECT_EQ(desk.lateness, std::chrono::days(2));
  EXPECT_EQ(desk.idle, std::chrono::days(1));
  EXPECT_EQ(desk.correction_horizon, std::chrono::days(45));
  EXPECT_EQ(desk.tlp, Tlp::kAmber);
  EXPECT_EQ(desk.reliability, 1.0);
  const Source& monitor = catalogue->source(*catalogue->find_source("monitor-sahel"));
  EXPECT_EQ(monitor.idle, std::chrono::days(21));
  EXPECT_EQ(catalogue->sources_of(*catalogue->find_indicator("justice.detention")).size(), 1U);
}

TEST(CatalogueLoader, DivisionIntoFilesDoesNotCount) {
  BundleText whole = with_rules({});
  const std::string& text = whole.catalogue[0].text;
  const size_t sources = text.find("sources:");
  BundleText parts = whole;
  parts.catalogue = {{whole.catalogue[0].name, "tocsin: catalogue/1\n" + text.substr(sources)},
                     {"z.yaml", text.substr(0, sources)}};
  Diagnostics diagnostics;
  const auto a = load_catalogue(whole, diagnostics);
  const auto b = load_catalogue(parts, diagnostics);
  ASSERT_TRUE(a != nullptr && b != nullptr);
  EXPECT_TRUE(*a == *b);
}

struct CatalogueCase {
  std::string name;
  std::string text;
  std::string expected;  // "line:column code part of message"
};
std::ostream& operator<<(std::ostream& out, const CatalogueCase& row) { return out << row.name; }

class BadCatalogue : public testing::TestWithParam<CatalogueCase> {};

TEST_P(BadCatalogue, IsToldWithPlaceAndReason) {
  BundleText text;
  text.catalogue = {{"c.yaml", "tocsin: catalogue/1\n" + GetParam().text}};
  text.attachments = {{"bad_header.tsv", "id\tname\nML\tMali\n"},
                      {"bad_row.tsv", "id\tparent\tiso3\ten\nML\t\tMLI\n"},
                      {"orphan.tsv", "id\tparent\tiso3\ten\nML-1\tML\t\tKayes\n"},
                      {"borders.tsv", "region\tneighbour\nML\tXX\n"},
                      {"empty.tsv", ""},
                      {"circle.tsv", "id\tparent\tiso3\ten\nAA\tBB\t\tA\nBB\tAA\t\tB\n"}};
  Diagnostics diagnostics;
  EXPECT_EQ(load_catalogue(text, diagnostics), nullptr);
  ASSERT_TRUE(diagnostics.has_errors());
  const Diagnostic first = diagnostics.sorted().front();
  EXPECT_THAT(first.place.file + ":" + std::to_string(first.place.line) + ":" +
                  std::to_string(first.place.column) + " " + first.code + " " + first.message,
              HasSubstr(GetParam().expected));
}

constexpr const char* kA = "  a.b: {driver: violence, meaning: m}\n";

INSTANTIATE_TEST_SUITE_P(
    Files, BadCatalogue,
    testing::Values(
        CatalogueCase{"UnknownKey", "indicator: {}\n", "c.yaml:2:1 T0303 unknown key `indicator`"},
        CatalogueCase{"DriverMisspelt", "indicators:\n  a.b: {driver: violense, meaning: m}\n",
                      "c.yaml:3:17 T0309"},
        CatalogueCase{"MeaningMissing", "indicators:\n  a.b: {driver: violence}\n",
                      "c.yaml:3:8 T0305 `a.b` lacks `meaning`"},
        CatalogueCase{"IndicatorName", "indicators:\n  a-b: {driver: violence, meaning: m}\n",
                      "c.yaml:3:3 T0202"},
        CatalogueCase{
            "AttrType",
            "indicators:\n  a.b: {driver: violence, meaning: m, attrs: {x: {type: text}}}\n",
            "c.yaml:3:57 T0309"},
        CatalogueCase{"ValuesOfInt",
                      "indicators:\n  a.b: {driver: violence, meaning: m, attrs: {x: {type: int, "
                      "values: [a]}}}\n",
                      "c.yaml:3:70 T0204"},
        CatalogueCase{"SourceName",
                      std::string("indicators:\n") + kA +
                          "sources: {My_Feed: {title: t, indicators: [a.b]}}\n",
                      "c.yaml:4:11 T0202"},
        CatalogueCase{
            "SourceIndicator",
            std::string("indicators:\n") + kA + "sources: {s: {title: t, indicators: [a.c]}}\n",
            "c.yaml:4:38 T0206 no indicator `a.c`"},
        CatalogueCase{
            "SourcePrefix",
            std::string("indicators:\n") + kA + "sources: {s: {title: t, indicators: [x.*]}}\n",
            "c.yaml:4:38 T0206"},
        CatalogueCase{"Reliability",
                      std::string("indicators:\n") + kA +
                          "sources: {s: {title: t, reliability: 1.5, indicators: [a.b]}}\n",
                      "c.yaml:4:38 T0205"},
        CatalogueCase{"CalendarLateness",
                      std::string("indicators:\n") + kA +
                          "sources: {s: {title: t, lateness: 1mo, indicators: [a.b]}}\n",
                      "c.yaml:4:35 T0307"},
        CatalogueCase{"HorizonUnderLateness",
                      std::string("indicators:\n") + kA +
                          "sources: {s: {title: t, lateness: 9d, correction_horizon: 3d, "
                          "indicators: [a.b]}}\n",
                      "c.yaml:4:11 T0205"},
        CatalogueCase{"Tlp",
                      std::string("indicators:\n") + kA +
                          "sources: {s: {title: t, tlp: white, indicators: [a.b]}}\n",
                      "c.yaml:4:30 T0309"},
        CatalogueCase{"RegionId", "regions: {declare: {mali: {names: {en: Mali}}}}\n",
                      "c.yaml:2:21 T0202"},
        CatalogueCase{"RegionWithoutEnglish", "regions: {declare: {ML: {names: {fr: Mali}}}}\n",
                      "c.yaml:2:21 T0207"},
        CatalogueCase{"CalendarEndsBefore",
                      "calendars: {c: {valid_until: 2030-01-01, entries: [{from: 2026-03-02, to: "
                      "2026-03-01}]}}\n",
                      "c.yaml:2:52 T0210 the entry ends on 2026-03-01, before it begins"},
        CatalogueCase{"CalendarRegion",
                      "calendars: {c: {valid_until: 2030-01-01, entries: [{region: ML, from: "
                      "2026-03-01, to: 2026-03-01}]}}\n",
                      "c.yaml:2:52 T0211 no region `ML`"},
        CatalogueCase{"CalendarWithoutEntries", "calendars: {c: {valid_until: 2030-01-01}}\n",
                      "c.yaml:2:13 T0212 a calendar has either"},
        CatalogueCase{"CalendarWithoutEnd", "calendars: {c: {entries: []}}\n",
                      "c.yaml:2:16 T0305 `c` lacks `valid_until`"},
        CatalogueCase{"TableMissing", "regions: {file: nowhere.tsv}\n", "c.yaml:2:17 T0222"},
        CatalogueCase{"TableHeader", "regions: {file: bad_header.tsv}\n",
                      "bad_header.tsv:1:1 T0220"},
        CatalogueCase{"TableEmpty", "regions: {file: empty.tsv}\n", "empty.tsv:1:1 T0220"},
        CatalogueCase{"TableRow", "regions: {file: bad_row.tsv}\n", "bad_row.tsv:2:1 T0221"},
        CatalogueCase{"Orphan", "regions: {file: orphan.tsv}\n", "orphan.tsv:2:1 T0208"},
        CatalogueCase{"Circle", "regions: {file: circle.tsv}\n", "circle.tsv:2:1 T0208"},
        CatalogueCase{
            "Border",
            "regions: {declare: {ML: {names: {en: Mali}}}}\nborders: {file: borders.tsv}\n",
            "borders.tsv:2:1 T0208 no region `XX`"}),
    [](const auto& param) { return param.param.name; });

TEST(CatalogueLoader, DeclaredTwiceNamesBothPlaces) {
  const std::string file =
      "tocsin: catalogue/1\nindicators:\n  a.b: {driver: violence, meaning: m}\n";
  BundleText text;
  text.catalogue = {{"a.yaml", file}, {"b.yaml", file}};
  Diagnostics diagnostics;
  EXPECT_EQ(load_catalogue(text, diagnostics), nullptr);
  ASSERT_EQ(diagnostics.errors(), 1);
  EXPECT_EQ(diagnostics.all()[0].place.file, "b.yaml");
  EXPECT_THAT(diagnostics.all()[0].hint, HasSubstr("a.yaml:3"));
}

}  // namespace
}  // namespace tocsin::rules
