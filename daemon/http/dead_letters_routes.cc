// What could not be read, kept so that it can be mended: /v1/dead-letters.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <optional>
#include <vector>

#include "daemon/base64.h"
#include "daemon/http/api.h"
#include "daemon/http/parameters.h"
#include "rules/model/json_text.h"

namespace tocsin::daemon::http {
namespace {

constexpr uint64_t kDefaultLimit = 100;
constexpr uint64_t kMaxLimit = 1000;
// What one request looks at, also when it takes none of it: the next page goes on behind.
constexpr uint64_t kMaxScanned = 10'000;
constexpr size_t kMaxScannedBytes = 16u << 20;
// The store cuts raw bytes here; what is so long may have been longer.
constexpr size_t kRawLimit = 64u << 10;

std::string json_of(const storage::DeadLetter& letter, const Backend& backend, bool with_raw) {
  std::string to = fmt::format("{{\"number\":{},\"reason\":", letter.number);
  append_json_string(to, letter.reason);
  to += ",\"message\":";
  append_json_string(to, letter.message);
  to += ",\"stream\":";
  append_json_string(to, letter.stream);
  to += fmt::format(R"(,"position":{},"at":"{}","bytes":{},"cut":{},"mapped":{})", letter.position,
                    format_time(letter.at), letter.raw.size(), letter.raw.size() >= kRawLimit,
                    backend.is_mapped(letter.stream));
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

// "17,18,20"; nullopt when it is anything else, or too long.
std::optional<std::vector<uint64_t>> numbers_of(std::string_view text) {
  std::vector<uint64_t> numbers;
  while (true) {
    const size_t comma = text.find(',');
    const auto number = number_of(text.substr(0, comma));
    if (!number || numbers.size() == kMaxLimit) return std::nullopt;
    numbers.push_back(*number);
    if (comma == std::string_view::npos) return numbers;
    text.remove_prefix(comma + 1);
  }
}

// Its JSON; nullopt when there is none of that number.
Result<std::optional<std::string>> find_letter(const storage::Store& store, const Backend& backend,
                                               uint64_t number) {
  std::optional<std::string> found;
  const Status status = store.read_dead_letters(number, [&](const storage::DeadLetter& letter) {
    if (letter.number == number) found = json_of(letter, backend, /*with_raw=*/true);
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
  const auto store = backend_.store();
  if (!store) return respond(store_is_away());

  Response response;
  std::string& to = response.body;
  to = "{\"dead_letters\":[";
  uint64_t taken = 0;
  uint64_t scanned = 0;
  size_t scanned_bytes = 0;
  std::optional<uint64_t> next;
  const Status status = store->read_dead_letters(from, [&](const storage::DeadLetter& letter) {
    if (taken == limit || scanned == kMaxScanned || scanned_bytes >= kMaxScannedBytes) {
      next = letter.number;
      return false;
    }
    ++scanned;
    scanned_bytes += letter.raw.size();
    if (reason && *reason != letter.reason) return true;
    if (to.back() != '[') to += ',';
    to += json_of(letter, backend_, /*with_raw=*/false);
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
  const auto store = backend_.store();
  if (!store) return respond(store_is_away());
  auto letter = find_letter(*store, backend_, *number);
  if (!letter) return respond(problem(503, "read the dead letter: " + letter.error().message));
  if (!*letter) return respond(not_there(text));
  respond({.body = **letter + "\n"});
}

// Several at once, since each request is a write that waits for the disk.
void Api::delete_dead_letters(Request& request, std::string_view, const Respond& respond) {
  Parameters parameters(request.query);
  const std::string text = parameters.text("numbers").value_or("");
  const std::optional<std::vector<uint64_t>> numbers = numbers_of(text);
  if (!numbers) {
    parameters.refuse("numbers", fmt::format("1 to {} numbers with commas between", kMaxLimit));
  }
  parameters.refuse_unknown();
  if (auto refusal = parameters.refusal()) return respond(std::move(*refusal));
  const auto store = backend_.store();
  if (!store) return respond(store_is_away());
  const Status status = store->remove_dead_letters(*numbers);
  if (!status) return respond(problem(503, "remove dead letters: " + status.error().message));
  respond({.body = fmt::format("{{\"removed\":[{}]}}\n", fmt::join(*numbers, ","))});
}

void Api::delete_dead_letter(Request&, std::string_view text, const Respond& respond) {
  const auto number = number_of(text);
  if (!number) return respond(not_there(text));
  const auto store = backend_.store();
  if (!store) return respond(store_is_away());
  const auto letter = find_letter(*store, backend_, *number);
  if (letter && !letter.value()) return respond(not_there(text));
  const Status status = store->remove_dead_letters({*number});
  if (!status) return respond(problem(503, "remove the dead letter: " + status.error().message));
  respond({.body = fmt::format("{{\"removed\":{}}}\n", *number)});
}

}  // namespace tocsin::daemon::http
