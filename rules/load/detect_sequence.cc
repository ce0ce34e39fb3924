#include <algorithm>
#include <set>

#include "rules/load/detect.h"
#include "rules/load/values.h"

namespace tocsin::rules {

namespace {

class SequenceCompiler {
 public:
  SequenceCompiler(RuleScope& scope, const yaml::Node& detect) : scope_(scope), detect_(detect) {}

  std::optional<Detect> compile() {
    const auto span = span_at(detect_, "span");
    if (!span || !read_steps()) return std::nullopt;
    sequence_.span = *span;
    sequence_.strict_order = text_at(detect_, "order").value_or("strict") == "strict";
    sequence_.skip_past_last =
        text_at(detect_, "overlap").value_or("skip_past_last") == "skip_past_last";
    sequence_.max_open = static_cast<uint32_t>(int_at(detect_, "max_open").value_or(16));
    check_steps();
    compile_conditions();
    if (!good_) return std::nullopt;
    return Detect(std::move(sequence_));
  }

 private:
  void refuse(const Place& place, std::string message, std::string hint = {}) {
    scope_.error("T0357", place, std::move(message), std::move(hint));
    good_ = false;
  }

  bool read_steps() {
    for (const yaml::Node& item : items_of(detect_.find("steps"))) {
      if (item.entries.size() != 1) {
        refuse(item.place, "a step is one name with its block", "`- abuse: {select: …}`");
        continue;
      }
      read_step(item.entries.front());
    }
    return good_ && !sequence_.steps.empty();
  }

  void read_step(const yaml::Node::Entry& entry) {
    const yaml::Node& node = entry.value;
    const bool negated = node.find("not") != nullptr;
    if (negated == (node.find("select") != nullptr)) {
      refuse(entry.key_place, "the step `" + entry.key + "` needs either `select` or `not`");
      return;
    }
    if (is_reserved_name(entry.key)) {
      refuse(entry.key_place, "a step cannot be called `" + entry.key + "`",
             "expressions use that word already");
    }
    if (!names_.insert(entry.key).second) {
      refuse(entry.key_place, "two steps are called `" + entry.key + "`");
    }
    SequenceStep step{.name = entry.key, .select = always_true()};
    step.negated = negated;
    step.optional = bool_at(node, "optional").value_or(false);
    step.within = span_at(node, "within").value_or(Span{});
    step.wait = span_at(node, "for").value_or(Span{});
    if (negated && step.wait.is_zero()) {
      refuse(entry.key_place,
             "the step `" + entry.key + "` needs `for`: how long nothing may come");
    }
    if (!negated && node.find("for") != nullptr) {
      refuse(node.find("for")->place, "`for` is of `not` steps",
             "`within` limits the time of others");
    }
    if (negated && (step.optional || node.find("within") != nullptr)) {
      refuse(entry.key_place, "a `not` step has `for`, and neither `within` nor `optional`");
    }
    nodes_.push_back(&entry);
    sequence_.steps.push_back(std::move(step));
  }

  void check_steps() {
    const SequenceStep& first = sequence_.steps.front();
    const SequenceStep& last = sequence_.steps.back();
    if (first.negated || first.optional) {
      refuse(nodes_.front()->key_place, "the first step must be an event that comes");
    }
    if (!first.within.is_zero()) {
      refuse(nodes_.front()->key_place, "the first step has no step before it to be `within` of");
    }
    if (last.optional) refuse(nodes_.back()->key_place, "the last step cannot be optional");
    if (sequence_.steps.size() < 2) {
      refuse(nodes_.front()->key_place, "a sequence has two steps at least",
             "a single event is `kind: event`");
    }
    if (sequence_.steps.size() > 16) refuse(nodes_.back()->key_place, "more than 16 steps");
    for (size_t i = 0; i < sequence_.steps.size(); ++i) {
      const SequenceStep& step = sequence_.steps[i];
      if (longest(step.within) > longest(sequence_.span) ||
          longest(step.wait) > longest(sequence_.span)) {
        refuse(nodes_[i]->key_place, "the step `" + step.name + "` may take longer than `span`");
      }
      if (step.negated && !sequence_.strict_order) {
        refuse(nodes_[i]->key_place, "`not` needs `order: strict`",
               "without an order nothing says after what it counts");
      }
    }
  }

  // A step sees the events of the steps before it.
  void compile_conditions() {
    if (!good_) return;
    cel::Environment environment = scope_.event_environment();
    environment.variables = variables_of(RuleKind::kSequence, Detect(sequence_));
    std::set<std::string> unseen = names_;
    for (size_t i = 0; i < sequence_.steps.size(); ++i) {
      SequenceStep& step = sequence_.steps[i];
      const yaml::Node& node = *nodes_[i]->value.find(step.negated ? "not" : "select");
      compile_condition(node, step.negated ? "`not`" : "`select`", environment, unseen,
                        step.select);
      if (!step.negated && sequence_.strict_order) unseen.erase(step.name);
    }
    if (const yaml::Node* until = detect_.find("until")) {
      cel::Program program = always_true();
      compile_condition(*until, "`until`", environment, names_, program);
      sequence_.until = program;
    }
  }

  void compile_condition(const yaml::Node& node, const std::string& what,
                         const cel::Environment& environment, const std::set<std::string>& unseen,
                         cel::Program& out) {
    const auto program = scope_.predicate(node, what, environment);
    if (!program) {
      good_ = false;
      return;
    }
    for (const std::string& name : program->analysis().variables) {
      if (unseen.contains(name)) {
        refuse(node.places.start(), what + " names `" + name + "`, which has not come by then");
      } else if (!names_.contains(name)) {
        refuse(node.places.start(), what + " cannot use `" + name + "`",
               "it sees `e` and the steps before");
      }
    }
    if (!program->analysis().indicators) {
      scope_.warning("T0340", node.places.start(),
                     "no `e.indicator == …`: every event is looked at",
                     "the daemon finds rules by indicator; name the ones that are meant");
    }
    out = *program;
  }

  RuleScope& scope_;
  const yaml::Node& detect_;
  SequenceDetect sequence_;
  std::vector<const yaml::Node::Entry*> nodes_;  // of the steps
  std::set<std::string> names_;
  bool good_ = true;
};

}  // namespace

std::optional<Detect> compile_sequence(RuleScope& scope, const yaml::Node& detect) {
  return SequenceCompiler(scope, detect).compile();
}

}  // namespace tocsin::rules
