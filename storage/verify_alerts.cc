#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "storage/keys.h"
#include "storage/verify_rows.h"

// Transitions, the log of them, the index to the last of each, and what waits in the outbox: each
// row of one is asked for in the others, in both directions.
namespace tocsin::storage {
namespace {

constexpr std::string_view kCode = "T0535";

bool same(const AlertRef& a, const AlertRef& b) {
  return a.alert == b.alert && a.seq == b.seq && a.order == b.order && a.committed == b.committed &&
         a.open == b.open;
}

class AlertCheck {
 public:
  explicit AlertCheck(RowCheck& check) : check_(check) {}

  void run() {
    const bool whole = check_.scan(Table::kAlerts, [this](auto key, auto value) {
      transition(key, value);
      return true;
    });
    finish_alert();
    verify_references(Table::kAlertLog);
    verify_references(Table::kAlertIndex);
    verify_outbox();
    if (whole && check_.has_counters) compare_counters();
  }

 private:
  void damaged(Table table, std::string_view key, std::string what) {
    check_.damaged(kCode, place_of(table, key), std::move(what), std::string(kRestore));
  }

  void transition(std::string_view key, std::string_view value) {
    ++check_.seen.transitions;
    AlertRow row;
    ByteReader from(key);
    AlertRef ref{.alert = from.hash(), .seq = from.big<uint32_t>()};
    if (!from.ok() || !from.at_end() || !decode(value, row)) {
      return damaged(Table::kAlerts, key, "its bytes make no sense");
    }
    ref.order = row.order;
    ref.committed = row.committed;
    ref.open = row.open;
    if (!last_ || last_->alert != ref.alert) {
      finish_alert();
      if (ref.seq != 0 && !has_dropped()) {
        damaged(Table::kAlerts, key, "the alert's first transition is missing");
      }
    } else if (ref.seq != last_->seq + 1) {
      damaged(Table::kAlerts, key,
              fmt::format("the transition before it is {}, so that some are missing", last_->seq));
    }
    last_ = ref;
    newest_order_ = std::max(newest_order_, ref.order);
    expect(Table::kAlertLog, keys::number(ref.order), ref);
    check_.observer.on_alert({.order = row.order,
                              .alert = ref.alert,
                              .seq = ref.seq,
                              .open = row.open,
                              .notify = row.notify,
                              .json = std::string(row.json)});
  }

  // The last transition of an alert is behind us: the index must name it.
  void finish_alert() {
    if (!last_) return;
    ++check_.seen.alerts;
    if (last_->open) ++open_;
    expect(Table::kAlertIndex, keys::lettered(keys::kAlertHead, last_->alert), *last_);
    expect(Table::kAlertIndex, keys::lettered(keys::kLatestAlert, last_->order), *last_);
    if (last_->open) {
      expect(Table::kAlertIndex, keys::lettered(keys::kLatestOpenAlert, last_->order), *last_);
    }
    last_.reset();
  }

  // Retention drops alerts whole. What is told of one later begins with a higher number.
  bool has_dropped() const {
    return !check_.has_counters || check_.counters.last_order != check_.counters.alert_records;
  }

  void expect(Table table, const std::string& key, const AlertRef& ref) {
    const std::optional<std::string> row = check_.get(table, key);
    AlertRef found;
    const std::string transition = fmt::format("{}/{}", to_hex(ref.alert), ref.seq);
    if (!row) {
      damaged(table, key, fmt::format("there is none, though alert {} is there", transition));
    } else if (!decode(*row, found) || !same(found, ref)) {
      damaged(table, key, fmt::format("it does not agree with alert {}", transition));
    }
  }

  void verify_references(Table table) {
    check_.scan(table, [&](std::string_view key, std::string_view value) {
      AlertRef ref;
      if (!decode(value, ref)) {
        damaged(table, key, "its bytes make no sense");
      } else if (key != key_in(table, key, ref)) {
        damaged(table, key, "it is another one's");
      } else if (check_transition(table, key, ref) && table == Table::kAlertIndex) {
        check_is_last(key, ref);
      }
      return true;
    });
  }

  static std::string key_in(Table table, std::string_view key, const AlertRef& ref) {
    if (table == Table::kAlertLog) return keys::number(ref.order);
    const char letter = key.empty() ? '\0' : key.front();
    if (letter == keys::kAlertHead) return keys::lettered(letter, ref.alert);
    if (letter == keys::kLatestOpenAlert && !ref.open) return {};
    const bool known = letter == keys::kLatestAlert || letter == keys::kLatestOpenAlert;
    return known ? keys::lettered(letter, ref.order) : std::string();
  }

  bool check_transition(Table table, std::string_view key, const AlertRef& ref) {
    const std::optional<std::string> row =
        check_.get(Table::kAlerts, keys::alert(ref.alert, ref.seq));
    AlertRow alert;
    if (row && decode(*row, alert) && alert.order == ref.order && alert.open == ref.open) {
      return true;
    }
    damaged(table, key,
            fmt::format("it names alert {}/{}, which {}", to_hex(ref.alert), ref.seq,
                        row ? "says otherwise" : "is not there"));
    return false;
  }

  void check_is_last(std::string_view key, const AlertRef& ref) {
    if (check_.get(Table::kAlerts, keys::alert(ref.alert, ref.seq + 1))) {
      damaged(
          Table::kAlertIndex, key,
          fmt::format("it names transition {} as the last of its alert, which goes on", ref.seq));
    }
  }

  void verify_outbox() {
    std::set<uint16_t> sinks;
    std::vector<SinkRow> rows;
    const std::optional<std::string> listed = check_.get(Table::kMeta, keys::kSinks);
    if (listed && decode(*listed, rows)) {
      for (const SinkRow& sink : rows) sinks.insert(sink.number);
    }
    check_.scan(Table::kOutbox, [&](std::string_view key, std::string_view value) {
      ++check_.seen.outbox;
      ByteReader from(key);
      const auto sink = from.big<uint16_t>();
      const auto order = from.big<uint64_t>();
      AlertRef ref;
      const auto wrong = [&](std::string what) {
        check_.damaged("T0536", place_of(Table::kOutbox, key), std::move(what),
                       std::string(kRestore));
      };
      if (!from.ok() || !from.at_end() || !decode(value, ref) || ref.order != order) {
        wrong("its bytes make no sense");
      } else if (!sinks.contains(sink)) {
        wrong(fmt::format("sink {} was never declared", sink));
      } else if (const auto row = check_.get(Table::kAlertLog, keys::number(order)); !row) {
        wrong(fmt::format("it waits to send alert {}/{}, which is not there", to_hex(ref.alert),
                          ref.seq));
      } else if (*row != value) {
        wrong("it does not agree with the alert log");
      }
      return true;
    });
  }

  void compare_counters() {
    const Counters& counted = check_.counters;
    const auto wrong = [&](std::string what) {
      check_.damaged("T0534", place_of(Table::kMeta, keys::kCounters), std::move(what),
                     std::string(kRestore));
    };
    if (counted.alert_records != check_.seen.transitions) {
      wrong(fmt::format("{} transitions of alerts were counted, {} are there",
                        counted.alert_records, check_.seen.transitions));
    }
    if (counted.alerts_open != open_) {
      wrong(fmt::format("{} open alerts were counted, {} are there", counted.alerts_open, open_));
    }
    if (newest_order_ > counted.last_order) {
      wrong(fmt::format("the last line of the alert log is {}, there is a {}", counted.last_order,
                        newest_order_));
    }
  }

  RowCheck& check_;
  std::optional<AlertRef> last_;  // the transition before, of the alert at hand
  uint64_t open_ = 0;
  uint64_t newest_order_ = 0;
};

}  // namespace

void verify_alerts(RowCheck& check) { AlertCheck(check).run(); }

}  // namespace tocsin::storage
