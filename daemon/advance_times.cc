#include "daemon/advance_times.h"

#include <string_view>

#include "storage/bytes.h"

namespace tocsin::daemon {

void AdvanceTimes::add(EventTime time) {
  if (time <= last_) return;
  if (next_ == kMaxEventTime) {
    next_ = last_ = time;
    return;
  }
  const Milliseconds step = time - last_;
  storage::put_varint(bytes_, storage::zigzag((step - last_step_).count()));
  last_ = time;
  last_step_ = step;
}

void AdvanceTimes::take() {
  if (taken_ == bytes_.size()) {
    next_ = kMaxEventTime;
    return;
  }
  storage::ByteReader from(std::string_view(bytes_).substr(taken_));
  next_step_ += Milliseconds(from.signed_varint());
  next_ += next_step_;
  taken_ = bytes_.size() - from.left();
}

}  // namespace tocsin::daemon
