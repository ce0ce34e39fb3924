// How inputs and sinks reach Kafka, as the configuration says it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/config.h"
#include "tests/daemon/temporary_folder.h"

namespace tocsin::daemon {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

class KafkaConfig : public testing::Test {
 protected:
  // An input and a sink with the same keys.
  std::optional<Config> load(const std::string& keys) {
    Diagnostics diagnostics;
    const auto config =
        load_config(folder_.write("tocsin.yaml",
                                  "tocsin: config/1\ndata_dir: data\nrules: rules\n"
                                  "inputs: [{name: live, type: kafka, topics: [t], brokers: b, " +
                                      keys +
                                      "}]\n"
                                      "sinks: [{name: out, type: kafka, topic: t, brokers: b, " +
                                      keys + "}]\n"),
                    diagnostics);
    told_.clear();
    for (const Diagnostic& each : diagnostics.sorted()) told_.push_back(to_text(each));
    return config;
  }

  TemporaryFolder folder_;
  std::vector<std::string> told_;
};

TEST_F(KafkaConfig, SaysWhoWeAreAndWhomWeTrust) {
  const auto config = load(
      "security: {protocol: sasl_ssl, sasl_mechanism: SCRAM-SHA-512, username: tocsin, "
      "password_file: password, ca_file: /etc/ca.pem, certificate_file: own.pem, "
      "key_file: own.key, key_password_file: key-password}, properties: {client.id: desk}");
  ASSERT_TRUE(config) << testing::PrintToString(told_);
  for (const ingest::KafkaConnection& kafka : {config->inputs[0].kafka, config->sinks[0].kafka}) {
    EXPECT_EQ(kafka.brokers, "b");
    EXPECT_EQ(kafka.security_protocol, "sasl_ssl");
    EXPECT_EQ(kafka.sasl_mechanism, "SCRAM-SHA-512");
    EXPECT_EQ(kafka.sasl_username, "tocsin");
    EXPECT_EQ(kafka.sasl_password_file, folder_.path("password"));
    EXPECT_EQ(kafka.ssl_ca_file, "/etc/ca.pem");
    EXPECT_EQ(kafka.ssl_certificate_file, folder_.path("own.pem"));
    EXPECT_EQ(kafka.ssl_key_file, folder_.path("own.key"));
    EXPECT_EQ(kafka.ssl_key_password_file, folder_.path("key-password"));
    EXPECT_EQ(kafka.properties.at("client.id"), "desk");
  }
}

TEST_F(KafkaConfig, TakesEveryProtocolWithWhatItNeeds) {
  const char* const kGood[] = {
      "properties: {client.id: x}", "security: {protocol: plaintext}", "security: {protocol: ssl}",
      "security: {protocol: ssl, ca_file: c, certificate_file: o, key_file: k}",
      "security: {protocol: sasl_plaintext, sasl_mechanism: PLAIN, username: u, password_file: p}",
      // Kerberos and the like go by properties alone.
      "properties: {security.protocol: sasl_ssl, sasl.mechanism: GSSAPI}"};
  for (const char* keys : kGood) EXPECT_TRUE(load(keys)) << keys << testing::PrintToString(told_);
}

TEST_F(KafkaConfig, RefusesWhatContradictsItself) {
  struct Case {
    const char* name;
    const char* keys;
    const char* code;
    const char* told;
  };
  const Case cases[] = {
      {"misspelt key", "security: {protocol: ssl, cafile: x}", "", "ca_file"},
      {"no protocol", "security: {ca_file: x}", "", "protocol"},
      {"unknown protocol", "security: {protocol: tls}", "", "sasl_ssl"},
      {"unknown mechanism",
       "security: {protocol: sasl_ssl, sasl_mechanism: scram, username: u, password_file: p}", "",
       "SCRAM-SHA-512"},
      {"a password as it is", "security: {protocol: sasl_ssl, password: canary}", "",
       "password_file"},
      {"login without a name",
       "security: {protocol: sasl_ssl, sasl_mechanism: PLAIN, password_file: p}", "T0509",
       "`protocol: sasl_ssl` needs `username`"},
      {"login without a password",
       "security: {protocol: sasl_plaintext, sasl_mechanism: PLAIN, username: u}", "T0509",
       "needs `password_file`"},
      {"login without a mechanism",
       "security: {protocol: sasl_plaintext, username: u, password_file: p}", "T0509",
       "needs `sasl_mechanism`"},
      {"a name without login", "security: {protocol: ssl, username: u}", "T0509",
       "`protocol: ssl` does not read `username`"},
      {"a CA without TLS",
       "security: {protocol: sasl_plaintext, sasl_mechanism: PLAIN, username: u, "
       "password_file: p, ca_file: c}",
       "T0509", "does not read `ca_file`"},
      {"certificate without key", "security: {protocol: ssl, certificate_file: o}", "T0509",
       "needs `key_file`"},
      {"key without certificate", "security: {protocol: ssl, key_file: k}", "T0509",
       "needs `certificate_file`"},
      {"password of no key", "security: {protocol: ssl, key_password_file: p}", "T0509",
       "needs `key_file`"},
      {"said twice", "security: {protocol: ssl}, properties: {security.protocol: plaintext}",
       "T0509", "property security.protocol"},
      {"a name that is empty",
       "security: {protocol: sasl_ssl, sasl_mechanism: PLAIN, username: \"\", password_file: p}",
       "T0509", "needs `username`"},
  };
  for (const Case& each : cases) {
    EXPECT_FALSE(load(each.keys)) << each.name;
    for (const char* line : {"tocsin.yaml:4:", "tocsin.yaml:5:"}) {
      EXPECT_THAT(told_,
                  Contains(AllOf(HasSubstr(line), HasSubstr(each.code), HasSubstr(each.told))))
          << each.name;
    }
    EXPECT_THAT(told_, testing::Each(testing::Not(HasSubstr("canary")))) << each.name;
  }
}

TEST_F(KafkaConfig, IsNothingThatOtherKindsRead) {
  Diagnostics diagnostics;
  EXPECT_FALSE(load_config(
      folder_.write("tocsin.yaml",
                    "tocsin: config/1\ndata_dir: data\nrules: rules\n"
                    "sinks: [{name: a, type: log, path: x, security: {protocol: ssl}}]\n"),
      diagnostics));
  EXPECT_THAT(to_text(diagnostics.sorted().front()), HasSubstr("`security`"));
}

}  // namespace
}  // namespace tocsin::daemon
