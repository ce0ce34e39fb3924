// Every shipped mapping over the published file it was made for. Runs where the environment names
// the folder of those files; the rows they must account for were counted by Python's csv module.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "ingest/mapping_decoder.h"
#include "rules/load/catalogue_loader.h"
#include "tests/ingest/told_records.h"

namespace tocsin::ingest {
namespace {

constexpr const char* kCatalogueFolder = TOCSIN_SOURCE_DIR "/rules/catalogue/";

std::shared_ptr<const Catalogue> shipped_catalogue() {
  Diagnostics diagnostics;
  const std::string folder = kCatalogueFolder;
  auto catalogue = rules::load_catalogue(
      {folder + "indicators.yaml", folder + "sources.yaml", folder + "regions.yaml"}, diagnostics);
  for (const Diagnostic& d : diagnostics.all()) ADD_FAILURE() << to_text(d);
  return catalogue;
}

std::shared_ptr<const SourceMapping> shipped_mapping(const std::string& name,
                                                     const Catalogue& catalogue) {
  Diagnostics diagnostics;
  auto mapping = load_mapping(std::string(TOCSIN_SOURCE_DIR "/ingest/mappings/") + name + ".yaml",
                              &catalogue, diagnostics);
  for (const Diagnostic& d : diagnostics.all()) {
    if (d.severity == Severity::kError) ADD_FAILURE() << to_text(d);
  }
  return mapping;
}

struct Expected {
  std::string_view mapping;
  std::string_view file;
  uint64_t rows;
  uint64_t rows_with_events;
  uint64_t events;
  MappingCounts::ByReason skipped;
};

void PrintTo(const Expected& expected, std::ostream* out) {
  *out << expected.mapping << " over " << expected.file;
}

class CountingSink final : public DecodedSink {
 public:
  void on_record(const Decoded& record) override {
    if (record.verdict == Verdict::kReject && messages.size() < 5) {
      messages.emplace_back(record.message);
    }
    (record.verdict == Verdict::kEvent ? events : others) += 1;
    if (record.verdict == Verdict::kEvent && record.event.has_value()) sum += record.event.value;
  }
  uint64_t events = 0;
  uint64_t others = 0;
  double sum = 0;
  std::vector<std::string> messages;
};

class ShippedMapping : public testing::TestWithParam<Expected> {};

TEST_P(ShippedMapping, AccountsForEveryRow) {
  const Expected& expected = GetParam();
  const char* const now = std::getenv("TOCSIN_DATA");
  const char* const folder = now != nullptr ? now : TOCSIN_DATA_WHEN_CONFIGURED;
  std::ifstream in(std::string(folder) + "/" + std::string(expected.file), std::ios::binary);
  ASSERT_TRUE(in) << expected.file;
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const size_t size = bytes.size();
  bytes.reserve(size + kPadding);

  const auto catalogue = shipped_catalogue();
  ASSERT_NE(catalogue, nullptr);
  const auto mapping = shipped_mapping(std::string(expected.mapping), *catalogue);
  ASSERT_NE(mapping, nullptr);
  MappingDecoder decoder(mapping, std::make_shared<CurrentSymbols>(catalogue));
  Arena arena;
  CountingSink sink;
  decoder.decode({bytes.data(), size}, 1, arena, sink);

  const MappingCounts& counts = decoder.counts();
  EXPECT_EQ(counts.rows, expected.rows);
  EXPECT_EQ(counts.rows_with_events, expected.rows_with_events);
  EXPECT_EQ(counts.events, expected.events);
  EXPECT_EQ(counts.skipped, expected.skipped);
  EXPECT_EQ(counts.rows, counts.rows_with_events + counts.rows_skipped + counts.rows_rejected);
  EXPECT_EQ(counts.rows_rejected, 0u) << testing::PrintToString(sink.messages);
  EXPECT_EQ(sink.events, counts.events);
  EXPECT_EQ(sink.others, counts.rows_skipped + counts.rows_rejected);
}

INSTANTIATE_TEST_SUITE_P(
    Data, ShippedMapping,
    testing::Values(
        Expected{"ucdp-ged-text", "ged191_africa_mideast.csv", 52188, 52188, 52188, {}},
        Expected{"ucdp-ged-text", "ged191_other_regions.csv", 89635, 89635, 89635, {}},
        Expected{"ucdp-ged-syria", "ged_syria_2016_2019.csv", 16566, 16566, 16566, {}},
        Expected{"ucdp-ged", "hdx_ucdp_bangladesh.csv", 602, 601, 601, {{"marked_row", 1}}},
        Expected{"ucdp-ged-sample", "ged251_sample.csv", 9369, 9369, 9369, {}},
        Expected{"mass-mobilization", "mass_mobilization_1990_2020.csv", 14445, 14445, 16192, {}},
        Expected{"vdem", "vdem12_governance_1985_2021.csv", 5600, 5600, 67200, {}},
        Expected{"wgi", "wgi_1996_2019.csv", 24469, 24409, 24409, {{"dissolved_country", 60}}},
        Expected{"unhcr-population",
                 "unhcr_population_1989_2025.csv",
                 18103,
                 13717,
                 13717,
                 {{"unknown_origin", 485}, {"no_template", 3901}}},
        Expected{
            "unhcr-flows", "unhcr_flows_1989_2025.csv", 45784, 2001, 2001, {{"no_value", 43783}}},
        Expected{"gdelt2",
                 "gdelt_20180326044500.export.CSV",
                 1540,
                 207,
                 207,
                 {{"other_root", 1326}, {"no_country", 7}}},
        Expected{"gdelt2",
                 "gdelt_20191024143000.export.CSV",
                 2111,
                 331,
                 331,
                 {{"other_root", 1768}, {"no_country", 12}}}),
    [](const auto& param_info) {
      std::string name(param_info.param.file);
      for (char& c : name) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
      }
      return name;
    });

}  // namespace
}  // namespace tocsin::ingest
