#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/notification_sink.h"

namespace tocsin::daemon {

// Appends transitions to a file, one alert/1 object a line, synced to the disk before they count as
// delivered.
//
// Rotation: move the file away; the next delivery finds it gone and begins a new one. After a crash
// the end of the file tells what was written already, so that no line is doubled; half a line is
// cut off. Thread-safety: one thread.
class AlertLogSink final : public NotificationSink {
 public:
  AlertLogSink(std::string name, std::string path);
  ~AlertLogSink() override;
  AlertLogSink(const AlertLogSink&) = delete;
  AlertLogSink& operator=(const AlertLogSink&) = delete;

  const std::string& name() const override { return name_; }
  Status deliver(const std::vector<Notification>& notifications) override;
  Status send_heartbeat(const std::string& json) override;

 private:
  using Key = std::pair<std::string, uint32_t>;

  Status open_if_needed();
  Status open();
  bool is_moved_away() const;
  // Cuts half a line off and remembers the transitions at the end of the file.
  Status read_tail();
  Status append(const std::string& lines);
  void close();
  Error failure(const char* what) const;

  const std::string name_;
  const std::string path_;
  int fd_ = -1;
  std::set<Key> tail_;  // written before this process; emptied by the first new line
};

}  // namespace tocsin::daemon
