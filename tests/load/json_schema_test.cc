#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>

#include "rules/load/formats.h"

namespace tocsin::rules {
namespace {

TEST(JsonSchema, OfEveryFormatIsJson) {
  for (const std::string& format : formats_with_schema()) {
    const std::string text = json_schema_of(format);
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    EXPECT_EQ(parser.parse(text).get(root), simdjson::SUCCESS) << format << "\n" << text;
    std::string_view type;
    EXPECT_EQ(root["type"].get(type), simdjson::SUCCESS);
    EXPECT_EQ(type, "object") << format;
  }
  EXPECT_EQ(json_schema_of("poem"), "");
}

TEST(JsonSchema, KnowsTheKeysThatTheLoaderKnows) {
  const std::string text = json_schema_of("rules");
  for (const char* word :
       {"\"select\"", "\"measures\"", "\"baseline\"", "\"roster\"", "\"steps\"", "\"also_new_to\"",
        "\"keep_firing_for\"", "\"justice_gap\"", "\"emergency\""}) {
    EXPECT_THAT(text, testing::HasSubstr(word));
  }
  // Keys that this version refuses are not offered.
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("\"inhibits\"")));
}

}  // namespace
}  // namespace tocsin::rules
