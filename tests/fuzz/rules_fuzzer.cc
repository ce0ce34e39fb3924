// Any bytes as a rule file: the loader loads them or tells where they are wrong.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "rules/load/rule_loader.h"

namespace {

constexpr const char* kCatalogue = R"(tocsin: catalogue/1
indicators:
  rights.abuse: {driver: human_rights, unit: persons, meaning: m, attrs: {group: {type: string, cardinality: 9}, days: {type: double}}}
  justice.conviction: {driver: justice_gap, meaning: m}
sources: {desk: {title: t, indicators: [rights.abuse, justice.conviction]}}
regions: {declare: {ML: {names: {en: Mali}}, ML-1: {parent: ML, names: {en: Kayes}}}}
)";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tocsin::rules::BundleText text;
  text.catalogue = {{"catalogue.yaml", kCatalogue}};
  text.rules = {{"rules.yaml", {reinterpret_cast<const char*>(data), size}}};
  tocsin::Diagnostics diagnostics;
  const auto bundle = tocsin::rules::load_bundle(text, diagnostics);
  if ((bundle == nullptr) != diagnostics.has_errors()) std::abort();
  for (const tocsin::Diagnostic& d : diagnostics.all()) {
    if (d.place.file != "rules.yaml" || d.place.line < 1 || d.message.empty()) std::abort();
  }
  return 0;
}
