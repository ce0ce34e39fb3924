#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "daemon/notification_sink.h"
#include "rules/model/hash.h"

namespace tocsin::daemon {

// Appends transitions to a file, one alert/1 object a line, synced to the disk before they count as
// delivered.
//
// Rotation: move the file away; the next delivery finds it gone and begins a new one. After a crash
// the end of the file tells what was written already, so that no line is doubled; half a line is
// cut off. What was written is known by all its bytes: after a restore the same (id, seq) may be
// another transition, and from the first line on that is not there all are written.
// Thread-safety: one thread.
class AlertLogSink final : public NotificationSink {
 public:
  // Told how many bytes of half a line were cut off; may be empty.
  using OnTorn = std::function<void(uint64_t bytes)>;
  AlertLogSink(std::string name, std::string path, OnTorn on_torn = {});
  ~AlertLogSink() override;
  AlertLogSink(const AlertLogSink&) = delete;
  AlertLogSink& operator=(const AlertLogSink&) = delete;

  const std::string& name() const override { return name_; }
  Status deliver(const std::vector<Notification>& notifications) override;
  Status send_heartbeat(const std::string& json) override;

 private:
  Status open_if_needed();
  Status open();
  bool is_moved_away() const;
  // Cuts half a line off and remembers the lines at the end of the file.
  Status read_tail();
  Status append(const std::string& lines);
  void close();
  Error failure(const char* what) const;

  const std::string name_;
  const std::string path_;
  const OnTorn on_torn_;
  int fd_ = -1;
  std::set<Hash128> tail_;  // of lines that were there; emptied by the first new transition
};

}  // namespace tocsin::daemon
