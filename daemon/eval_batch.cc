#include "daemon/eval_batch.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <optional>
#include <vector>

#include "daemon/typed_json.h"
#include "rules/cel/program.h"

namespace tocsin::daemon {

namespace {

using simdjson::dom::element;

struct Question {
  std::string id = "null";  // as JSON
  std::string expression;
  bool check = true;
  cel::Environment environment;
  std::vector<cel::Value> values;    // of the variables
  std::vector<std::string> unbound;  // declared by "types", but without a value
};

std::string error_line(const std::string& id, std::string_view text, std::string_view phase = {}) {
  if (phase.empty()) return fmt::format(R"({{"id": {}, "error": {}}})", id, json_quote(text));
  return fmt::format(R"({{"id": {}, "error": {}, "phase": "{}"}})", id, json_quote(text), phase);
}

// What is wrong with the line itself; nullopt when nothing is.
std::optional<std::string> read_types(const element& root, Question& question) {
  element types;
  if (root["types"].get(types) != simdjson::SUCCESS || types.is_null()) return std::nullopt;
  simdjson::dom::object object;
  if (types.get(object) != simdjson::SUCCESS) return "\"types\" must be an object";
  for (const simdjson::dom::key_value_pair field : object) {
    std::string_view text;
    bool ok = field.value.get(text) == simdjson::SUCCESS;
    const cel::Type type = ok ? cel::parse_type(text, ok) : cel::Type();
    if (!ok) return fmt::format("the type of {} is malformed", field.key);
    question.environment.variables.push_back({std::string(field.key), type});
    question.unbound.emplace_back(field.key);
  }
  question.values.resize(question.environment.variables.size());
  return std::nullopt;
}

std::optional<std::string> read_bindings(const element& root, Question& question, Arena& arena) {
  element bindings;
  if (root["bindings"].get(bindings) != simdjson::SUCCESS || bindings.is_null())
    return std::nullopt;
  simdjson::dom::object object;
  if (bindings.get(object) != simdjson::SUCCESS) return "\"bindings\" must be an object";
  std::vector<cel::Variable>& variables = question.environment.variables;
  for (const simdjson::dom::key_value_pair field : object) {
    const Result<cel::Value> value = value_of_typed_json(field.value, arena);
    if (!value) return fmt::format("binding {}: {}", field.key, value.error().message);
    size_t slot = 0;
    while (slot < variables.size() && variables[slot].name != field.key) ++slot;
    if (slot == variables.size()) {
      variables.push_back({std::string(field.key), {}});
      question.values.emplace_back();
    }
    question.values[slot] = *value;
    std::erase(question.unbound, std::string(field.key));
  }
  return std::nullopt;
}

std::optional<std::string> read_question(const element& root, Question& question, Arena& arena) {
  if (!root.is_object()) return "a line must be a JSON object";
  element id;
  if (root["id"].get(id) == simdjson::SUCCESS) question.id = simdjson::minify(id);
  std::string_view expression;
  if (root["expr"].get(expression) != simdjson::SUCCESS) return "\"expr\" must be a text";
  question.expression = expression;
  element check;
  if (root["check"].get(check) == simdjson::SUCCESS &&
      check.get(question.check) != simdjson::SUCCESS) {
    return "\"check\" must be true or false";
  }
  if (auto problem = read_types(root, question)) return problem;
  return read_bindings(root, question, arena);
}

// Variables that have a type and no value are unknown names when it comes to evaluating.
void drop_unbound(Question& question) {
  std::vector<cel::Variable>& variables = question.environment.variables;
  for (const std::string& name : question.unbound) {
    for (size_t i = 0; i < variables.size(); ++i) {
      if (variables[i].name != name) continue;
      variables.erase(variables.begin() + static_cast<std::ptrdiff_t>(i));
      question.values.erase(question.values.begin() + static_cast<std::ptrdiff_t>(i));
      break;
    }
  }
  question.environment.check_types = false;
}

std::string complaint(const Question& question, const Diagnostics& diagnostics) {
  const Diagnostic* first = nullptr;
  for (const Diagnostic& d : diagnostics.all()) {
    if (d.severity != Severity::kError) continue;
    if (d.code == "T0190") {
      return fmt::format(R"({{"id": {}, "unsupported": {}}})", question.id, json_quote(d.message));
    }
    if (first == nullptr) first = &d;
  }
  const bool syntax = first->code <= "T0109" || first->code == "T0124";
  return error_line(
      question.id, fmt::format("{}:{}: {}", first->place.line, first->place.column, first->message),
      syntax ? "parse" : "check");
}

std::string answer(Question& question, bool by_reference, Arena& arena) {
  const Place place{"", 1, 1};
  Diagnostics diagnostics;
  question.environment.check_types = question.check;
  auto program =
      cel::Program::compile(question.expression, place, question.environment, diagnostics);
  if (program && !question.unbound.empty()) {
    drop_unbound(question);
    program = cel::Program::compile(question.expression, place, question.environment, diagnostics);
  }
  if (!program) return complaint(question, diagnostics);
  const cel::Outcome outcome = by_reference
                                   ? program->run_reference(nullptr, question.values, arena)
                                   : program->run(nullptr, question.values, arena);
  if (outcome.ok()) {
    return fmt::format(R"({{"id": {}, "value": {}}})", question.id, to_typed_json(outcome.value));
  }
  return error_line(question.id, fmt::format("{}: {}", to_string(outcome.error), outcome.detail));
}

}  // namespace

std::string answer_eval_line(std::string_view line, bool conformance, bool by_reference) {
  Question question;
  question.environment.conformance = conformance;
  Arena arena(16 * 1024);
  simdjson::dom::parser parser;
  element root;
  const simdjson::padded_string padded(line);
  if (const auto error = parser.parse(padded).get(root); error != simdjson::SUCCESS) {
    return error_line(question.id,
                      fmt::format("the line is not JSON: {}", simdjson::error_message(error)));
  }
  if (const auto problem = read_question(root, question, arena))
    return error_line(question.id, *problem);
  return answer(question, by_reference, arena);
}

}  // namespace tocsin::daemon
