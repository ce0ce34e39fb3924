#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace tocsin::daemon {

// Structured lines on stderr: time, level, message, key=value (logfmt) or the same as JSON.
//
// By who must act: error = we stop or lose something; warn = an operator should look; info = rare
// events of life; debug = off in production. Never one line per event, never an event's content.
// Values are quoted and escaped, so that no input can forge a line.
// Thread-safety: any thread.
class Log {
 public:
  struct Field {
    std::string_view key;
    std::string value;
  };
  using Fields = std::initializer_list<Field>;

  // `level`: debug info warn error; `format`: logfmt json.
  Log(std::string_view level, std::string_view format);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void debug(std::string_view message, Fields fields = {});
  void info(std::string_view message, Fields fields = {});
  void warn(std::string_view message, Fields fields = {});
  void error(std::string_view message, Fields fields = {});

  // warn(), but the same message about the same thing at most every ten seconds; what was held back
  // is counted in the next. The first field names the thing (a sink, an input): one that fails does
  // not hide another.
  void warn_seldom(std::string_view message, Fields fields = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// One line of the log without its end; what Log prints.
std::string format_log_line(std::string_view time, std::string_view level, std::string_view message,
                            Log::Fields fields, bool as_json);

}  // namespace tocsin::daemon
