#include "daemon/eval_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::daemon {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(EvalBatch, AnswersEveryTypeInItsTypedForm) {
  const std::pair<const char*, const char*> cases[] = {
      {R"j({"id": 1, "expr": "1 + 2"})j", R"j({"id": 1, "value": {"int": "3"}})j"},
      {R"j({"id": "a", "expr": "1.0 / 0.0"})j",
       R"j({"id": "a", "value": {"double": "Infinity"}})j"},
      {R"j({"id": "a", "expr": "-1.0 / 0.0"})j",
       R"j({"id": "a", "value": {"double": "-Infinity"}})j"},
      {R"j({"id": [1], "expr": "0.0 / 0.0"})j", R"j({"id": [1], "value": {"double": "NaN"}})j"},
      {R"j({"id": 1, "expr": "2.5"})j", R"j({"id": 1, "value": {"double": 2.5}})j"},
      {R"j({"id": 1, "expr": "7u"})j", R"j({"id": 1, "value": {"uint": "7"}})j"},
      {R"j({"id": 1, "expr": "null"})j", R"j({"id": 1, "value": {"null": null}})j"},
      {R"j({"id": 1, "expr": "'a\"b'"})j", R"j({"id": 1, "value": {"string": "a\"b"}})j"},
      {R"j({"id": 1, "expr": "b'\\xff'"})j", R"j({"id": 1, "value": {"bytes": "/w=="}})j"},
      {R"j({"id": 1, "expr": "type(1)"})j", R"j({"id": 1, "value": {"type": "int"}})j"},
      {R"j({"id": 1, "expr": "[1, true]"})j",
       R"j({"id": 1, "value": {"list": [{"int": "1"}, {"bool": true}]}})j"},
      {R"j({"id": 1, "expr": "{1: 'x'}"})j",
       R"j({"id": 1, "value": {"map": [[{"int": "1"}, {"string": "x"}]]}})j"},
      {R"j({"id": 1, "expr": "duration('90m')"})j",
       R"j({"id": 1, "value": {"duration": "5400s"}})j"},
      {R"j({"id": 1, "expr": "timestamp(0)"})j",
       R"j({"id": 1, "value": {"timestamp": "1970-01-01T00:00:00Z"}})j"},
  };
  for (const auto& [line, answer] : cases) EXPECT_EQ(answer_eval_line(line, true), answer) << line;
}

TEST(EvalBatch, ReadsBindingsOfEveryType) {
  const char* bindings[] = {
      R"j({"int": "3"})j",
      R"j({"int": "-9223372036854775808"})j",
      R"j({"uint": "18446744073709551615"})j",
      R"j({"double": 1.5})j",
      R"j({"double": "NaN"})j",
      R"j({"string": "é"})j",
      R"j({"bool": true})j",
      R"j({"null": null})j",
      R"j({"list": [{"int": "1"}, {"list": []}]})j",
      R"j({"map": [[{"string": "a"}, {"int": "1"}], [{"string": "b"}, {"null": null}]]})j",
      R"j({"timestamp": "2026-01-02T03:04:05.6Z"})j",
      R"j({"duration": "-1.5s"})j",
      R"j({"bytes": "AP8="})j",
      R"j({"type": "int"})j"};
  for (const std::string binding : bindings) {
    EXPECT_EQ(
        answer_eval_line(R"j({"id": 0, "expr": "x", "bindings": {"x": )j" + binding + "}}", true),
        R"j({"id": 0, "value": )j" + binding + "}");
  }
}

TEST(EvalBatch, FindsTheLongestDottedNameAndNeverShadowsLiterals) {
  EXPECT_EQ(
      answer_eval_line(
          R"j({"id": 0, "expr": "a.b.c", "bindings": {"a.b.c": {"int": "1"}, "a.b": {"map": [[{"string": "c"}, {"int": "2"}]]}}})j",
          true),
      R"j({"id": 0, "value": {"int": "1"}})j");
  EXPECT_EQ(
      answer_eval_line(
          R"j({"id": 0, "expr": "a.b.c", "bindings": {"a.b": {"map": [[{"string": "c"}, {"int": "2"}]]}}})j",
          true),
      R"j({"id": 0, "value": {"int": "2"}})j");
  EXPECT_EQ(
      answer_eval_line(
          R"j({"id": 0, "expr": "true", "bindings": {"true": {"int": "1"}, "null": {"int": "1"}}})j",
          true),
      R"j({"id": 0, "value": {"bool": true}})j");
}

TEST(EvalBatch, ChecksTypesUnlessToldNotTo) {
  EXPECT_EQ(
      answer_eval_line(
          R"j({"id": 0, "expr": "x + 1", "bindings": {"x": {"int": "3"}}, "types": {"x": "int"}})j",
          true),
      R"j({"id": 0, "value": {"int": "4"}})j");
  const std::string refused = answer_eval_line(
      R"j({"id": 0, "expr": "x + 1.0", "bindings": {"x": {"int": "3"}}, "types": {"x": "int"}})j",
      true);
  EXPECT_THAT(refused, HasSubstr("\"error\""));
  EXPECT_THAT(refused, HasSubstr("\"phase\": \"check\""));
  EXPECT_EQ(
      answer_eval_line(R"j({"id": 0, "expr": "f_unknown(17) || true", "check": false})j", true),
      R"j({"id": 0, "value": {"bool": true}})j");
  EXPECT_THAT(answer_eval_line(R"j({"id": 0, "expr": "f_unknown(17)", "check": false})j", true),
              HasSubstr("\"error\": \"unknown_name: no such function: f_unknown\""));
  EXPECT_THAT(answer_eval_line(R"j({"id": 0, "expr": "f_unknown(17)"})j", true),
              HasSubstr("\"phase\": \"check\""));
}

TEST(EvalBatch, TellsADeclaredVariableWithoutAValueFromAValue) {
  EXPECT_THAT(answer_eval_line(R"j({"id": 0, "expr": "x", "types": {"x": "int"}})j", true),
              HasSubstr("unknown name: x"));
  EXPECT_EQ(
      answer_eval_line(R"j({"id": 0, "expr": "x == 1 || true", "types": {"x": "int"}})j", true),
      R"j({"id": 0, "value": {"bool": true}})j");
}

TEST(EvalBatch, SaysUnsupportedOnlyOfWhatCelHas) {
  for (const char* expression :
       {"google.protobuf.Int32Value{value: 1}", "a.?b", "'a'.replace('a', 'b')",
        "math.greatest(1, 2)", "[1].exists(i, v, true)", "optional.of(1)", "cel.bind(x, 1, x)"}) {
    EXPECT_THAT(
        answer_eval_line(R"j({"id": 0, "expr": ")j" + std::string(expression) + "\"}", true),
        StartsWith(R"j({"id": 0, "unsupported": ")j"))
        << expression;
  }
  for (const char* expression : {"frobnicate(1)", "{1.5: 2}", "1 +", "{null: 1}"}) {
    EXPECT_THAT(
        answer_eval_line(R"j({"id": 0, "expr": ")j" + std::string(expression) + "\"}", true),
        StartsWith(R"j({"id": 0, "error": ")j"))
        << expression;
  }
}

TEST(EvalBatch, AnswersABrokenLineWithAnError) {
  for (
      const char* line :
      {"", "{", "[]", "3", R"j({"id": 7})j", R"j({"id": 7, "expr": 3})j",
       R"j({"id": 7, "expr": "1", "check": 2})j",
       R"j({"id": 7, "expr": "x", "bindings": {"x": 3}})j",
       R"j({"id": 7, "expr": "x", "bindings": {"x": {"int": "z"}}})j",
       R"j({"id": 7, "expr": "x", "bindings": {"x": {"map": [[{"double": 1.5}, {"int": "1"}]]}}})j",
       R"j({"id": 7, "expr": "x", "bindings": []})j",
       R"j({"id": 7, "expr": "x", "types": {"x": "integer"}})j",
       "{\"id\": 7, \"expr\": \"\xff\"}"}) {
    const std::string answer = answer_eval_line(line, true);
    EXPECT_THAT(answer, HasSubstr("\"error\": \"")) << line;
    EXPECT_THAT(answer, testing::EndsWith("}")) << line;
  }
}

TEST(EvalBatch, KeepsExtensionsOutOfConformance) {
  EXPECT_EQ(answer_eval_line(R"j({"id": 0, "expr": "abs(-2)"})j", false),
            R"j({"id": 0, "value": {"int": "2"}})j");
  EXPECT_THAT(answer_eval_line(R"j({"id": 0, "expr": "abs(-2)"})j", true), HasSubstr("error"));
}

}  // namespace
}  // namespace tocsin::daemon
