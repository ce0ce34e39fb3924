#include "rules/model/text_key.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tocsin {
namespace {

// Each byte of a text of any length counts, for equality and for the hash.
TEST(TextKey, SeesEveryByteOfEveryLength) {
  for (size_t size = 0; size < 70; ++size) {
    std::string text;
    for (size_t i = 0; i < size; ++i) text += static_cast<char>('a' + i % 26);
    EXPECT_TRUE(same_text(text, std::string(text)));
    EXPECT_FALSE(same_text(text, text + "x"));
    EXPECT_NE(hash_text(text), hash_text(text + "x"));
    for (size_t i = 0; i < size; ++i) {
      std::string other = text;
      other[i] ^= 1;
      EXPECT_FALSE(same_text(text, other)) << text << " " << other;
      EXPECT_NE(hash_text(text), hash_text(other)) << text << " " << other;
    }
  }
}

TEST(TextKey, ReadsNothingBehindTheEnd) {
  const std::string text = "exclusion.party_ban.first and more";
  for (size_t size = 0; size <= text.size(); ++size) {
    const std::string exact = text.substr(0, size);
    EXPECT_EQ(hash_text(std::string_view(text).substr(0, size)), hash_text(exact));
    EXPECT_TRUE(same_text(std::string_view(text).substr(0, size), exact));
  }
}

TEST(TextKey, SpreadsNamesThatDifferByANumber) {
  std::set<uint64_t> hashes;
  std::set<uint64_t> low_bits;
  for (int i = 0; i < 4096; ++i) {
    const uint64_t hash = hash_text("indicator_" + std::to_string(i));
    hashes.insert(hash);
    low_bits.insert(hash % 4096);
  }
  EXPECT_EQ(hashes.size(), 4096u);
  // Thrown at random, 4096 balls leave 1/e of 4096 bins empty: 2589 are met.
  EXPECT_GT(low_bits.size(), 2400u);
}

}  // namespace
}  // namespace tocsin
