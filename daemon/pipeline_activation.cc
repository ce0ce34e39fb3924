#include <fmt/format.h>

#include <algorithm>

#include "daemon/pipeline.h"
#include "daemon/shadow.h"
#include "rules/alert_board.h"

// New rules: judged aside on the journal while those before them serve, then put in their place
// between two commits.
namespace tocsin::daemon {

struct Pipeline::Activation {
  std::shared_ptr<const rules::Bundle> bundle;
  std::string text;
  Activated done;
  std::unique_ptr<Shadow> shadow;
  Status built;
  std::atomic<bool> is_built = false;
  std::thread thread;

  ~Activation() {
    shadow->stop();
    if (thread.joinable()) thread.join();
  }
};

Pipeline::~Pipeline() { end_activation(); }

void Pipeline::end_activation() {
  give_up_activation(unavailable("these rules are not loaded yet: the pipeline has ended"));
}

void Pipeline::give_up_activation(const Error& why) {
  if (activation_ == nullptr) return;
  const Activated done = std::move(activation_->done);
  activation_.reset();
  done(why);
}

Status Pipeline::judged(const Status& status) const {
  if (status || status.error().code == ErrorCode::kInvalid) return status;
  if (!store_.health() || engine_->fault() || is_stopping()) {
    return unavailable(status.error().message);
  }
  return invalid(fmt::format("these rules were not loaded: {}", status.error().message));
}

Status Pipeline::check_catalogue(const rules::Bundle& bundle) const {
  if (*bundle.catalogue == *bundle_->catalogue) return Status::ok();
  return other_catalogue();
}

void Pipeline::activate(std::shared_ptr<const rules::Bundle> bundle, std::string bundle_text,
                        Activated done) {
  if (Status status = check_catalogue(*bundle); !status) return done(status);
  give_up_activation(invalid("these rules were not loaded: others were loaded meanwhile"));
  std::unique_ptr<Shadow> shadow;
  const bool is_soon = options_.revision_share == 0;
  if (!is_soon) {
    Result<std::unique_ptr<Shadow>> made = make_shadow(bundle, emit_, store_.last_seq());
    if (!made) return done(judged(made.error()));
    shadow = std::move(*made);
  }
  if (shadow == nullptr) return done(judged(activate(std::move(bundle), std::move(bundle_text))));
  activation_ = std::make_shared<Activation>();
  activation_->bundle = std::move(bundle);
  activation_->text = std::move(bundle_text);
  activation_->done = std::move(done);
  activation_->shadow = std::move(shadow);
  activation_->thread = std::thread([activation = activation_.get()] {
    activation->built = activation->shadow->build();
    activation->is_built.store(true, std::memory_order_release);
  });
}

bool Pipeline::has_built_rules() const {
  return activation_ != nullptr && activation_->is_built.load(std::memory_order_acquire);
}

Status Pipeline::activate(std::shared_ptr<const rules::Bundle> bundle, std::string bundle_text) {
  if (Status status = check_catalogue(*bundle); !status) return status;
  // What the new rules are judged on is what the store holds.
  if (has_uncommitted()) {
    if (Status status = commit(latest_, /*checkpoint=*/false); !status) return status;
  }
  return activate(std::move(bundle), std::move(bundle_text), emit_);
}

Status Pipeline::activate(std::shared_ptr<const rules::Bundle> bundle, std::string bundle_text,
                          rules::Emit emit) {
  if (Status status = check_catalogue(*bundle); !status) return status;
  Result<std::unique_ptr<Shadow>> shadow = make_shadow(bundle, emit, store_.last_seq());
  if (!shadow) return shadow.error();
  if (*shadow != nullptr) {
    if (Status status = (*shadow)->build(); !status) return status;
  }
  return change_rules(std::move(bundle), std::move(bundle_text), emit, shadow->get());
}

// Where the store fails or all stops, end_activation() tells whoever waits.
Status Pipeline::complete_activation(WallTime now) {
  if (is_stopping()) return Status::ok();
  Status status = activation_->built;
  if (!status && store_.health()) {
    give_up_activation(judged(status).error());
    return Status::ok();  // rules that could not be built change nothing
  }
  if (status) {
    status = change_rules(activation_->bundle, activation_->text, emit_, activation_->shadow.get());
  }
  if (is_cut_off(status)) return Status::ok();
  if (status) status = write_batch(now);
  if (!status) return status;
  const std::shared_ptr<Activation> ready = std::move(activation_);
  ready->done(status);
  return status;
}

// nullptr: no rule begins anew, or there is no past.
Result<std::unique_ptr<Shadow>> Pipeline::make_shadow(
    const std::shared_ptr<const rules::Bundle>& bundle, rules::Emit emit, JournalSeq up_to) {
  std::set<std::string> begin = beginning_with(*bundle_, *bundle);
  if (begin.empty() || store_.last_seq() == 0) return std::unique_ptr<Shadow>();
  const Result<EventTime> told_from = journal_reaches_back();
  if (!told_from) return told_from.error();
  // Rules over alerts are judged on those of all.
  const bool needs_all =
      std::any_of(bundle->rules.begin(), bundle->rules.end(), [&](const rules::Rule& rule) {
        return rules::is_over_alerts(rule.kind()) && begin.contains(rule.identity);
      });
  auto only = needs_all ? nullptr : std::make_shared<const std::set<std::string>>(std::move(begin));
  return std::make_unique<Shadow>(
      store_, bundle, emit, std::move(only), *told_from,
      [seeds = source_seeds_](const Event& event) {
        return event_key(seeds[static_cast<size_t>(event.source)], event.id);
      },
      up_to, [this] { return !is_stopping(); });
}

Status Pipeline::change_rules(std::shared_ptr<const rules::Bundle> bundle, std::string text,
                              rules::Emit emit, Shadow* shadow) {
  const JournalSeq up_to = store_.last_seq();
  if (Status status = catch_up(shadow, up_to); !status) return status;
  // Before the journal names it: recovery must be able to compile what it meets there.
  const InForce rules{to_hex(bundle->hash), emit};
  if (Status status = store_.put_meta(bundle_key(rules.hash), text); !status) return status;
  const ActivationRecord how{.emit = emit,
                             .judged_aside = shadow == nullptr ? 0 : shadow->built_up_to()};
  batch().append({.kind = storage::Control::Kind::kActivate,
                  .source = how.text(),
                  .time = {},
                  .bundle = rules.hash});
  switch_to(std::move(bundle), std::move(text), emit, shadow);
  return Status::ok();
}

Status Pipeline::catch_up(Shadow* shadow, JournalSeq to) {
  if (shadow == nullptr) return Status::ok();
  std::vector<JournalSeq> places = unrevised_;
  if (Status status = shadow->catch_up(to, places); !status) return status;
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  unrevised_ = std::move(places);
  return Status::ok();
}

void Pipeline::switch_to(std::shared_ptr<const rules::Bundle> bundle, std::string text,
                         rules::Emit emit, Shadow* shadow) {
  const std::set<std::string> begin = beginning_with(*bundle_, *bundle);
  rules::Engine::Transitions begun;
  emit_ = emit;
  engine_->emit(emit);
  engine_->activate(bundle, transitions_, begun);
  end_standing_of(*bundle, begin);
  log_transitions();  // ends of alerts of rules that are gone: numbered by the old bundle
  bundle_ = std::move(bundle);
  bundle_text_ = std::move(text);
  find_kept_told();
  store_.set_catalogue(bundle_->catalogue);
  transitions_ = std::move(begun);
  log_transitions();
  if (shadow != nullptr) adopt(*shadow, begin);
}

// What is over in the past of new rules is not told: nobody asked them then.
void Pipeline::adopt(Shadow& shadow, const std::set<std::string>& begin) {
  shadow.reach(*engine_);
  std::map<rules::GroupName, rules::Pin> pins;
  for (AlertTransition& alert : shadow.open_alerts()) {
    const rules::Rule& rule = bundle_->raised_by(alert.rule);
    if (!begin.contains(rule.identity)) continue;
    alert.action = Action::kFire;
    alert.previous = Level::kNone;
    alert.seq = told_.next_seq(alert, rule);
    pins[rules::group_of(alert, rule)] = {.alert = alert.alert,
                                          .seq = alert.seq + 1,
                                          .starts_at = alert.starts_at,
                                          .last_at = alert.at,
                                          .tlp = alert.tlp};
    transitions_.push_back(std::move(alert));
  }
  const auto takes = [&](const rules::Rule& rule, const std::vector<std::string>&) {
    return begin.contains(rule.identity);
  };
  engine_->take_over(shadow.engine(), takes, pins);
  engine_->join(shadow.engine(), begin);
  log_transitions();
}

Status Pipeline::activate_again(const storage::Control& control, JournalSeq seq,
                                const CompileBundle& compile, std::string& warning) {
  const auto stored = stored_bundle(control.bundle, compile);
  if (!stored) return stored.error();
  const std::shared_ptr<const rules::Bundle> bundle = *stored;
  if (!bundle || !check_catalogue(*bundle)) {
    warning = fmt::format(
        "the rules {} that record {} loads cannot be compiled again; other ones judge what came "
        "since",
        control.bundle, seq);
    return Status::ok();
  }
  const auto text = store_.meta(bundle_key(control.bundle));
  if (!text) return text.error();
  const ActivationRecord how = ActivationRecord::parse(control.source, emit_);
  std::unique_ptr<Shadow> shadow;
  if (how.judged_aside != 0) {
    Result<std::unique_ptr<Shadow>> made = make_shadow(bundle, how.emit, how.judged_aside);
    if (!made) return made.error();
    shadow = std::move(*made);
    if (shadow != nullptr) {
      if (Status status = shadow->build(); !status) return status;
    }
  }
  if (Status status = catch_up(shadow.get(), seq - 1); !status) return status;
  switch_to(bundle, text->value_or(""), how.emit, shadow.get());
  return Status::ok();
}

}  // namespace tocsin::daemon
