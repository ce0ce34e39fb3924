#include <cstddef>
#include <cstdint>

#include "bytes_as_file.h"
#include "daemon/config.h"
#include "rules/model/check.h"

// Any bytes as the configuration file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tocsin;
  const BytesAsFile file({reinterpret_cast<const char*>(data), size});
  Diagnostics diagnostics;
  const auto config = daemon::load_config(file.path(), diagnostics);
  TOCSIN_CHECK(config.has_value() != diagnostics.has_errors());
  for (const Diagnostic& d : diagnostics.all()) TOCSIN_CHECK(!d.message.empty());
  if (!config) return 0;
  TOCSIN_CHECK(!config->data_dir.empty() && config->shards >= 1);
  for (const daemon::InputConfig& input : config->inputs) TOCSIN_CHECK(!input.name.empty());
  for (const daemon::SinkConfig& sink : config->sinks) TOCSIN_CHECK(!sink.name.empty());
  return 0;
}
