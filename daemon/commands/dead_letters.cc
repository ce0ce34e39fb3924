#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>
#include <span>

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

// What was sent: its bytes can be sent again in the same way.
enum class Form { kEvent, kCloudEvent };

// Why it cannot be sent again as it came; empty, and `form` set, when it can.
std::string why_not(const Letter& letter, Form& form) {
  if (is_true(letter.about, "cut")) return "only its beginning was kept; its sender has it whole";
  json::error_code error;
  const json::value value = json::parse({letter.raw.data(), letter.raw.size()}, error);
  const bool is_object = !error && value.is_object();
  if (is_object && value.as_object().contains("specversion")) {
    form = Form::kCloudEvent;
    return {};
  }
  if (is_true(letter.about, "mapped")) {
    return "a row that a mapping reads is no event by itself; mend the mapping or the catalogue, "
           "then let the daemon read its source again under a new input name (what it has already "
           "is a duplicate), or judge it with `tocsin replay --input MAPPING:FILE`";
  }
  if (!is_object) return "not one whole JSON object; its sender has to mend it";
  form = Form::kEvent;
  return {};
}

// What is sent again in one request, so that a commit serves many. No more than a receipt has room
// for problems, so that each refusal is told.
constexpr size_t kBatch = 100;

struct Batch {
  std::vector<uint64_t> numbers;  // by position in the body
  std::vector<std::string> records;

  void add(uint64_t number, std::string record) {
    // Onto one line, as NDJSON wants it: line ends outside strings mean nothing in JSON, and inside
    // they are escaped.
    for (char& c : record) {
      if (c == '\n' || c == '\r') c = ' ';
    }
    numbers.push_back(number);
    records.push_back(std::move(record));
  }
};

Result<json::object> post(const Remote& remote, const Batch& batch, Form form) {
  // What is refused again stays the letter that it is; no second one is made of it.
  const std::string path = "/v1/events?refused=tell";
  switch (form) {
    case Form::kEvent:
      return remote.ask("POST", path, fmt::format("{}\n", fmt::join(batch.records, "\n")));
    case Form::kCloudEvent:
      break;
  }
  return remote.ask("POST", path, fmt::format("[{}]", fmt::join(batch.records, ",")),
                    "application/cloudevents-batch+json");
}

// Those that the daemon has now: accepted, or known already. The rest is told on stderr.
Result<std::vector<uint64_t>> taken_of(const json::object& receipt, const Batch& batch) {
  std::set<size_t> refused;
  const json::value* problems = receipt.if_contains("problems");
  if (problems != nullptr && problems->is_array()) {
    for (const json::value& problem : problems->as_array()) {
      if (!problem.is_object()) continue;
      const auto position = static_cast<size_t>(number_at(problem.as_object(), "position"));
      if (position < 1 || position > batch.numbers.size()) continue;
      refused.insert(position);
      fmt::print(stderr, "{}: still refused: {}\n", batch.numbers[position - 1],
                 text_at(problem.as_object(), "message"));
    }
  }
  const double taken = number_at(receipt, "accepted") + number_at(receipt, "duplicates");
  if (static_cast<size_t>(taken) + refused.size() != batch.numbers.size()) {
    return unavailable("the receipt does not say what became of each; none is removed");
  }
  std::vector<uint64_t> numbers;
  for (size_t i = 0; i < batch.numbers.size(); ++i) {
    if (!refused.contains(i + 1)) numbers.push_back(batch.numbers[i]);
  }
  return numbers;
}

// How many were taken; these are removed.
Result<size_t> send_again(const Remote& remote, const Batch& batch, Form form) {
  if (batch.numbers.empty()) return size_t{0};
  const auto receipt = post(remote, batch, form);
  if (!receipt) return receipt.error();
  const auto taken = taken_of(*receipt, batch);
  if (!taken) return taken.error();
  if (taken->empty()) return size_t{0};
  const auto removed =
      remote.ask("DELETE", fmt::format("/v1/dead-letters?numbers={}", fmt::join(*taken, ",")));
  if (!removed) return removed.error();
  return taken->size();
}

// Up to kBatch of them; how many were taken.
Result<size_t> replay_some(const Remote& remote, std::span<const uint64_t> numbers) {
  Batch events;
  Batch cloud_events;
  for (const uint64_t number : numbers) {
    auto letter = fetch(remote, number);
    if (!letter && letter.error().code == ErrorCode::kNotFound) {
      fmt::print(stderr, "{}: there is none of that number\n", number);
      continue;
    }
    if (!letter) return letter.error();
    Form form = Form::kEvent;
    if (const std::string why = why_not(*letter, form); !why.empty()) {
      fmt::print(stderr, "{} ({}, position {}): left where it is: {}\n", number,
                 text_at(letter->about, "stream"), number_text(letter->about, "position"), why);
      continue;
    }
    (form == Form::kEvent ? events : cloud_events).add(number, std::move(letter->raw));
  }
  const auto sent = send_again(remote, events, Form::kEvent);
  if (!sent) return sent;
  const auto sent_too = send_again(remote, cloud_events, Form::kCloudEvent);
  if (!sent_too) return sent_too;
  return *sent + *sent_too;
}

int replay(const DeadLettersArguments& arguments) {
  std::vector<uint64_t> numbers = arguments.numbers;
  if (numbers.empty()) {
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
    const size_t count = std::min(kBatch, numbers.size() - begin);
    const auto some = replay_some(arguments.remote, std::span(numbers).subspan(begin, count));
    if (!some) return fail("dead-letters", some.error());
    taken += *some;
    bar.show(begin + count, numbers.size());
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
      "replay", "Send them again; what is taken now is removed, the rest stays");
  arguments->remote.add_options(*replay_command);
  replay_command->add_option("number", arguments->numbers, "Only these; none: all");
  replay_command->add_option("--reason", arguments->reason, "Only of this reason");
  replay_command->callback([arguments, &exit_code] { exit_code = replay(*arguments); });
}

}  // namespace tocsin::daemon
