#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/http/api.h"
#include "daemon/http/server.h"
#include "rules/model/check.h"
#include "tests/daemon/fake_backend.h"
#include "tests/daemon/raw_connection.h"

namespace tocsin::daemon {
namespace {

// A daemon that listens, with some alerts and dead letters to ask for.
class Listening {
 public:
  explicit Listening(std::vector<std::string> tokens)
      : api_({.access = {.tokens = std::move(tokens)}, .decompressed_bytes = 256 * 1024, .ids = {}},
             backend_, metrics_, log_),
        server_(
            {
                .body_bytes = 64 * 1024,
                .header_bytes = 4 * 1024,
                .read_timeout = std::chrono::seconds(5),
            },
            api_, api_) {
    const auto port = server_.start();
    TOCSIN_CHECK(port);
    port_ = *port;
    backend_.mapped_stream = "file/desk";
    backend_.receipt.records = backend_.receipt.events = 1;
  }
  ~Listening() { server_.stop(); }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

  // What is answered to these bytes, after which nothing comes.
  std::string answers_to(std::string_view bytes) {
    backend_.start_anew();
    backend_.commit({{.alert = 1},
                     {.alert = 1, .seq = 1, .action = "resolve"},
                     {.alert = 2, .country = "SY", .tlp = "red"},
                     {.alert = 3, .status = "shadow"}},
                    {{.reason = "bad_json", .message = "m", .stream = "http", .raw = "{"},
                     {.reason = "bad_time", .message = "m", .stream = "file/desk", .raw = "\xff"}});
    RawConnection client(port_);
    client.send(bytes);
    client.send_no_more();
    std::string answers = client.read_to_end();
    TOCSIN_CHECK(client.was_closed());
    return answers;
  }

 private:
  FakeBackend backend_;
  Metrics metrics_{{.version = "test", .rocksdb = "", .librdkafka = "", .boost = ""}};
  Log log_{"error", "logfmt"};
  http::Api api_;
  http::Server server_;
  uint16_t port_ = 0;
};

// The value of a header of ours; empty: it is not there.
std::string_view value_of(std::string_view head, std::string_view name) {
  const size_t at = head.find("\r\n" + std::string(name) + ": ");
  if (at == head.npos) return {};
  const size_t begin = at + 2 + name.size() + 2;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

void check_problem(int status, std::string_view body) {
  namespace json = boost::json;
  const json::object problem = json::parse({body.data(), body.size()}).as_object();
  TOCSIN_CHECK(problem.at("status").as_int64() == status);
  TOCSIN_CHECK(!problem.at("title").as_string().empty());
  TOCSIN_CHECK(!problem.at("detail").as_string().empty());
}

// Takes one answer off the front; false when there is not all of it.
bool check_one(std::string_view& answers, bool may_be_without_body) {
  const size_t head_end = answers.find("\r\n\r\n");
  if (head_end == answers.npos) return false;
  const std::string_view head = answers.substr(0, head_end + 2);
  TOCSIN_CHECK(head.starts_with("HTTP/1.1 "));
  int status = 0;
  std::from_chars(head.data() + 9, head.data() + 12, status);
  // 500 would be a fault of ours.
  TOCSIN_CHECK(status >= 100 && status != 500 && status < 504);
  answers.remove_prefix(head_end + 4);
  if (status == 100) return true;
  const std::string_view length = value_of(head, "Content-Length");
  size_t size = 0;
  TOCSIN_CHECK(std::from_chars(length.data(), length.data() + length.size(), size).ec ==
               std::errc{});
  if (may_be_without_body && (answers.size() < size || answers.starts_with("HTTP/1.1 "))) {
    return true;
  }
  TOCSIN_CHECK(answers.size() >= size);
  if (status >= 400 && value_of(head, "Content-Type") == "application/problem+json") {
    check_problem(status, answers.substr(0, size));
  }
  answers.remove_prefix(size);
  return true;
}

}  // namespace
}  // namespace tocsin::daemon

// A whole connection: `t` for a daemon that asks for a token, else any other letter, then whatever
// a client sends before it sends no more. Every answer is well-formed; one that says no says why.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tocsin::daemon;
  if (size == 0) return 0;
  static Listening open({});
  static Listening closed({"0123456789abcdef"});
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string all = (data[0] == 't' ? closed : open).answers_to(bytes);
  // The answer to HEAD says a length and has no body.
  const bool has_head = bytes.find("HEAD") != bytes.npos;
  std::string_view answers = all;
  while (!answers.empty()) TOCSIN_CHECK(check_one(answers, has_head));
  return 0;
}
