#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "daemon/inputs.h"
#include "tests/daemon/temporary_folder.h"
#include "tests/ingest/small_catalogue.h"

namespace tocsin::daemon {
namespace {

using testing::HasSubstr;

class KafkaInput : public testing::Test {
 protected:
  InputConfig input() {
    InputConfig config;
    config.name = "live";
    config.type = InputConfig::Type::kKafka;
    config.kafka.brokers = "127.0.0.1:1";
    config.topics = {"reports"};
    return config;
  }
  std::string mapping(std::string_view header) {
    const std::string path = folder_.path("desk.yaml");
    std::ofstream(path) << "tocsin: mapping/1\nname: desk\nsource: ucdp-ged\nformat: csv\n"
                        << header
                        << "events:\n  - {indicator: violence.state_based, id: row.id, time: "
                           "row.day, region: row.at}\n";
    return path;
  }

  TemporaryFolder folder_;
  std::shared_ptr<ingest::CurrentSymbols> symbols_ = ingest::small_symbols();
};

TEST_F(KafkaInput, RefusesATableWhoseFirstRowWouldBeItsHeader) {
  InputConfig config = input();
  config.mapping = mapping("header: true\n");
  const auto refused = make_input(config, symbols_, "one");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("desk.yaml"));
  EXPECT_THAT(refused.error().message, HasSubstr("`header: [a, b]`"));
  config.mapping = mapping("header: [id, day, at]\n");
  EXPECT_TRUE(make_input(config, symbols_, "one"));
  config.type = InputConfig::Type::kFile;
  config.mapping = mapping("header: true\n");
  EXPECT_TRUE(make_input(config, symbols_, "one")) << "a file has one";
}

TEST_F(KafkaInput, ConnectsAsTheConfigurationSays) {
  InputConfig config = input();
  config.kafka.security_protocol = "sasl_plaintext";
  config.kafka.sasl_mechanism = "PLAIN";
  config.kafka.sasl_username = "tocsin";
  config.kafka.sasl_password_file = folder_.path("absent-password");
  auto made = make_input(config, symbols_, "one");
  ASSERT_TRUE(made);
  ingest::BatchQueue queue(1000);
  const Status started = made->reader->start(queue, [](std::string_view) { return std::nullopt; });
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("absent-password"));
}

}  // namespace
}  // namespace tocsin::daemon
