#include "storage/pending_batch.h"

namespace tocsin::storage {
namespace {

// What a row costs beside its texts: keys, numbers, places in the write. An alert has rows in five
// tables.
constexpr size_t kRowBytes = 64;
constexpr size_t kAlertRows = 5;

}  // namespace

void PendingBatch::begin(JournalSeq first) {
  journal_.begin(first);
  alerts_.clear();
  dead_letters_.clear();
  positions_.clear();
  state_.clear();
  checkpoint_ = false;
  bytes_ = 0;
}

void PendingBatch::put_alert(AlertRecord record) {
  bytes_ += record.json.size() + kAlertRows * kRowBytes;
  alerts_.push_back(std::move(record));
}

void PendingBatch::put_dead_letter(DeadLetter letter) {
  if (letter.raw.size() > kMaxEventBytes) letter.raw.resize(kMaxEventBytes);
  bytes_ += letter.raw.size() + letter.message.size() + letter.reason.size() +
            letter.stream.size() + kRowBytes;
  dead_letters_.push_back(std::move(letter));
}

void PendingBatch::put_position(std::string_view stream, std::string_view position) {
  bytes_ += stream.size() + position.size() + kRowBytes;
  positions_.emplace_back(stream, position);
}

void PendingBatch::put_state(std::string_view key, std::string_view value) {
  bytes_ += key.size() + value.size() + kRowBytes;
  state_.emplace_back(key, value);
}

bool PendingBatch::empty() const {
  return journal_.next() == journal_.first() && alerts_.empty() && dead_letters_.empty() &&
         positions_.empty() && state_.empty() && !checkpoint_;
}

}  // namespace tocsin::storage
