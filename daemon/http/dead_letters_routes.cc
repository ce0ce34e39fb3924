// What could not be read, kept so that it can be mended: /v1/dead-letters.
#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "daemon/alert_json.h"
#include "daemon/base64.h"
#include "daemon/http/api.h"
#include "daemon/http/parameters.h"

namespace tocsin::daemon::http {
namespace {

constexpr uint64_t kDefaultLimit = 100;
constexpr uint64_t kMaxLimit = 1000;
// The store cuts raw bytes here; what is so long may have been longer.
constexpr size_t kRawLimit = 64u << 10;

std::string json_of(const storage::DeadLetter& letter, bool with_raw) {
  std::string to = fmt::format("{{\"number\":{},\"reason\":", letter.number);
  append_json_string(to, letter.reason);
  to += ",\"message\":";
  append_json_string(to, letter.message);
  to += ",\"stream\":";
  append_json_string(to, letter.stream);
  to += fmt::format(R"(,"position":{},"at":"{}","bytes":{},"cut":{})", letter.position,
                    format_time(letter.at), letter.raw.size(), letter.raw.size() >= kRawLimit);
  // They may be anything, also no text: so never as they are.
  if (with_raw) to += fmt::format(",\"raw_base64\":\"{}\"", encode_base64(letter.raw));
  to += '}';
  return to;
}

std::optional<uint64_t> number_of(std::string_view text) {
  uint64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return number;
}

// Its JSON; nullopt when there is none of that number.
Result<std::optional<std::string>> find_letter(const storage::Store& store, uint64_t number) {
  std::optional<std::string> found;
  const Status status = store.read_dead_letters(number, [&](const storage::DeadLetter& letter) {
    if (letter.number == number) found = json_of(letter, /*with_raw=*/true);
    return false;
  });
  if (!status) return status.error();
  return found;
}

Response not_there(std::string_view number) {
  return problem(404, fmt::format("there is no dead letter {}", number));
}

}  // namespace

void Api::get_dead_letters(Request& request, std::string_view, const Respond& respond) {
  Parameters parameters(request.query);
  const uint64_t from = parameters.number("from", 0, UINT64_MAX).value_or(0);
  const uint64_t limit = parameters.number("limit", 1, kMaxLimit).value_or(kDefaultLimit);
  const auto reason = parameters.text("reason");
  parameters.refuse_unknown();
  if (auto refusal = parameters.refusal()) return respond(std::move(*refusal));

  Response response;
  std::string& to = response.body;
  to = "{\"dead_letters\":[";
  uint64_t taken = 0;
  std::optional<uint64_t> next;
  const Status status =
      backend_.store().read_dead_letters(from, [&](const storage::DeadLetter& letter) {
        if (reason && *reason != letter.reason) return true;
        if (taken == limit) {
          next = letter.number;
          return false;
        }
        if (to.back() != '[') to += ',';
        to += json_of(letter, /*with_raw=*/false);
        ++taken;
        return true;
      });
  if (!status) return respond(problem(503, "read dead letters: " + status.error().message));
  to += ']';
  if (next) {
    std::string page = fmt::format("{}?from={}&limit={}", request.path, *next, limit);
    if (reason) page += "&reason=" + percent_encode(*reason);
    to += fmt::format(",\"next\":\"{}\"", page);
    response.headers.emplace_back("Link", fmt::format("<{}>; rel=\"next\"", page));
  }
  to += "}\n";
  respond(std::move(response));
}

void Api::get_dead_letter(Request&, std::string_view text, const Respond& respond) {
  const auto number = number_of(text);
  if (!number) return respond(not_there(text));
  auto letter = find_letter(backend_.store(), *number);
  if (!letter) return respond(problem(503, "read the dead letter: " + letter.error().message));
  if (!*letter) return respond(not_there(text));
  respond({.body = **letter + "\n"});
}

void Api::delete_dead_letter(Request&, std::string_view text, const Respond& respond) {
  const auto number = number_of(text);
  if (!number) return respond(not_there(text));
  const auto letter = find_letter(backend_.store(), *number);
  if (letter && !letter.value()) return respond(not_there(text));
  const Status status = backend_.store().remove_dead_letters({*number});
  if (!status) return respond(problem(503, "remove the dead letter: " + status.error().message));
  respond({.body = fmt::format("{{\"removed\":{}}}\n", *number)});
}

}  // namespace tocsin::daemon::http
