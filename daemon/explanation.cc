#include "daemon/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>

#include "rules/model/time.h"
#include "rules/model/vocabulary.h"

namespace tocsin::daemon {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return {};
  if (value->is_string()) return std::string(value->as_string());
  return json::serialize(*value);
}

std::string in_language(const json::object& object, std::string_view key,
                        std::string_view language) {
  const json::value* texts = object.if_contains(key);
  if (texts == nullptr || !texts->is_object()) return {};
  const std::string wanted = text_of(texts->as_object(), language);
  return wanted.empty() ? text_of(texts->as_object(), "en") : wanted;
}

std::string date_of(const json::object& object, std::string_view key) {
  return text_of(object, key).substr(0, 10);
}

// How far to trust the date of an event, where it is coarser than a day.
std::string surety_of(const json::object& event) {
  if (!event.contains("time_precision")) return {};
  if (event.contains("time_end")) {
    return fmt::format(", at some time until {}", date_of(event, "time_end"));
  }
  return fmt::format(", known to the {}", text_of(event, "time_precision"));
}

std::string spaced(std::string word) {
  std::replace(word.begin(), word.end(), '_', ' ');
  return word;
}

// 62.0 → "62", 0.8461999 → "0.846"
std::string short_number(const json::value& value) {
  if (value.is_int64()) return std::to_string(value.as_int64());
  if (value.is_double()) return fmt::format("{:.4g}", value.as_double());
  if (value.is_string()) return std::string(value.as_string());
  return json::serialize(value);
}

class Explanation {
 public:
  Explanation(std::vector<json::object> transitions, std::string_view language)
      : transitions_(std::move(transitions)), language_(language) {}

  std::string write() {
    const json::object* last = last_readable();
    if (last == nullptr) {
      line("(withheld) | TLP:{} is above what may be shown here",
           upper(text_of(transitions_.back(), "tlp")));
      standing();
      line("  alert {}", text_of(transitions_.back(), "id"));
      life();
      return std::move(out_);
    }
    headline(*last);
    reason(peak(kReadable));
    evidence(peak(kReadable));
    life();
    matters(*last);
    return std::move(out_);
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }

  static int rank(const json::object& transition) {
    const auto level = parse_enum<Level>(text_of(transition, "level"));
    return level ? static_cast<int>(*level) : 0;
  }

  static bool is_end(const json::object& transition) {
    const std::string action = text_of(transition, "action");
    return action == "resolve" || action == "withdraw";
  }

  static bool is_set(const json::object& transition, std::string_view key) {
    const json::value* value = transition.if_contains(key);
    return value != nullptr && value->is_bool() && value->as_bool();
  }

  // Marked above what its reader may see: it has id, action, level and times, and nothing else.
  static bool is_withheld(const json::object& transition) { return is_set(transition, "withheld"); }

  const json::object* last_readable() const {
    const auto found = std::find_if(transitions_.rbegin(), transitions_.rend(),
                                    [](const json::object& each) { return !is_withheld(each); });
    return found == transitions_.rend() ? nullptr : &*found;
  }

  enum Of { kAll, kReadable };
  // The transition that says most: the first that reached the highest level. Of kReadable there
  // must be one.
  const json::object& peak(Of which) const {
    const json::object* best = nullptr;
    for (const json::object& transition : transitions_) {
      if (which == kReadable && is_withheld(transition)) continue;
      const bool higher = best != nullptr && !is_end(transition) && rank(transition) > rank(*best);
      if (best == nullptr || higher) best = &transition;
    }
    return *best;
  }

  std::string place(const json::object& transition) const {
    const std::string name = in_language(transition, "region_name", language_);
    return name.empty() ? text_of(transition, "region") : name;
  }

  void headline(const json::object& last) {
    line("{} | {}", in_language(last, "title", language_), place(last));
    standing();
    line("  driver: {}; stage: {}; TLP:{}", spaced(text_of(last, "driver")),
         spaced(text_of(last, "stage")), upper(text_of(last, "tlp")));
    line("  alert {}  rule {}", text_of(last, "id"), text_of(last, "rule"));
  }

  // Its height and times: of all transitions, since these are told also where the rest is withheld.
  void standing() {
    const json::object& last = transitions_.back();
    const bool ended = is_end(last);
    line("  level {} ({} of 5), {} since {}{}", text_of(peak(kAll), "level"), rank(peak(kAll)),
         ended ? "over: it stood" : "firing", date_of(last, "starts_at"),
         ended ? " until " + date_of(last, "ends_at") : "");
    if (is_set(last, "flapping")) {
      line("  flapping since {}: held at {} until it has not begun anew for 24 hours",
           text_of(last, "flapping_since"), text_of(last, "level"));
    }
    if (is_set(last, "error")) line("  its rule fails just now: the level is the last known");
  }

  static std::string upper(std::string word) {
    std::transform(word.begin(), word.end(), word.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    return word;
  }

  void reason(const json::object& at) {
    line("");
    line("Why");
    if (const std::string summary = in_language(at, "summary", language_); !summary.empty()) {
      line("  {}", summary);
    }
    if (const std::string condition = text_of(at, "condition"); !condition.empty()) {
      line("  The rule asks: {}", condition);
    }
    std::string measured;
    for (const auto& [name, value] : at.at("values").as_object()) {
      if (!measured.empty()) measured += ", ";
      measured += fmt::format("{} = {}", std::string_view(name), short_number(value));
    }
    if (!measured.empty()) line("  Measured: {}", measured);
    if (at.at("provisional").as_bool()) {
      line("  Decided on arrival; later reports may still change the numbers (provisional).");
    } else {
      line("  Decided for {}, with all input up to then in hand (confirmed).", date_of(at, "at"));
    }
    if (at.at("stale").as_bool())
      line("  Its sources are silent now: the level is the last known.");
  }

  void evidence(const json::object& at) {
    const json::array& events = at.at("evidence").as_array();
    line("");
    // What armed the rule is shown with the rest and counted in no window.
    const auto arming = std::count_if(events.begin(), events.end(), [](const json::value& event) {
      return text_of(event.as_object(), "role") == "armed";
    });
    line("What came before: {} of {} events that count{}",
         events.size() - static_cast<size_t>(arming), at.at("events_counted").to_number<uint64_t>(),
         arming > 0 ? ", and what armed the rule" : "");
    std::vector<const json::object*> sorted;
    for (const json::value& event : events) sorted.push_back(&event.as_object());
    std::sort(sorted.begin(), sorted.end(), [](const json::object* a, const json::object* b) {
      return std::pair(text_of(*a, "time"), text_of(*a, "id")) <
             std::pair(text_of(*b, "time"), text_of(*b, "id"));
    });
    for (const json::object* event : sorted) {
      const json::value* value = event->if_contains("value");
      line("  {}  {:<6} {:<34} {:>9}  {}:{} ({}){}", date_of(*event, "time"),
           text_of(*event, "region"), text_of(*event, "indicator"),
           value == nullptr ? "" : short_number(*value), text_of(*event, "source"),
           text_of(*event, "id"), text_of(*event, "role"), surety_of(*event));
    }
  }

  void life() {
    line("");
    line("Its life so far");
    for (const json::object& transition : transitions_) {
      line("  {}  {:<11} {:<9}  {}", date_of(transition, "at"), text_of(transition, "action"),
           text_of(transition, "level"), told_of(transition));
    }
  }

  std::string told_of(const json::object& transition) const {
    if (is_withheld(transition)) {
      return fmt::format("(withheld: TLP:{} is above what may be shown here)",
                         upper(text_of(transition, "tlp")));
    }
    return is_end(transition) ? text_of(transition, "condition")
                              : in_language(transition, "summary", language_);
  }

  void matters(const json::object& last) {
    const json::object& source = last.at("source").as_object();
    line("");
    line("Why it matters");
    line("  {} ({} {})", text_of(last, "rationale"), text_of(source, "document"),
         text_of(source, "paragraph"));
    const json::value* looks_like = last.if_contains("false_positives");  // logs of before lack it
    if (looks_like != nullptr && !looks_like->as_array().empty()) {
      line("What looks like it and is not");
      for (const json::value& text : looks_like->as_array()) {
        line("  - {}", std::string_view(text.as_string()));
      }
    }
    if (const std::string response = text_of(last, "response"); !response.empty()) {
      line("What to do");
      line("  {}", response);
    }
  }

  std::vector<json::object> transitions_;
  std::string language_;
  std::string out_;
};

}  // namespace

Result<std::string> explain_alert(const std::vector<std::string>& transitions,
                                  std::string_view language) {
  std::vector<json::object> parsed;
  for (const std::string& text : transitions) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    if (error || !value.is_object() || text_of(value.as_object(), "format") != "alert/1") {
      return invalid("explain alert: not an alert/1 object: " + text.substr(0, 80));
    }
    parsed.push_back(std::move(value.as_object()));
  }
  if (parsed.empty()) return invalid("explain alert: no transition given");
  try {
    return Explanation(std::move(parsed), language).write();
  } catch (const std::exception& error) {  // a key of alert/1 is missing or of another type
    return invalid(fmt::format("explain alert: {}", error.what()));
  }
}

}  // namespace tocsin::daemon
