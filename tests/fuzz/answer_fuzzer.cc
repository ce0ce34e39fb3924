#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

#include "daemon/webhook_sink.h"
#include "rules/model/check.h"
#include "tests/daemon/alert_texts.h"

namespace tocsin::daemon {
namespace {

constexpr std::string_view kSecret = "hook/5ecr3t-path";

// Answers one request after the other with the bytes that it is told, whatever they are.
class RudeServer {
 public:
  RudeServer() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    TOCSIN_CHECK(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    TOCSIN_CHECK(::listen(listener_, 8) == 0);
    TOCSIN_CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/" + std::string(kSecret);
  }
  // Takes one connection, reads a request that ends so, and answers.
  void answer_one(std::string_view end_of_request, std::string_view answer) const {
    const int client = ::accept(listener_, nullptr, nullptr);
    TOCSIN_CHECK(client >= 0);
    std::string request;
    while (!request.ends_with(end_of_request)) {
      char buffer[4096];
      const ssize_t got = ::recv(client, buffer, sizeof buffer, 0);
      if (got <= 0) break;
      request.append(buffer, static_cast<size_t>(got));
    }
    while (!answer.empty()) {
      const ssize_t sent = ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      answer.remove_prefix(static_cast<size_t>(sent));
    }
    ::close(client);
  }

 private:
  const int listener_;
  uint16_t port_ = 0;
};

}  // namespace
}  // namespace tocsin::daemon

// Any bytes as the answer to a webhook: delivered, or a message that is short and does not repeat
// the path of the hook, which is a secret, whatever the server says.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tocsin::daemon;
  static const RudeServer server;
  static WebhookSink sink(
      {.name = "hook", .url = server.url(), .timeout = std::chrono::seconds(5)});
  const Notification notification = AlertText{}.notification();
  const std::string_view answer(reinterpret_cast<const char*>(data), size);
  std::thread other_side([&] { server.answer_one(notification.json, answer); });
  const tocsin::Status status = sink.deliver({notification});
  other_side.join();
  if (status) {
    TOCSIN_CHECK(answer.find("HTTP/1.") != answer.npos);
    return 0;
  }
  const std::string& message = status.error().message;
  TOCSIN_CHECK(!message.empty() && message.size() < 500);
  TOCSIN_CHECK(message.find(kSecret) == std::string::npos);
  return 0;
}
