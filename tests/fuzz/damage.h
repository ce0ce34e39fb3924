#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin {

// An input read as edits of bytes that were written by the program itself, so that every input is
// nearly right, and a corpus outlives a change of the format.
//
// An edit is: two bytes that choose what is edited, one what is done, two where, one how many
// bytes, and these bytes unless it takes some away. Numbers are little endian.
class Edits {
 public:
  explicit Edits(std::string_view input) : left_(input) {}

  struct Edit {
    uint32_t target = 0;
    enum class What : uint8_t { kOverwrite, kInsert, kErase, kCutOff } what = What::kOverwrite;
    size_t place = 0;
    size_t count = 0;
    std::string_view bytes;

    // A place beyond the end counts from the front again.
    void damage(std::string& text) const {
      const size_t at = place % (text.size() + 1);
      switch (what) {
        case What::kOverwrite:
          text.replace(at, bytes.size(), bytes);
          return;
        case What::kInsert:
          text.insert(at, bytes);
          return;
        case What::kErase:
          text.erase(at, count);
          return;
        case What::kCutOff:
          text.resize(at);
          return;
      }
    }
  };
  bool next(Edit& edit) {
    constexpr size_t kHeader = 6;
    if (left_.size() < kHeader) return false;
    edit.target = number(0);
    edit.what = static_cast<Edit::What>(static_cast<uint8_t>(left_[2]) % 4);
    edit.place = number(3);
    edit.count = static_cast<uint8_t>(left_[5]);
    left_.remove_prefix(kHeader);
    const bool has_bytes = edit.what <= Edit::What::kInsert;
    edit.bytes = left_.substr(0, has_bytes ? edit.count : 0);
    left_.remove_prefix(edit.bytes.size());
    return true;
  }

 private:
  uint32_t number(size_t at) const {
    return static_cast<uint8_t>(left_[at]) |
           static_cast<uint32_t>(static_cast<uint8_t>(left_[at + 1])) << 8;
  }
  std::string_view left_;
};

}  // namespace tocsin
