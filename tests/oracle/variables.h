#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rules/rule.h"

namespace tocsin::rules::oracle {

// What the conditions of a rule see beside the event, by name.
//
// `level`, `level_rank` and `starts_at` stay null: no rule here asks for them.
class Variables {
 public:
  explicit Variables(const Rule& rule);

  // All are null again; what was made before is gone.
  void clear();
  void set(const std::string& name, cel::Value value);
  // By place in Rule::signals: two of them may have one name.
  void set_signal(size_t use, double number);
  void set(const std::string& name, double number) { set(name, cel::Value::of_double(number)); }
  void set_int(const std::string& name, int64_t number) { set(name, cel::Value::of_int(number)); }
  void set_text(const std::string& name, const std::string& text);
  void set_time(const std::string& name, EventTime t);
  void set_texts(const std::string& name, const std::vector<std::string>& texts);
  void set_map(const std::string& name, const std::map<std::string, cel::Value>& entries);
  // As steps see an earlier event.
  void set_event(const std::string& name, const Event& event, const Catalogue& catalogue);

  // nullopt: there is no telling.
  std::optional<bool> truth(const cel::Program& program, const Event* event = nullptr);
  cel::Value text(const std::string& text) { return cel::Value::of_string(arena_.copy(text)); }

 private:
  std::map<std::string, size_t> slots_;
  size_t first_signal_ = 0;
  std::vector<cel::Value> values_;
  Arena arena_{16 * 1024};
};

cel::Value time_value(EventTime t);

}  // namespace tocsin::rules::oracle
