#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/notification_sink.h"

namespace tocsin::daemon {

// What an answer of a receiver means for the sender: good, try again, or refused for good. Wrong
// credentials and addresses (401, 403, 404…) are tried again: they are mended here, not by losing
// alerts. `who` and the beginning of `body` go into the message.
Status judge_answer(int status, const std::string& who, std::string_view body);

// POSTs each transition as alert/1 to a URL, with `Idempotency-Key: ID-SEQ-HASH`, HASH of the body:
// the same key has the same bytes, also when a restore has numbered another transition alike.
//
// Whoever knows the URL of a webhook may often write to it: messages name host and port alone.
// Thread-safety: one thread.
class WebhookSink final : public NotificationSink {
 public:
  struct Options {
    std::string name;
    std::string url{};         // or
    std::string url_file{};    // that holds it; read anew each time, so that it can be changed
    std::string token_file{};  // bearer token; read anew each time
    std::chrono::milliseconds timeout{10'000};
  };
  explicit WebhookSink(Options options) : options_(std::move(options)) {}

  const std::string& name() const override { return options_.name; }
  Status deliver(const std::vector<Notification>& notifications) override;
  Status send_heartbeat(const std::string& json) override;
  Status send_digest(const std::string& json) override;
  // Each is done before the next is sent, so that a failure repeats none that was taken.
  size_t batch_limit() const override { return 1; }

 private:
  // `key`: of idempotency, or empty.
  Status post(const std::string& body, const std::string& key);

  const Options options_;
};

}  // namespace tocsin::daemon
