#include <fmt/format.h>
#include <gtest/gtest.h>

#include "daemon/pipeline.h"
#include "rules/load/rule_loader.h"
#include "storage/key_value_store.h"
#include "storage/memory_key_value.h"

// A restart that cannot read what it needs.
namespace tocsin::daemon {
namespace {

constexpr const char* kCatalogue = R"(tocsin: catalogue/1
indicators:
  violence.clash: {driver: violence, unit: deaths, meaning: made up}
sources:
  desk: {title: Desk, lateness: 1d, correction_horizon: 10d, tlp: clear, indicators: [violence.clash]}
regions:
  declare: {XA: {names: {en: Alpha}}}
)";

// Rules that differ by their number.
std::string rules_text(int limit) {
  return fmt::format(R"(tocsin: rules/1
package: test
rules:
  - rule: many-dead
    kind: threshold
    title: Many dead
    status: production
    driver: violence
    stage: escalation
    doc: {{rationale: r, response: r, false_positives: [f], source: {{document: d, paragraph: "1"}}}}
    select: e.indicator == "violence.clash" && has(e.value)
    by: [region@country]
    detect: {{measures: {{dead: {{agg: sum, of: e.value, window: 5d, every: 1d}}}}, when: "dead >= {0}.0"}}
    levels: {{warning: {{when: "dead >= {0}.0"}}}}
)",
                     limit);
}

std::string bundle_of(int limit) {
  rules::BundleText text;
  text.catalogue.push_back({"catalogue.yaml", kCatalogue});
  text.rules.push_back({"rules.yaml", rules_text(limit)});
  return rules::serialize(text);
}

std::shared_ptr<const rules::Bundle> compile(const std::string& serialized) {
  Diagnostics diagnostics;
  const auto text = rules::parse_bundle_text(serialized);
  return text ? rules::load_bundle(*text, diagnostics) : nullptr;
}

// Tables whose named values cannot be read once they are damaged.
class DamagedNames : public storage::MemoryKeyValue {
 public:
  explicit DamagedNames(const bool& damaged) : damaged_(damaged) {}
  Result<std::optional<std::string>> get(storage::Table table,
                                         std::string_view key) const override {
    if (damaged_ && table == storage::Table::kMeta && key.starts_with("n:")) {
      return corrupt("read table default: block checksum mismatch");
    }
    return MemoryKeyValue::get(table, key);
  }

 private:
  const bool& damaged_;
};

Status start(storage::Store& store, const std::string& bundle) {
  Pipeline pipeline(store, compile(bundle), bundle, {.future_tolerance = std::nullopt});
  std::string warning;
  if (Status status = pipeline.recover(compile, {}, warning, WallTime{}); !status) return status;
  return pipeline.commit(WallTime{}, /*checkpoint=*/true);
}

TEST(PipelineRecovery, RefusesToGoOnWhenTheRulesOfBeforeCannotBeRead) {
  bool damaged = false;
  auto store = storage::KeyValueStore::open(std::make_unique<DamagedNames>(damaged), {});
  ASSERT_TRUE(store) << store.error().message;
  (*store)->set_catalogue(compile(bundle_of(1))->catalogue);
  Status status = start(**store, bundle_of(30));
  ASSERT_TRUE(status) << status.error().message;
  damaged = true;
  status = start(**store, bundle_of(40));
  ASSERT_FALSE(status) << "the rules of before would be taken for rules that no longer compile";
  EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
  damaged = false;
  status = start(**store, bundle_of(40));
  EXPECT_TRUE(status) << status.error().message;
}

// After an update: what the engine cannot read must not be taken for nothing.
TEST(PipelineRecovery, RebuildsStateThatWasSavedInAnotherFormat) {
  auto store = storage::KeyValueStore::open(std::make_unique<storage::MemoryKeyValue>(), {});
  ASSERT_TRUE(store) << store.error().message;
  (*store)->set_catalogue(compile(bundle_of(1))->catalogue);
  ASSERT_TRUE(start(**store, bundle_of(30)));
  storage::Batch& batch = (*store)->begin();
  batch.put_state("shard/1/0/sdesk", "\x01 of long ago");
  batch.mark_checkpoint();
  ASSERT_TRUE((*store)->commit(batch, WallTime{}));
  Pipeline pipeline(**store, compile(bundle_of(30)), bundle_of(30),
                    {.future_tolerance = std::nullopt});
  std::string warning;
  ASSERT_TRUE(pipeline.recover(compile, {}, warning, WallTime{}));
  EXPECT_NE(warning.find("format of saved state"), std::string::npos) << warning;
}

}  // namespace
}  // namespace tocsin::daemon
