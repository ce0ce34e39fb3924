#include "tests/oracle/variables.h"

#include <algorithm>

#include "rules/model/check.h"

namespace tocsin::rules::oracle {

cel::Value time_value(EventTime t) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(t);
  return cel::Value::of_timestamp(seconds.time_since_epoch().count(),
                                  static_cast<int32_t>((t - seconds).count() * 1'000'000));
}

Variables::Variables(const Rule& rule) {
  std::vector<std::string> names;
  for (const cel::Variable& variable : variables_of(rule.kind(), rule.detect)) {
    names.push_back(variable.name);
  }
  first_signal_ = names.size();
  names.resize(names.size() + rule.signals.size());
  if (rule.arming != nullptr) {
    names.emplace_back("armed.since");
    for (const Capture& capture : rule.arming->captures) names.push_back("armed." + capture.name);
  }
  for (size_t i = 0; i < names.size(); ++i) slots_[names[i]] = i;
  values_.resize(names.size());
}

void Variables::clear() {
  std::fill(values_.begin(), values_.end(), cel::Value());
  arena_.reset();
}

void Variables::set(const std::string& name, cel::Value value) { values_[slots_.at(name)] = value; }

void Variables::set_signal(size_t use, double number) {
  values_[first_signal_ + use] = cel::Value::of_double(number);
}

void Variables::set_text(const std::string& name, const std::string& t) { set(name, text(t)); }

void Variables::set_time(const std::string& name, EventTime t) { set(name, time_value(t)); }

void Variables::set_texts(const std::string& name, const std::vector<std::string>& texts) {
  const auto items = arena_.array<cel::Value>(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) items[i] = text(texts[i]);
  set(name, cel::Value::of_list(items));
}

void Variables::set_map(const std::string& name, const std::map<std::string, cel::Value>& map) {
  const auto entries = arena_.array<cel::Entry>(map.size());
  size_t next = 0;
  for (const auto& [key, value] : map) entries[next++] = {text(key), value};
  set(name, cel::Value::of_map(entries));
}

void Variables::set_event(const std::string& name, const Event& event, const Catalogue& catalogue) {
  const auto attrs = arena_.array<cel::Entry>(event.attrs.size());
  for (size_t i = 0; i < attrs.size(); ++i) {
    const auto& value = std::get<std::string_view>(event.attrs[i].value);
    attrs[i] = {cel::Value::of_string(event.attrs[i].key), cel::Value::of_string(value)};
  }
  std::map<std::string, cel::Value> fields = {
      {"attrs", cel::Value::of_map(attrs)},
      {"id", cel::Value::of_string(event.id)},
      {"indicator", text(catalogue.indicator(event.indicator).name)},
      {"region", text(catalogue.region(event.region).id)},
      {"source", text(catalogue.source(event.source).name)},
      {"time", time_value(event.time)},
  };
  if (event.has_value()) fields["value"] = cel::Value::of_double(event.value);
  set_map(name, fields);
}

std::optional<bool> Variables::truth(const cel::Program& program, const Event* event) {
  const cel::Outcome outcome = program.run(event, values_, arena_);
  if (!outcome.ok() || outcome.value.kind() != cel::Kind::kBool) return std::nullopt;
  return outcome.value.boolean();
}

}  // namespace tocsin::rules::oracle
