#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include "daemon/commands/commands.h"
#include "daemon/data_paths.h"
#include "daemon/eval_batch.h"
#include "daemon/typed_json.h"
#include "ingest/event_decoder.h"
#include "rules/cel/program.h"
#include "rules/load/catalogue_loader.h"

namespace tocsin::daemon {

namespace {

struct EvalArguments {
  std::string expression;
  std::string event;
  std::vector<std::string> bindings;
  std::string catalogue;
  bool batch = false;
  bool conformance = false;
};

// The first event of a file.
class FirstEvent final : public ingest::DecodedSink {
 public:
  void on_record(const ingest::Decoded& record) override {
    if (event || !problem.empty() || record.verdict == ingest::Verdict::kSkip) return;
    if (record.verdict == ingest::Verdict::kEvent) {
      event = record.event;
    } else {
      problem = fmt::format("{}: {}", record.reason, record.message);
    }
  }
  std::optional<Event> event;
  std::string problem;
};

// "-" is the standard input.
std::optional<std::string> read_whole(const std::string& path) {
  std::ostringstream out;
  if (path == "-") {
    out << std::cin.rdbuf();
    return out.str();
  }
  const std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  out << file.rdbuf();
  return out.str();
}

int complain(std::string_view text) {
  fmt::print(stderr, "tocsin eval: {}\n", text);
  return kUsage;
}

int eval_batch(bool conformance) {
  std::string line;
  while (std::getline(std::cin, line)) {
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    std::cout << answer_eval_line(line, conformance) << '\n';
    if (std::cin.rdbuf()->in_avail() <= 0) std::cout.flush();
  }
  std::cout.flush();
  return std::cout ? kDone : kEnvironment;
}

// NAME=JSON; what is wrong with it, or "".
std::string bind(const std::string& binding, cel::Environment& environment,
                 std::vector<cel::Value>& values, Arena& arena) {
  const size_t equals = binding.find('=');
  if (equals == 0 || equals == binding.npos) {
    return fmt::format("--bind {}: write NAME=JSON", binding);
  }
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  const simdjson::padded_string text(binding.substr(equals + 1));
  if (const auto error = parser.parse(text).get(json); error != simdjson::SUCCESS) {
    return fmt::format("--bind {}: not JSON: {} (a text needs quotes: '{}=\"…\"')", binding,
                       simdjson::error_message(error), binding.substr(0, equals));
  }
  const Result<cel::Value> value = value_of_json(json, arena);
  if (!value) return fmt::format("--bind {}: {}", binding, value.error().message);
  environment.variables.push_back({binding.substr(0, equals), {}});
  values.push_back(*value);
  return {};
}

int eval_one(const EvalArguments& arguments) {
  cel::Environment environment;
  environment.conformance = arguments.conformance;
  Arena arena;
  std::vector<cel::Value> values;
  for (const std::string& binding : arguments.bindings) {
    const std::string problem = bind(binding, environment, values, arena);
    if (!problem.empty()) return complain(problem);
  }

  Diagnostics diagnostics;
  std::shared_ptr<const Catalogue> catalogue;
  FirstEvent first;
  std::string bytes;  // the event has views of it
  if (!arguments.event.empty()) {
    const std::string folder =
        arguments.catalogue.empty() ? default_data_path("rules/catalogue") : arguments.catalogue;
    catalogue = rules::load_catalogue(std::vector<std::string>{folder}, diagnostics);
    if (!catalogue) {
      for (const Diagnostic& d : diagnostics.sorted()) fmt::print(stderr, "{}\n", to_text(d));
      return kUsage;
    }
    std::optional<std::string> read = read_whole(arguments.event);
    if (!read) {
      complain(fmt::format("cannot read {}", arguments.event));
      return kEnvironment;
    }
    bytes = std::move(*read);
    const size_t size = bytes.size();
    bytes.reserve(size + ingest::kPadding);
    ingest::EventDecoder decoder(std::make_shared<const ingest::CurrentSymbols>(catalogue),
                                 ingest::EventForm::kSingle);
    decoder.decode({bytes.data(), size}, 1, arena, first);
    if (!first.event) {
      return complain(
          fmt::format("{}: {}", arguments.event,
                      first.problem.empty() ? "there is no event in it" : first.problem));
    }
    environment.catalogue = catalogue.get();
    environment.has_event = true;
    environment.indicators = {first.event->indicator};
  }

  const auto program = cel::Program::compile(arguments.expression, Place{"expression", 1, 1},
                                             environment, diagnostics);
  for (const Diagnostic& d : diagnostics.sorted()) fmt::print(stderr, "{}\n", to_text(d));
  if (!program) return kUsage;
  const cel::Outcome outcome = program->run(first.event ? &*first.event : nullptr, values, arena);
  if (!outcome.ok()) {
    fmt::print("error: {}: {}\n", to_string(outcome.error), outcome.detail);
    return kAnswerIsNo;
  }
  fmt::print("{}\n", cel::to_json(outcome.value));
  return kDone;
}

}  // namespace

void add_eval(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<EvalArguments>();
  CLI::App* command = program.add_subcommand("eval", "Evaluate an expression of the rule language");
  command->add_option("expression", arguments->expression, "The expression");
  command->add_option("--event", arguments->event, "JSON file (or -) of the event that `e` names");
  command->add_option("--bind", arguments->bindings, "Variable, as NAME=JSON; repeatable")
      ->allow_extra_args(false);
  command->add_option("--catalogue", arguments->catalogue,
                      "Catalogue of the event (default: the shipped one)");
  command->add_flag("--batch", arguments->batch,
                    "Answer JSON questions from the standard input, a line each");
  command->add_flag("--conformance", arguments->conformance, "Plain CEL, without what tocsin adds");
  command->callback([arguments, &exit_code] {
    if (arguments->batch) {
      exit_code = eval_batch(arguments->conformance);
    } else if (arguments->expression.empty()) {
      exit_code = complain("give an expression, or --batch");
    } else {
      exit_code = eval_one(*arguments);
    }
  });
}

}  // namespace tocsin::daemon
