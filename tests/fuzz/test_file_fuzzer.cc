#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "bytes_as_file.h"
#include "rules/load/rule_loader.h"
#include "rules/model/check.h"
#include "rules/testing/rule_test.h"
#include "rules/testing/test_run.h"
#include "tests/daemon/small_bundle.h"

namespace {

constexpr size_t kMostEvents = 200;  // that are run; reading takes as many as a test may have

std::shared_ptr<const tocsin::rules::Bundle> small_bundle() {
  tocsin::Diagnostics diagnostics;
  return tocsin::rules::load_bundle(tocsin::daemon::bundle_text(), diagnostics);
}

}  // namespace

// Any bytes as a file of rule tests: read, or told where it is wrong; and what it says is run.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tocsin;
  constexpr size_t kLongest = 4096;
  if (size > kLongest) return 0;
  static const auto bundle = small_bundle();
  const BytesAsFile file({reinterpret_cast<const char*>(data), size});
  Diagnostics diagnostics;
  const auto references = rules::read_rule_test_references(file.path(), diagnostics);
  TOCSIN_CHECK(references.has_value() || diagnostics.has_errors());
  const auto read = rules::read_rule_tests(file.path(), *bundle->catalogue, diagnostics);
  TOCSIN_CHECK(read.has_value() != diagnostics.has_errors());
  for (const Diagnostic& d : diagnostics.all()) {
    TOCSIN_CHECK(!d.code.empty() && !d.message.empty() && d.place.file == file.path());
  }
  if (!read) return 0;
  for (const rules::RuleTest& test : read->tests) {
    if (test.events.size() > kMostEvents) continue;
    const auto no_reload = [](const std::string&) { return nullptr; };
    const auto outcome = rules::run_rule_test(test, bundle, no_reload, {});
    const auto restarted =
        rules::run_rule_test(test, bundle, no_reload, {.restart_at_every_step = true});
    TOCSIN_CHECK(outcome.differences.size() == restarted.differences.size());
  }
  return 0;
}
