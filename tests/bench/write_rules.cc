// Writes the rules of the workload and its catalogue as files, to time `tocsin check` on them:
//
//   write_rules /tmp/many 10000
//   time tocsin check --rules /tmp/many/rules --catalogue /tmp/many/catalogue
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/bench/workload.h"

namespace {

constexpr int kRulesPerFile = 100;

bool write_file(const std::filesystem::path& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  return static_cast<bool>(file.flush());
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc == 3 ? std::atoi(argv[2]) : 0;
  if (count < kRulesPerFile || count % kRulesPerFile != 0) {
    std::fprintf(stderr, "usage: write_rules FOLDER COUNT (100, 1000 or 10000)\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder / "rules");
  std::filesystem::create_directories(folder / "catalogue");
  bool good = write_file(folder / "catalogue/catalogue.yaml", tocsin::bench::catalogue_yaml());
  for (int first = 0; first < count; first += kRulesPerFile) {
    good = good && write_file(folder / "rules" / (std::to_string(first) + ".yaml"),
                              tocsin::bench::rules_yaml(count, first, first + kRulesPerFile));
  }
  if (!good) std::fprintf(stderr, "write_rules: cannot write to %s\n", argv[1]);
  return good ? 0 : 3;
}
