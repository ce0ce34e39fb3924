#include "rules/load/exceptions.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <tuple>

#include "rules/load/exception_item.h"
#include "rules/load/tunable.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

constexpr Milliseconds kNotice = std::chrono::hours(24 * 30);
constexpr size_t kMostNamed = 5;

// One exception of a file, before rules have taken it.
struct Written {
  std::string rule;
  Place rule_place;
  std::vector<ExceptionItem> items;
  Exception exception;  // without its conditions
  std::vector<std::string> fields() const {
    std::vector<std::string> names;
    for (const ExceptionItem& item : items) {
      for (const ExceptionField& field : item.fields) names.push_back(field.name);
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
  }
};

// An item that a rule has taken.
struct Taken {
  const ExceptionItem* item;
  EventTime until;
};

// `*` stands for anything but a `/`.
bool matches(std::string_view pattern, std::string_view id) {
  if (pattern.empty()) return id.empty();
  if (pattern.front() != '*') {
    return !id.empty() && id.front() == pattern.front() && matches(pattern.substr(1), id.substr(1));
  }
  for (size_t skip = 0; skip <= id.size(); ++skip) {
    if (matches(pattern.substr(1), id.substr(skip))) return true;
    if (skip < id.size() && id[skip] == '/') return false;
  }
  return false;
}

std::string list_of_names(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < kMostNamed; ++i) {
    text += (text.empty() ? "`" : ", `") + names[i] + "`";
  }
  if (names.size() > kMostNamed) text += fmt::format(" and {} more", names.size() - kMostNamed);
  return text;
}

class ExceptionReader {
 public:
  ExceptionReader(const std::vector<RuleFile>& files, const Catalogue& catalogue,
                  std::optional<WallTime> today, std::vector<Rule>& rules, Diagnostics& diagnostics)
      : catalogue_(catalogue), today_(today), rules_(rules), diagnostics_(diagnostics) {
    for (const RuleFile& file : files) {
      for (const yaml::Node& item : items_of(file.root.find("rules"))) {
        if (const auto name = text_at(item, "rule")) ids_.push_back(file.package + "/" + *name);
      }
    }
    std::sort(ids_.begin(), ids_.end());
    for (const RuleFile& file : files) {
      for (const yaml::Node& node : items_of(file.root.find("exceptions"))) read(node);
    }
    std::sort(written_.begin(), written_.end(), [](const Written& a, const Written& b) {
      const auto key = [](const Written& w) {
        return std::tie(w.exception.place.file, w.exception.place.line, w.exception.place.column);
      };
      return key(a) < key(b);
    });
  }

  void give() {
    taken_.resize(rules_.size());
    for (const Written& written : written_) {
      if (written.rule.find('*') == std::string::npos) {
        give_to_one(written);
      } else {
        give_to_many(written);
      }
    }
    for (Rule& rule : rules_) {
      if (!rule.exceptions.empty()) settle(rule);
    }
    tell_what_adds_nothing();
  }

 private:
  void read(const yaml::Node& node) {
    const auto rule = text_at(node, "rule");
    const auto reason = text_at(node, "reason");
    const auto by = text_at(node, "by");
    const auto until = parse_time(text_at(node, "until").value_or(""));
    Written written;
    bool is_whole = rule && reason && by && until;  // else told by the check of the shape
    for (const yaml::Node& item : items_of(node.find("when"))) {
      auto known = read_exception_item(item, catalogue_, diagnostics_);
      is_whole = is_whole && known;
      if (known) written.items.push_back(std::move(*known));
    }
    if (!is_whole || written.items.empty()) return;
    written.rule = *rule;
    written.rule_place = node.find("rule")->place;
    written.exception.until = *until;
    written.exception.reason = *reason;
    written.exception.by = *by;
    written.exception.place = node.place;
    tell_end(*until, node.find("until")->place);
    written_.push_back(std::move(written));
  }

  void tell_end(EventTime until, const Place& place) {
    if (!today_ || until - *today_ > kNotice) return;
    const std::string date = format_date(until);
    if (until <= *today_) {
      diagnostics_.warning("T0396", place, "the exception has ended: it was until " + date,
                           "take it out, or agree on another date");
    } else {
      diagnostics_.warning("T0396", place, "the exception ends soon: on " + date,
                           "from then on these events count again");
    }
  }

  void give_to_one(const Written& written) {
    if (!std::binary_search(ids_.begin(), ids_.end(), written.rule)) {
      const std::string near = nearest_name(written.rule, ids_);
      diagnostics_.error("T0392", written.rule_place, "there is no rule `" + written.rule + "`",
                         near.empty() ? "its id: `package/name`" : "did you mean `" + near + "`?");
      return;
    }
    Rule* rule = find(written.rule);
    if (rule == nullptr) return;  // why has been told
    for (const ExceptionItem& item : written.items) {
      for (const ExceptionField& field : item.fields) {
        if (!opens(*rule, field.name)) return refuse_closed(*rule, field);
      }
    }
    for (const ExceptionItem& item : written.items) {
      const ExceptionCondition condition = condition_of(item, catalogue_, *rule);
      if (condition.source.empty()) {
        diagnostics_.error("T0395", condition.place,
                           "the exception can never match: " + condition.why_never, condition.hint);
        return;
      }
    }
    take(*rule, written);
  }

  // A rule that has not opened all the fields is left out, and told.
  void give_to_many(const Written& written) {
    std::vector<Rule*> open;
    std::vector<std::string> closed;
    bool is_any = false;
    for (const std::string& id : ids_) {
      if (!matches(written.rule, id)) continue;
      is_any = true;
      Rule* rule = find(id);
      if (rule == nullptr) continue;
      const std::vector<std::string> fields = written.fields();
      const bool opens_all = std::all_of(fields.begin(), fields.end(),
                                         [&](const std::string& f) { return opens(*rule, f); });
      opens_all ? open.push_back(rule) : closed.push_back(id);
    }
    if (!is_any) {
      diagnostics_.error("T0392", written.rule_place,
                         "no rule has an id like `" + written.rule + "`",
                         "`*` stands for any part of an id `package/name`, but not for the `/`");
    } else if (open.empty() && !closed.empty()) {
      diagnostics_.error("T0393", written.rule_place,
                         "no rule like `" + written.rule + "` has opened what the exception names",
                         "their authors open fields with `tunable`");
    } else if (!closed.empty()) {
      diagnostics_.warning("T0393", written.rule_place,
                           "left out, since they have not opened what the exception names: " +
                               list_of_names(closed));
    }
    for (const ExceptionItem& item : written.items) {
      if (!open.empty() && !may_match(item, open)) return;
    }
    for (Rule* rule : open) take(*rule, written);
  }

  // In any of the rules; else it is told why not in the first.
  bool may_match(const ExceptionItem& item, const std::vector<Rule*>& rules) {
    const bool may = std::any_of(rules.begin(), rules.end(), [&](const Rule* rule) {
      return !condition_of(item, catalogue_, *rule).source.empty();
    });
    if (may) return true;
    const ExceptionCondition first = condition_of(item, catalogue_, *rules.front());
    diagnostics_.error("T0395", first.place,
                       "the exception can never match in any of its rules: " + first.why_never,
                       first.hint);
    return false;
  }

  void refuse_closed(const Rule& rule, const ExceptionField& field) {
    std::string opened;
    for (const std::string& name : rule.tunable) opened += (opened.empty() ? "" : ", ") + name;
    diagnostics_.error(
        "T0393", field.place, "the rule `" + rule.id + "` has not opened `" + field.name + "`",
        opened.empty() ? "it opens nothing; its author may add `tunable: [" + field.name + "]`"
                       : "it opens " + opened);
  }

  // Compiles the items that can match in the rule.
  void take(Rule& rule, const Written& written) {
    Exception exception = written.exception;
    cel::Environment environment;
    environment.catalogue = &catalogue_;
    environment.has_event = true;
    environment.indicators = rule.indicators.value_or(std::vector<IndicatorId>{});
    for (const ExceptionItem& item : written.items) {
      const std::string source = condition_of(item, catalogue_, rule).source;
      if (source.empty()) continue;
      auto program = cel::Program::compile(source, item.place, environment, diagnostics_);
      if (!program) continue;  // told
      exception.items.push_back(std::move(*program));
      taken_[static_cast<size_t>(&rule - rules_.data())].push_back({&item, exception.until});
    }
    if (!exception.items.empty()) rule.exceptions.push_back(std::move(exception));
  }

  // One order, whatever that of the files; and the rule is another with them.
  static void settle(Rule& rule) {
    const auto text_of = [](const Exception& exception) {
      std::string text = format_time(exception.until);
      for (const cel::Program& item : exception.items) text += "\n" + item.source();
      return text + "\n" + exception.reason + "\n" + exception.by;
    };
    std::sort(rule.exceptions.begin(), rule.exceptions.end(),
              [&](const Exception& a, const Exception& b) { return text_of(a) < text_of(b); });
    std::string all = to_hex(rule.hash);
    for (const Exception& exception : rule.exceptions) all += "\nexception " + text_of(exception);
    rule.hash = hash128(all);
  }

  void tell_what_adds_nothing() {
    for (const Written& written : written_) {
      for (const ExceptionItem& item : written.items) {
        size_t taken = 0;
        size_t shadowed = 0;
        Place by;
        for (const std::vector<Taken>& of_rule : taken_) {
          const auto own = std::find_if(of_rule.begin(), of_rule.end(),
                                        [&](const Taken& t) { return t.item == &item; });
          if (own == of_rule.end()) continue;
          ++taken;
          const auto wider = std::find_if(of_rule.begin(), of_rule.end(), [&](const Taken& other) {
            return &other != &*own && shadows(other, *own);
          });
          if (wider == of_rule.end()) break;
          ++shadowed;
          by = wider->item->place;
        }
        if (taken == 0 || taken != shadowed) continue;
        diagnostics_.warning("T0397", item.place, "the exception adds nothing to another one",
                             fmt::format("the same or a wider one is at {}:{}", by.file, by.line));
      }
    }
  }

  // Of two that are the same the later one adds nothing: those of a rule are in order of place.
  bool shadows(const Taken& wide, const Taken& narrow) const {
    if (wide.until < narrow.until || !covers(*wide.item, *narrow.item, catalogue_)) return false;
    const bool is_same = wide.until == narrow.until && covers(*narrow.item, *wide.item, catalogue_);
    return !is_same || &wide < &narrow;
  }

  static bool opens(const Rule& rule, const std::string& field) {
    return std::find(rule.tunable.begin(), rule.tunable.end(), field) != rule.tunable.end();
  }

  Rule* find(const std::string& id) {
    const auto found =
        std::lower_bound(rules_.begin(), rules_.end(), id,
                         [](const Rule& rule, const std::string& i) { return rule.id < i; });
    return found == rules_.end() || found->id != id ? nullptr : &*found;
  }

  const Catalogue& catalogue_;
  std::optional<WallTime> today_;
  std::vector<Rule>& rules_;
  Diagnostics& diagnostics_;
  std::vector<std::string> ids_;           // of all rules, also of those that did not compile
  std::vector<Written> written_;           // by place
  std::vector<std::vector<Taken>> taken_;  // as rules_
};

}  // namespace

void add_exceptions(const std::vector<RuleFile>& files, const Catalogue& catalogue,
                    std::optional<WallTime> today, std::vector<Rule>& rules,
                    Diagnostics& diagnostics) {
  ExceptionReader(files, catalogue, today, rules, diagnostics).give();
}

}  // namespace tocsin::rules
