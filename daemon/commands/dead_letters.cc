#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "daemon/base64.h"
#include "daemon/commands/commands.h"
#include "daemon/commands/remote.h"
#include "daemon/http/parameters.h"
#include "daemon/terminal.h"

namespace tocsin::daemon {
namespace {

namespace json = boost::json;

struct DeadLettersArguments {
  Remote remote;
  std::string reason;
  size_t limit = 100;
  std::string format = "text";
  std::vector<uint64_t> numbers;
  uint64_t number = 0;
};

std::string list_path(const DeadLettersArguments& arguments) {
  std::string path = "/v1/dead-letters?limit=1000";
  if (!arguments.reason.empty()) path += "&reason=" + http::percent_encode(arguments.reason);
  return path;
}

std::string number_text(const json::object& object, std::string_view key) {
  return fmt::format("{:.0f}", number_at(object, key));
}

int list(const DeadLettersArguments& arguments) {
  std::vector<std::vector<std::string>> rows;
  size_t count = 0;
  const Status status = arguments.remote.each_of(
      list_path(arguments), "dead_letters", [&](const json::object& letter) {
        if (arguments.format == "json") fmt::print("{}\n", json::serialize(letter));
        rows.push_back({number_text(letter, "number"), text_at(letter, "at"),
                        text_at(letter, "reason"), text_at(letter, "stream"),
                        number_text(letter, "position"), text_at(letter, "message")});
        return ++count < arguments.limit;
      });
  if (!status) return fail("dead-letters", status.error());
  if (arguments.format == "json") return kDone;
  if (rows.empty()) {
    fmt::print("no dead letters\n");
    return kDone;
  }
  fmt::print("{}", format_table({"NUMBER", "AT", "REASON", "STREAM", "POSITION", "MESSAGE"}, rows,
                                terminal_width()));
  return kDone;
}

struct Letter {
  json::object about;
  std::string raw;
};

Result<Letter> fetch(const Remote& remote, uint64_t number) {
  auto about = remote.ask("GET", fmt::format("/v1/dead-letters/{}", number));
  if (!about) return about.error();
  auto raw = decode_base64(text_at(*about, "raw_base64"));
  if (!raw) return unavailable(fmt::format("dead letter {} came without its bytes", number));
  return Letter{std::move(*about), std::move(*raw)};
}

int show(const DeadLettersArguments& arguments) {
  const auto letter = fetch(arguments.remote, arguments.number);
  if (!letter) return fail("dead-letters", letter.error());
  const json::object& about = letter->about;
  fmt::print(stderr, "{} at {}, {} position {}: {}\n", text_at(about, "reason"),
             text_at(about, "at"), text_at(about, "stream"), number_text(about, "position"),
             text_at(about, "message"));
  std::fwrite(letter->raw.data(), 1, letter->raw.size(), stdout);
  std::fputc('\n', stdout);
  return kDone;
}

bool is_true(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->as_bool();
}

// Bytes that can be sent again as they are: one event, whole. A row of a published table is no
// event by itself; its file has to be read again.
bool can_be_sent(const Letter& letter) {
  const size_t first = letter.raw.find_first_not_of(" \t\r\n");
  return first != std::string::npos && letter.raw[first] == '{' && !is_true(letter.about, "cut");
}

// What is sent again in one request, so that a commit serves many. No more than a receipt has room
// for problems, so that each refusal is told.
constexpr size_t kBatch = 100;

struct Batch {
  std::vector<uint64_t> numbers;  // by line
  std::string body;

  void add(uint64_t number, std::string record) {
    // Onto one line, as NDJSON wants it: line ends outside strings mean nothing in JSON, and inside
    // they are escaped.
    for (char& c : record) {
      if (c == '\n' || c == '\r') c = ' ';
    }
    numbers.push_back(number);
    body += record + "\n";
  }
};

void tell_problems(const json::object& receipt, const Batch& batch) {
  const json::value* problems = receipt.if_contains("problems");
  if (problems == nullptr || !problems->is_array()) return;
  for (const json::value& problem : problems->as_array()) {
    if (!problem.is_object()) continue;
    const auto line = static_cast<size_t>(number_at(problem.as_object(), "position"));
    if (line < 1 || line > batch.numbers.size()) continue;
    fmt::print(stderr, "{}: still refused: {}\n", batch.numbers[line - 1],
               text_at(problem.as_object(), "message"));
  }
}

// How many were taken.
Result<size_t> send_again(const Remote& remote, const Batch& batch) {
  if (batch.numbers.empty()) return size_t{0};
  const auto receipt = remote.ask("POST", "/v1/events", batch.body);
  if (!receipt) return receipt.error();
  tell_problems(*receipt, batch);
  // Taken, or set aside anew under a new number with today's reason: the old ones are done.
  for (const uint64_t number : batch.numbers) {
    const auto removed = remote.ask("DELETE", fmt::format("/v1/dead-letters/{}", number));
    if (!removed && removed.error().code != ErrorCode::kNotFound) return removed.error();
  }
  return batch.numbers.size() - static_cast<size_t>(number_at(*receipt, "rejected"));
}

void tell_left(uint64_t number, const Letter& letter) {
  fmt::print(stderr,
             "{}: left where it is: not one whole event/1 object; after a fix its source ({}, "
             "position {}) has to give it again\n",
             number, text_at(letter.about, "stream"), number_text(letter.about, "position"));
}

int replay(const DeadLettersArguments& arguments) {
  std::vector<uint64_t> numbers = arguments.numbers;
  if (numbers.empty()) {
    // All of them are listed first: those that are refused again come back with higher numbers.
    const Status status = arguments.remote.each_of(
        list_path(arguments), "dead_letters", [&](const json::object& letter) {
          numbers.push_back(static_cast<uint64_t>(number_at(letter, "number")));
          return true;
        });
    if (!status) return fail("dead-letters", status.error());
  }
  size_t taken = 0;
  ProgressBar bar("dead letters");
  for (size_t begin = 0; begin < numbers.size(); begin += kBatch) {
    const size_t end = std::min(numbers.size(), begin + kBatch);
    Batch batch;
    for (size_t i = begin; i < end; ++i) {
      const auto letter = fetch(arguments.remote, numbers[i]);
      if (!letter) return fail("dead-letters", letter.error());
      if (can_be_sent(*letter)) {
        batch.add(numbers[i], letter->raw);
      } else {
        tell_left(numbers[i], *letter);
      }
    }
    const auto sent = send_again(arguments.remote, batch);
    if (!sent) return fail("dead-letters", sent.error());
    taken += *sent;
    bar.show(end, numbers.size());
  }
  bar.finish();
  fmt::print("{} of {} taken\n", taken, numbers.size());
  return taken == numbers.size() ? kDone : kAnswerIsNo;
}

}  // namespace

void add_dead_letters(CLI::App& program, int& exit_code) {
  auto arguments = std::make_shared<DeadLettersArguments>();
  CLI::App* command = program.add_subcommand(
      "dead-letters", "Records that the running daemon could not use, and how to mend that");
  command->footer(
      "Examples:\n"
      "  tocsin dead-letters list --reason unknown_indicator\n"
      "  tocsin dead-letters show 17 > record          its bytes, as they came\n"
      "  tocsin dead-letters replay                    after a fix: send all of them again\n"
      "  tocsin dead-letters replay 17 18");
  command->require_subcommand(1);

  CLI::App* list_command = command->add_subcommand("list", "What was set aside, and why");
  arguments->remote.add_options(*list_command);
  list_command->add_option("--reason", arguments->reason, "Only of this reason");
  list_command->add_option("--limit", arguments->limit, "At most so many")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  list_command->add_option("--format", arguments->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  list_command->callback([arguments, &exit_code] { exit_code = list(*arguments); });

  CLI::App* show_command = command->add_subcommand("show", "The bytes of one, on stdout");
  arguments->remote.add_options(*show_command);
  show_command->add_option("number", arguments->number, "Its number")->required();
  show_command->callback([arguments, &exit_code] { exit_code = show(*arguments); });

  CLI::App* replay_command = command->add_subcommand(
      "replay", "Send them again; what is taken now is removed, the rest set aside anew");
  arguments->remote.add_options(*replay_command);
  replay_command->add_option("number", arguments->numbers, "Only these; none: all");
  replay_command->add_option("--reason", arguments->reason, "Only of this reason");
  replay_command->callback([arguments, &exit_code] { exit_code = replay(*arguments); });
}

}  // namespace tocsin::daemon
