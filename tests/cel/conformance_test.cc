#include <gtest/gtest.h>
#include <simdjson.h>

#include <fstream>

#include "daemon/eval_batch.h"
#include "daemon/typed_json.h"

namespace tocsin::daemon {
namespace {

// What the answer must be, in full for a value, its beginning otherwise.
std::string wanted(const simdjson::dom::element& root) {
  const std::string id = simdjson::minify(root["id"].value_unsafe());
  const simdjson::dom::element want = root["want"].value_unsafe();
  simdjson::dom::element value;
  if (want["value"].get(value) == simdjson::SUCCESS) {
    Arena arena;
    return "{\"id\": " + id + ", \"value\": " + to_typed_json(*value_of_typed_json(value, arena)) +
           "}";
  }
  const bool error = want["error"].error() == simdjson::SUCCESS;
  return "{\"id\": " + id + (error ? ", \"error\": " : ", \"unsupported\": ");
}

TEST(Conformance, AnswersThePublicSuiteByProgramAndByTree) {
  std::ifstream file(std::string(TOCSIN_SOURCE_DIR) + "/tests/cel/conformance/cases.ndjson");
  ASSERT_TRUE(file);
  std::string line;
  int cases = 0;
  simdjson::dom::parser parser;
  while (std::getline(file, line)) {
    ++cases;
    simdjson::dom::element root;
    ASSERT_EQ(parser.parse(line).get(root), simdjson::SUCCESS) << line;
    const std::string expected = wanted(root);
    for (const bool by_reference : {false, true}) {
      const std::string answer = answer_eval_line(line, true, by_reference);
      const bool good = expected.back() == '}' ? answer == expected : answer.starts_with(expected);
      EXPECT_TRUE(good) << line << "\n  wanted " << expected << "\n  got    " << answer
                        << (by_reference ? " (reference)" : "");
    }
  }
  EXPECT_EQ(cases, 2040);  // the whole file was read
}

}  // namespace
}  // namespace tocsin::daemon
