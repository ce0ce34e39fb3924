#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/config.h"
#include "rules/model/check.h"

// Any bytes as the configuration file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tocsin;
  const int file = ::memfd_create("config", MFD_CLOEXEC);
  TOCSIN_CHECK(file >= 0);
  TOCSIN_CHECK(::write(file, data, size) == static_cast<ssize_t>(size));
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  Diagnostics diagnostics;
  const auto config = daemon::load_config(path, diagnostics);
  ::close(file);
  TOCSIN_CHECK(config.has_value() != diagnostics.has_errors());
  for (const Diagnostic& d : diagnostics.all()) TOCSIN_CHECK(!d.message.empty());
  if (!config) return 0;
  TOCSIN_CHECK(!config->data_dir.empty() && config->shards >= 1);
  for (const daemon::InputConfig& input : config->inputs) TOCSIN_CHECK(!input.name.empty());
  for (const daemon::SinkConfig& sink : config->sinks) TOCSIN_CHECK(!sink.name.empty());
  return 0;
}
