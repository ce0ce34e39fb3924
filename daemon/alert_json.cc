#include "daemon/alert_json.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "rules/model/json_text.h"

namespace tocsin::daemon {
namespace {

void append_key(std::string& to, std::string_view key) {
  if (to.back() != '{') to += ',';
  append_json_string(to, key);
  to += ':';
}

void append_text(std::string& to, std::string_view key, std::string_view text) {
  append_key(to, key);
  append_json_string(to, text);
}

void append_bool(std::string& to, std::string_view key, bool value) {
  append_key(to, key);
  to += value ? "true" : "false";
}

template <typename Texts>
void append_texts(std::string& to, std::string_view key, const Texts& texts) {
  append_key(to, key);
  to += '{';
  for (const auto& [name, text] : texts) append_text(to, name, text);
  to += '}';
}

void append_list(std::string& to, std::string_view key, const std::vector<std::string>& texts) {
  append_key(to, key);
  to += '[';
  for (const std::string& text : texts) {
    if (to.back() != '[') to += ',';
    append_json_string(to, text);
  }
  to += ']';
}

void append_values(std::string& to, const std::vector<Measured>& values) {
  append_key(to, "values");
  to += '{';
  for (const Measured& measured : values) {
    append_key(to, measured.name);
    if (const auto* whole = std::get_if<int64_t>(&measured.value)) {
      to += std::to_string(*whole);
    } else if (const auto* real = std::get_if<double>(&measured.value)) {
      append_json_number(to, *real);
    } else {
      append_json_string(to, std::get<std::string>(measured.value));
    }
  }
  to += '}';
}

void append_event(std::string& to, const Event& event, std::string_view role,
                  const Catalogue& catalogue) {
  to += '{';
  append_text(to, "role", role);
  append_text(to, "id", event.id);
  append_text(to, "source", catalogue.source(event.source).name);
  append_text(to, "indicator", catalogue.indicator(event.indicator).name);
  append_text(to, "time", format_time(event.told_time()));
  if (event.has_time_end) append_text(to, "time_end", format_time(event.time_end));
  if (event.is_coarse()) append_text(to, "time_precision", to_string(event.time_precision));
  append_text(to, "region", catalogue.region(event.region).id);
  if (event.has_value()) {
    append_key(to, "value");
    append_json_number(to, event.value);
  }
  append_text(to, "tlp", to_string(event.tlp));
  to += '}';
}

void append_evidence(std::string& to, const AlertTransition& transition, const Catalogue& catalogue,
                     EventLookup& journal) {
  append_key(to, "evidence");
  to += '[';
  for (const EvidenceRef& ref : transition.evidence) {
    const Event* event = journal.find(ref.seq);
    if (event == nullptr) continue;
    if (to.back() != '[') to += ',';
    append_event(to, *event, ref.role, catalogue);
  }
  to += ']';
}

}  // namespace

void append_json_number(std::string& to, double value) {
  if (std::isfinite(value)) {
    fmt::format_to(std::back_inserter(to), "{}", value);
  } else {
    to += "null";
  }
}

std::string write_alert(const AlertTransition& transition, const rules::Bundle& bundle,
                        EventLookup& journal) {
  const rules::Rule& rule = bundle.raised_by(transition.rule);
  const Catalogue& catalogue = *bundle.catalogue;
  std::string to;
  to.reserve(2048);
  to += '{';
  append_text(to, "format", "alert/1");
  append_text(to, "id", to_hex(transition.alert));
  append_key(to, "seq");
  to += std::to_string(transition.seq);
  append_text(to, "action", to_string(transition.action));
  append_text(to, "rule", rule.id);
  append_text(to, "ruleset", rule.package);
  append_text(to, "driver", to_string(rule.driver));
  append_text(to, "stage", to_string(rule.stage));
  append_text(to, "status", to_string(rule.status));
  append_text(to, "level", to_string(transition.level));
  append_text(to, "previous_level", to_string(transition.previous));
  append_texts(to, "group", transition.group);
  if (transition.region) {
    const Region& region = catalogue.region(*transition.region);
    append_text(to, "region", region.id);
    append_text(to, "country", catalogue.region(region.country).id);
    append_texts(to, "region_name", region.names);
  }
  append_text(to, "starts_at", format_time(transition.starts_at));
  if (transition.ends_at) append_text(to, "ends_at", format_time(*transition.ends_at));
  append_text(to, "at", format_time(transition.at));
  append_bool(to, "provisional", transition.provisional);
  append_text(to, "watermark", format_time(transition.watermark));
  append_bool(to, "stale", transition.stale);
  append_bool(to, "error", transition.error);
  append_bool(to, "flapping", transition.flapping_since.has_value());
  if (transition.flapping_since) {
    append_text(to, "flapping_since", format_time(*transition.flapping_since));
  }
  if (transition.retroactive) append_bool(to, "retroactive", true);
  append_text(to, "tlp", to_string(transition.tlp));
  append_texts(to, "title", transition.title);
  append_texts(to, "summary", transition.summary);
  append_values(to, transition.values);
  append_text(to, "condition", transition.condition);
  append_key(to, "events_counted");
  to += std::to_string(transition.events_counted);
  append_evidence(to, transition, catalogue, journal);
  if (const Event* cause = transition.cause == 0 ? nullptr : journal.find(transition.cause)) {
    append_key(to, "cause");
    append_event(to, *cause, to_string(cause->op), catalogue);
  }
  append_key(to, "source");
  to += '{';
  append_text(to, "document", rule.doc.document);
  append_text(to, "paragraph", rule.doc.paragraph);
  to += '}';
  append_text(to, "rationale", rule.doc.rationale);
  append_list(to, "false_positives", rule.doc.false_positives);
  append_text(to, "response", rule.doc.response);
  append_text(to, "rule_hash", to_hex(rule.hash));
  append_texts(to, "labels", rule.labels);
  to += '}';
  return to;
}

}  // namespace tocsin::daemon
