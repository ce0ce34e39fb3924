#include "rules/model/hash.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

// Reference values: MurmurHash3_x64_128 as implemented by python's `mmh3` (hash128, x64arch, seed
// 0), printed high word first.
TEST(Hash128, AgreesWithTheReferenceImplementation) {
  EXPECT_EQ(to_hex(hash128("")), "00000000000000000000000000000000");
  EXPECT_EQ(to_hex(hash128("hello")), "cbd8a7b341bd9b025b1e906a48ae1d19");
  EXPECT_EQ(to_hex(hash128("The quick brown fox jumps over the lazy dog")),
            "e34bbc7bbc071b6c7a433ca9c49a9347");
}

TEST(Hash128, HexReadsBack) {
  Hash128 back;
  ASSERT_TRUE(from_hex(to_hex(hash128("ged-230411", 7)), back));
  EXPECT_EQ(back, hash128("ged-230411", 7));
  EXPECT_FALSE(from_hex("xyz", back));
  EXPECT_FALSE(from_hex(std::string(32, 'G'), back));
}

}  // namespace
}  // namespace tocsin
