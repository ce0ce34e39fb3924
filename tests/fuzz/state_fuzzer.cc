#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "damage.h"
#include "rules/engine.h"
#include "rules/load/rule_loader.h"
#include "rules/model/check.h"
#include "rules/state_codec.h"
#include "rules/testing/rule_test.h"

namespace tocsin::rules {
namespace {

// The rules of the language's tests, in which every kind is, with the events of these tests.
struct World {
  World() {
    const std::string scenarios = TOCSIN_SOURCE_DIR "/tests/scenarios/";
    Diagnostics diagnostics;
    bundle = load_bundle(
        {.catalogue = {scenarios + "catalogue"}, .rules = {scenarios + "language"}}, diagnostics);
    TOCSIN_CHECK(bundle != nullptr);
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(scenarios + "language")) {
      if (entry.path().string().ends_with(".test.yaml")) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) {
      auto read = read_rule_tests(file, *bundle->catalogue, diagnostics);
      TOCSIN_CHECK(read.has_value());
      for (RuleTest& test : read->tests) {
        for (const ScheduledEvent& each : test.events) events.push_back(each.event);
        tests.push_back(std::move(test));
      }
    }
    std::stable_sort(events.begin(), events.end(),
                     [](const Event& a, const Event& b) { return a.time < b.time; });
    Engine engine(bundle, options());
    std::vector<AlertTransition> log;
    for (size_t i = 0; i < events.size(); ++i) engine.on_event(events[i], i + 1, log);
    engine.save([this](std::string_view key, std::string_view value) {
      if (!value.empty()) saved.emplace_back(key, value);
    });
  }

  // With early decisions, so that what waits is kept too.
  static EngineOptions options() { return {.emit = Emit::kEarly}; }

  std::shared_ptr<const Bundle> bundle;
  std::vector<RuleTest> tests;  // hold the texts of the events
  std::vector<Event> events;
  std::vector<std::pair<std::string, std::string>> saved;  // key and value
};

}  // namespace
}  // namespace tocsin::rules

// Edits of saved engine state. What is no longer what was saved is refused; and with a seal that
// fits it is read, or refused too.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tocsin::rules;
  static const World world;
  Engine engine(world.bundle, World::options());
  tocsin::Edits edits({reinterpret_cast<const char*>(data), size});
  for (tocsin::Edits::Edit edit; edits.next(edit);) {
    const auto& [key, value] = world.saved[edit.target % world.saved.size()];
    TOCSIN_CHECK(Engine::is_whole(key, value));
    std::string damaged = value;
    edit.damage(damaged);
    TOCSIN_CHECK(damaged == value || !Engine::is_whole(key, damaged));
    TOCSIN_CHECK(damaged == value || !engine.restore(key, damaged));
    damaged.resize(damaged.size() - std::min(damaged.size(), sizeof(uint64_t)));
    engine.restore(key, sealed(key, damaged));
  }
  return 0;
}
