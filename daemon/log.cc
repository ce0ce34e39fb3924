#include "daemon/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <map>
#include <mutex>

#include "rules/model/json_text.h"
#include "rules/model/time.h"

namespace tocsin::daemon {
namespace {

constexpr std::chrono::seconds kQuiet{10};

bool is_plain(std::string_view value) {
  if (value.empty()) return false;
  for (const char c : value) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return false;
  }
  return true;
}

void append_value(std::string& to, std::string_view value) {
  if (is_plain(value)) {
    to += value;
  } else {
    append_json_string(to, value);
  }
}

std::string now_text() {
  return format_time(std::chrono::floor<Milliseconds>(std::chrono::system_clock::now()));
}

}  // namespace

struct Log::State {
  struct Seldom {
    std::chrono::steady_clock::time_point last;
    int held_back = 0;
  };
  std::shared_ptr<spdlog::logger> logger;
  bool as_json = false;
  std::mutex mutex;
  std::map<std::string, Seldom, std::less<>> seldom;  // guarded by mutex
};

std::string format_log_line(std::string_view time, std::string_view level, std::string_view message,
                            Log::Fields fields, bool as_json) {
  std::string line;
  if (as_json) {
    line = "{\"ts\":";
    append_json_string(line, time);
    line += ",\"level\":";
    append_json_string(line, level);
    line += ",\"msg\":";
    append_json_string(line, message);
    for (const Log::Field& field : fields) {
      line += ',';
      append_json_string(line, field.key);
      line += ':';
      append_json_string(line, field.value);
    }
    line += '}';
    return line;
  }
  line = "ts=";
  line += time;
  line += " level=";
  line += level;
  line += " msg=";
  append_value(line, message);
  for (const Log::Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  return line;
}

Log::Log(std::string_view level, std::string_view format) : state_(std::make_unique<State>()) {
  state_->logger =
      std::make_shared<spdlog::logger>("tocsin", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  state_->logger->set_pattern("%v");
  state_->logger->set_level(spdlog::level::from_str(std::string(level)));
  state_->logger->flush_on(spdlog::level::info);
  state_->as_json = format == "json";
}

Log::~Log() = default;

void Log::debug(std::string_view message, Fields fields) {
  if (!state_->logger->should_log(spdlog::level::debug)) return;
  state_->logger->debug(spdlog::string_view_t(
      format_log_line(now_text(), "debug", message, fields, state_->as_json)));
}

void Log::info(std::string_view message, Fields fields) {
  state_->logger->info(
      spdlog::string_view_t(format_log_line(now_text(), "info", message, fields, state_->as_json)));
}

void Log::warn(std::string_view message, Fields fields) {
  state_->logger->warn(
      spdlog::string_view_t(format_log_line(now_text(), "warn", message, fields, state_->as_json)));
}

void Log::error(std::string_view message, Fields fields) {
  state_->logger->error(spdlog::string_view_t(
      format_log_line(now_text(), "error", message, fields, state_->as_json)));
}

void Log::warn_seldom(std::string_view message, Fields fields) {
  int held_back = 0;
  {
    const std::scoped_lock lock(state_->mutex);
    const auto now = std::chrono::steady_clock::now();
    std::string key(message);
    if (fields.size() > 0) key += '\n' + fields.begin()->value;
    const auto [entry, is_new] = state_->seldom.try_emplace(std::move(key));
    if (!is_new && now - entry->second.last < kQuiet) {
      ++entry->second.held_back;
      return;
    }
    held_back = std::exchange(entry->second.held_back, 0);
    entry->second.last = now;
  }
  if (held_back > 0) warn("suppressed lines like the next", {{"count", std::to_string(held_back)}});
  warn(message, fields);
}

}  // namespace tocsin::daemon
