#pragma once

#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "rules/engine.h"
#include "tests/support/catalogue_builder.h"
#include "tests/support/event_builder.h"
#include "tests/support/rule_builder.h"

namespace tocsin::rules {

using std::chrono::hours;
using tocsin::testing::bundle_of;
using tocsin::testing::day;
using tocsin::testing::EventBuilder;
using tocsin::testing::RuleBuilder;
using tocsin::testing::small_world;

inline constexpr Milliseconds kDay = hours(24);
inline Span span_of(Milliseconds exact) { return {.exact = exact, .months = 0}; }

// "d4.5": days since 2020-01-01.
inline std::string day_text(EventTime t) {
  return fmt::format("d{:g}",
                     static_cast<double>((t - tocsin::testing::kEpoch2020).count()) / 864e5);
}

// "fire warning d4 XA-1", with "~" before it when provisional, "?" when stale, "!" when its rule
// fails and "%" when it flaps.
inline std::string brief(const AlertTransition& t) {
  std::string text = fmt::format("{}{}{}{}{} {} {}", t.provisional ? "~" : "", t.stale ? "?" : "",
                                 t.error ? "!" : "", t.flapping_since ? "%" : "",
                                 to_string(t.action), to_string(t.level), day_text(t.at));
  for (const auto& [name, value] : t.group) text += " " + value;
  return text;
}

inline std::vector<std::string> brief(const std::vector<AlertTransition>& log) {
  std::vector<std::string> lines;
  for (const AlertTransition& t : log) lines.push_back(brief(t));
  return lines;
}

// All fields; evidence by event id, since journal numbers follow the order of arrival.
inline std::string full(const AlertTransition& t, const EventBuilder& events) {
  std::string text = fmt::format(
      "{} id={} seq={} prev={} start={} end={} wm={} tlp={} n={} [{}]", brief(t), to_hex(t.alert),
      t.seq, to_string(t.previous), to_ms(t.starts_at), t.ends_at ? to_ms(*t.ends_at) : -1,
      to_ms(t.watermark), to_string(t.tlp), t.events_counted, t.condition);
  for (const Measured& value : t.values) {
    text += " " + value.name + "=";
    std::visit([&text](const auto& v) { text += fmt::format("{}", v); }, value.value);
  }
  for (const auto& [language, title] : t.title) text += " " + language + ":" + title;
  for (const EvidenceRef& ref : t.evidence) {
    text += fmt::format(" {}({})", ref.role, events.events()[ref.seq - 1].id);
  }
  return text;
}

// One engine over a journal of made events.
class EngineHarness {
 public:
  explicit EngineHarness(std::shared_ptr<const Bundle> loaded, Emit emit = Emit::kFinal)
      : events(loaded->catalogue),
        bundle(std::move(loaded)),
        emit_(emit),
        engine(std::make_unique<Engine>(bundle, EngineOptions{emit})) {}
  EngineHarness(std::shared_ptr<const Catalogue> catalogue, std::vector<Rule> rules,
                Emit emit = Emit::kFinal)
      : EngineHarness(bundle_of(catalogue, std::move(rules)), emit) {}

  void feed(EventTime time, double value = 1.0, std::string_view region = "XA-1",
            std::string_view indicator = "violence.attack", std::string_view source = "desk",
            std::string id = {}) {
    send(events.make(time, value, region, indicator, source, std::move(id)));
  }
  void send(const Event& event) { engine->on_event(event, events.last_seq(), log); }
  void advance(std::string_view source, EventTime to) {
    engine->advance(*bundle->catalogue->find_source(source), to, log);
  }
  void finish(EventTime to) { engine->finish(to, log); }
  // Saves, throws the engine away and goes on with a new one.
  void restart() {
    engine->save([this](std::string_view key, std::string_view value) {
      if (value.empty()) {
        saved.erase(std::string(key));
      } else {
        saved[std::string(key)] = value;
      }
    });
    engine = std::make_unique<Engine>(bundle, EngineOptions{emit_});
    for (const auto& [key, value] : saved) {
      if (!engine->restore(key, value)) refused.push_back(key);
    }
  }
  std::vector<std::string> lines() const { return brief(log); }
  std::vector<std::string> full_lines() const {
    std::vector<std::string> all;
    for (const AlertTransition& t : log) all.push_back(full(t, events));
    return all;
  }

  EventBuilder events;
  std::shared_ptr<const Bundle> bundle;
  Emit emit_;
  std::unique_ptr<Engine> engine;
  std::vector<AlertTransition> log;
  std::map<std::string, std::string> saved;
  std::vector<std::string> refused;
};

}  // namespace tocsin::rules
