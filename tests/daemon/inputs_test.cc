#include "daemon/inputs.h"

#include <gtest/gtest.h>

namespace tocsin::daemon {
namespace {

TEST(Inputs, KnowTheirStreams) {
  InputConfig file;
  file.name = "desk";
  InputConfig topics;
  topics.name = "live";
  topics.type = InputConfig::Type::kKafka;
  topics.topics = {"a", "b/c"};
  InputConfig pattern = topics;
  pattern.topics = {"^a.*"};
  struct Case {
    const char* name;
    const InputConfig& input;
    const char* stream;
    bool is_its;
  };
  const Case cases[] = {
      {"its file", file, "file/desk", true},
      {"another file", file, "file/desk2", false},
      {"no topic of that name", file, "kafka/desk/0", false},
      {"its topic", topics, "kafka/a/0", true},
      {"its topic with a slash", topics, "kafka/b/c/12", true},
      {"another topic", topics, "kafka/aa/0", false},
      {"no file of that name", topics, "file/live", false},
      {"no HTTP", topics, "http", false},
      {"whatever a pattern may mean", pattern, "kafka/aa/0", true},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(is_stream_of(each.input, each.stream), each.is_its) << each.name;
  }
}

}  // namespace
}  // namespace tocsin::daemon
