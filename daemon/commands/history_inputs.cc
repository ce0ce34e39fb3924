#include "daemon/commands/history_inputs.h"

#include <fmt/format.h>

#include <cstdio>

#include "daemon/commands/commands.h"
#include "daemon/data_paths.h"
#include "ingest/event_decoder.h"
#include "ingest/mapping_decoder.h"
#include "ingest/source_mapping.h"

namespace tocsin::daemon {
namespace {

struct Input {
  std::string mapping;  // "" for NDJSON
  std::string path;
};

// "MAPPING.yaml:FILE", "FILE". A mapping may be named without folder and ending: a shipped one.
Input split_input(const std::string& text) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos) return {"", text};
  std::string mapping = text.substr(0, colon);
  if (mapping.find('/') == std::string::npos && !mapping.ends_with(".yaml")) {
    mapping = default_data_path("ingest/mappings/" + mapping + ".yaml");
  }
  return {std::move(mapping), text.substr(colon + 1)};
}

}  // namespace

void print_errors(const Diagnostics& diagnostics) {
  for (const Diagnostic& d : diagnostics.sorted()) {
    if (d.severity == Severity::kError) fmt::print(stderr, "{}\n", to_text(d));
  }
}

int read_history(const char* command, const std::vector<std::string>& inputs,
                 const std::shared_ptr<const Catalogue>& catalogue, History& history) {
  const auto symbols = std::make_shared<ingest::CurrentSymbols>(catalogue);
  for (const std::string& text : inputs) {
    const Input input = split_input(text);
    std::unique_ptr<ingest::RecordDecoder> decoder;
    if (input.mapping.empty()) {
      decoder = std::make_unique<ingest::EventDecoder>(symbols, ingest::EventForm::kLines);
    } else {
      Diagnostics diagnostics;
      const auto mapping = ingest::load_mapping(input.mapping, catalogue.get(), diagnostics);
      print_errors(diagnostics);
      if (!mapping) return kUsage;
      decoder = std::make_unique<ingest::MappingDecoder>(mapping, symbols);
    }
    if (Status status = history.read(input.path, input.path, std::move(decoder)); !status) {
      fmt::print(stderr, "tocsin {}: {}\n", command, status.error().message);
      return kEnvironment;
    }
  }
  return kDone;
}

}  // namespace tocsin::daemon
