#include "daemon/folder_verification.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>
#include <sstream>

#include "daemon/alert_fields.h"
#include "daemon/standing_alerts.h"
#include "ingest/file_position.h"
#include "rules/load/rule_loader.h"
#include "rules/state_codec.h"

namespace tocsin::daemon {
namespace {

namespace json = boost::json;

constexpr std::string_view kAlertCode = "T0535";
constexpr std::string_view kPositionCode = "T0538";
constexpr std::string_view kStateCode = "T0540";
constexpr std::string_view kEvidenceCode = "T0541";
constexpr std::string_view kToldCode = "T0544";
constexpr const char* kRemedy = "restore a backup (`tocsin restore`)";

// Keys of the pipeline's own state, as pipeline.h has them: part of the persistent format.
constexpr std::string_view kBundleKey = "pipeline.bundle";
constexpr std::string_view kArrivalsKey = "pipeline.arrivals";
constexpr std::string_view kUnrevisedKey = "pipeline.unrevised";
constexpr std::string_view kFaultKey = "pipeline.fault";
constexpr std::string_view kStandingKey = "pipeline.standing";
constexpr std::string_view kToldPrefix = "pipeline.told.";
constexpr std::string_view kBundlePrefix = "bundle.";
constexpr size_t kHashDigits = 32;

// An event is taken in no earlier than so long before it happens, for clocks differ: more than
// `future_tolerance` usually is.
constexpr Milliseconds kMostAhead = std::chrono::hours(24);

bool is_hex(std::string_view text, size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_number(std::string_view text) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  return std::from_chars(text.data(), end, number) == std::from_chars_result{end, std::errc{}};
}

// "HASH" or "HASH early": rules, and when they told.
bool is_in_force(std::string_view text) {
  const std::string_view emit = text.substr(std::min(kHashDigits, text.size()));
  return is_hex(text.substr(0, kHashDigits), kHashDigits) &&
         (emit.empty() || emit == " early" || emit == " final");
}

// Lines of "LAST_ARRIVAL_MS SILENCE_MS SOURCE".
bool are_arrivals(std::string_view text) {
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    int64_t last = 0;
    int64_t silence = 0;
    std::string source;
    std::string more;
    if (!(words >> last >> silence >> source) || words >> more) return false;
  }
  return true;
}

const json::value* member(const json::object& object, std::string_view key) {
  return object.if_contains(key);
}

std::string state_place(std::string_view key) { return fmt::format("table state, key `{}`", key); }

}  // namespace

void FolderVerification::damaged(storage::Damage damage) {
  if (damage_count_++ < kMostDamage) damage_.push_back(std::move(damage));
}

void FolderVerification::found(std::string_view code, std::string where, std::string what) {
  damaged({std::string(code), std::move(where), std::move(what), kRemedy});
}

void FolderVerification::progress(std::string_view what, uint64_t done, uint64_t of) {
  progress_(what, done, of);
}

void FolderVerification::on_name(std::string_view name, std::string_view value) {
  const std::string where = fmt::format("named value `{}`", name);
  if (name.starts_with(kBundlePrefix)) {
    const std::string_view hash = name.substr(kBundlePrefix.size());
    auto text = rules::parse_bundle_text(value);
    if (!text) return found(kStateCode, where, "the bytes of these rules make no sense");
    if (to_hex(rules::content_hash(*text)) != hash) {
      return found(kStateCode, where, "these rules have another hash");
    }
    bundles_.emplace(hash, std::move(*text));
  } else if (name == "first_bundle") {  // behind all of `bundle.`
    if (!is_in_force(value) || !bundles_.contains(value.substr(0, kHashDigits))) {
      found(kStateCode, where, "the rules of the first record are not there");
    }
  } else if (name == "sealed_ids_key" && !is_hex(value, kHashDigits)) {
    found(kStateCode, where, "the key of withheld ids is not 32 hexadecimal digits");
  } else if (name == "instance" && !is_hex(value, 16)) {
    found(kStateCode, where, "the name of the folder is not 16 hexadecimal digits");
  }
}

void FolderVerification::on_position(std::string_view stream, std::string_view position) {
  positions_.emplace(stream, position);
  const bool is_bad = (stream.starts_with("file/") && !ingest::parse_file_position(position)) ||
                      (stream.starts_with("kafka/") && !is_number(position));
  if (!is_bad) return;
  found(kPositionCode, fmt::format("table positions, key `{}`", stream),
        fmt::format("`{}` is no position; its source would begin anew", position));
}

bool FolderVerification::has_our_version(const std::string& where, std::string_view value) {
  const auto version = value.empty() ? uint8_t{0} : static_cast<uint8_t>(value.front());
  if (version == rules::kStateVersion) return true;
  if (version == 0 || version > rules::kStateVersion) {
    found(
        kStateCode, where,
        fmt::format("its format is {}, this tocsin knows 1 to {}", version, rules::kStateVersion));
  } else if (!has_older_state_) {
    has_older_state_ = true;
    remarks_.push_back(
        "the state was saved by an older tocsin: the next start rebuilds it from the journal");
  }
  return false;
}

rules::Engine* FolderVerification::engine() {
  if (std::exchange(engine_was_tried_, true)) return engine_.get();
  const auto text = bundles_.find(checkpoint_bundle_);
  if (text == bundles_.end()) {
    found(kStateCode, state_place(kBundleKey),
          checkpoint_bundle_.empty()
              ? "there is saved state, and no word of the rules that it belongs to"
              : fmt::format("the rules {} that the saved state belongs to are not there",
                            checkpoint_bundle_));
    return nullptr;
  }
  Diagnostics diagnostics;
  const auto bundle = rules::load_bundle(text->second, diagnostics);
  if (bundle == nullptr) {
    remarks_.push_back(
        "this tocsin does not compile the rules of the last checkpoint: the next start judges what "
        "came since by those of its configuration; saved state was not looked into");
    return nullptr;
  }
  engine_ = std::make_unique<rules::Engine>(bundle, rules::EngineOptions{});
  return engine_.get();
}

// "shard/OF/INDEX/" and the engine's own key. All go into one engine, which takes those of any.
void FolderVerification::verify_engine_entry(std::string_view key, std::string_view value) {
  size_t begin = 0;
  for (int i = 0; i < 3 && begin != std::string_view::npos; ++i) {
    begin = key.find('/', begin);
    if (begin != std::string_view::npos) ++begin;
  }
  const std::string where = state_place(key);
  if (!key.starts_with("shard/") || begin == std::string_view::npos) {
    return found(kStateCode, where, "no tocsin of this format writes it");
  }
  if (is_to_be_rebuilt_) return;  // what is there of it may be of other rules
  rules::Engine* to = engine();
  if (!has_our_version(where, value) || to == nullptr) return;
  if (!to->restore(key.substr(begin), value)) {
    found(kStateCode, where, "it does not fit the rules of the checkpoint, or makes no sense");
  }
}

// Rising keys: the pipeline's own come first.
void FolderVerification::on_state(std::string_view key, std::string_view value) {
  const auto makes_no_sense = [&] {
    has_bad_state_ = true;
    found(kStateCode, state_place(key), "its bytes make no sense");
  };
  if (key == kBundleKey) {
    if (!is_in_force(value)) return makes_no_sense();
    checkpoint_bundle_ = value.substr(0, kHashDigits);
    engine();
  } else if (key == kArrivalsKey) {
    if (!are_arrivals(value)) makes_no_sense();
  } else if (key == kUnrevisedKey) {
    std::istringstream places{std::string(value)};
    for (JournalSeq place = 0; places >> place;) unrevised_.insert(place);
    if (!places.eof()) makes_no_sense();
  } else if (key == kStandingKey) {
    const auto standing = StandingAlerts::parse(value);
    if (!standing) return makes_no_sense();
    for (const auto& [alert, seq] : standing->untold) untold_.insert(alert);
  } else if (key == kFaultKey) {
    is_to_be_rebuilt_ = true;
    remarks_.push_back(fmt::format("{}: the next start rebuilds state from the journal", value));
  } else if (key.starts_with(kToldPrefix)) {
    if (!told_.restore(key.substr(kToldPrefix.size()), value)) makes_no_sense();
  } else {
    verify_engine_entry(key, value);
  }
}

void FolderVerification::on_alert(const storage::Store::StoredAlert& alert) {
  const std::string name = fmt::format("{}/{}", to_hex(alert.alert), alert.seq);
  const std::string where = "table alerts, key " + name;
  if (alert.open) {
    open_.insert(alert.alert);
  } else {
    open_.erase(alert.alert);
  }
  const auto fields = read_alert_fields(alert.json);
  if (!fields) return found(kAlertCode, where, fields.error().message);
  if (fields->id != to_hex(alert.alert) || fields->seq != alert.seq) {
    found(kAlertCode, where, fmt::format("its text is that of {}/{}", fields->id, fields->seq));
  }
  if (fields->is_end() == alert.open) {
    found(kAlertCode, where,
          fmt::format("it counts as {}, its text says `{}`", alert.open ? "open" : "ended",
                      to_string(fields->action)));
  }
  const json::value text = json::parse(alert.json);
  const auto note = [&](const json::value& event) {
    if (!event.is_object()) return;
    const json::value* source = member(event.as_object(), "source");
    const json::value* id = member(event.as_object(), "id");
    if (source == nullptr || id == nullptr || !source->is_string() || !id->is_string()) {
      return found(kEvidenceCode, where, "it names evidence without source or id");
    }
    Evidence& named = evidence_[event_key(source->as_string(), id->as_string())];
    named.alert = name;
    const json::value* time = member(event.as_object(), "time");
    if (time == nullptr || !time->is_string()) return;
    named.time = std::max(named.time, parse_time(time->as_string()).value_or(kMinEventTime));
  };
  if (const json::value* evidence = member(text.as_object(), "evidence");
      evidence != nullptr && evidence->is_array()) {
    for (const json::value& event : evidence->as_array()) note(event);
  }
  if (const json::value* cause = member(text.as_object(), "cause")) note(*cause);
}

void FolderVerification::on_event(JournalSeq seq, std::string_view source, const Event& event) {
  if (first_event_ == kMinEventTime) first_event_ = event.time;
  unrevised_.erase(seq);
  if (!evidence_.empty()) evidence_.erase(event_key(source, event.id));
}

void FolderVerification::on_erased(JournalSeq seq, const storage::ErasedEvent& erased,
                                   const std::optional<Hash128>& key) {
  unrevised_.erase(seq);
  if (key) {
    evidence_.erase(*key);
  } else {
    erased_before_ = std::max(erased_before_, erased.day + std::chrono::hours(24));
  }
}

void FolderVerification::on_control(JournalSeq seq, const storage::Control& control) {
  if (control.kind != storage::Control::Kind::kActivate || bundles_.contains(control.bundle)) {
    return;
  }
  found(kStateCode, fmt::format("named value `bundle.{}`", control.bundle),
        fmt::format("journal record {} puts these rules in force, and they are not there", seq));
}

void FolderVerification::finish(const storage::VerifiedFolder& seen) {
  if (seen.last_seq == 0 && damage_count_ != 0) return;  // the journal was not read
  for (const JournalSeq place : unrevised_) {
    if (place != 0 && place < seen.first_seq) continue;  // retention has dropped it
    found(kStateCode, state_place(kUnrevisedKey),
          place > seen.last_seq
              ? fmt::format("record {} is behind the end of the journal, {}", place, seen.last_seq)
              : fmt::format("record {} is no event", place));
  }
  if (seen.checkpoint_seq == seen.last_seq) compare_open_alerts();
  verify_evidence(seen);
}

// What was told and what the state goes on from must be the same.
void FolderVerification::compare_open_alerts() {
  if (checkpoint_bundle_.empty() || is_to_be_rebuilt_ || has_bad_state_ || has_older_state_) return;
  std::set<Hash128> told;
  told_.for_each_group([&](const rules::GroupName& group) {
    for (const rules::ToldAlert* alert : told_.of(group)) {
      if (alert->is_open()) told.insert(alert->last.alert);
    }
  });
  for (const Hash128& alert : open_) {
    if (told.contains(alert)) continue;
    found(kToldCode, fmt::format("table alerts, alert {}", to_hex(alert)),
          "it is open, and the saved state has it as over or not at all: nothing would end it");
  }
  for (const Hash128& alert : told) {
    if (open_.contains(alert) || untold_.contains(alert)) continue;
    found(kToldCode, state_place(fmt::format("{}{}", kToldPrefix, to_hex(alert))),
          "the alert is open there, and not in the alert log: nobody was told of it");
  }
}

// What is missing may be what retention has dropped or erased. Of that only so much is known: it
// happened before what is left was taken in.
void FolderVerification::verify_evidence(const storage::VerifiedFolder& seen) {
  EventTime known_from = erased_before_;
  if (seen.first_seq > 1) {
    if (first_event_ == kMinEventTime) return;
    known_from = std::max(known_from, std::max(seen.first_committed, first_event_) + kMostAhead);
  }
  for (const auto& [event, evidence] : evidence_) {
    if (evidence.time < known_from) continue;
    found(kEvidenceCode, "table alerts, key " + evidence.alert,
          "it names an event that the journal does not have");
  }
}

}  // namespace tocsin::daemon
