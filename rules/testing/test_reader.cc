#include <filesystem>
#include <string>

#include "rules/load/values.h"
#include "rules/testing/event_plan.h"
#include "rules/testing/rule_test.h"
#include "rules/testing/test_schema.h"
#include "rules/yaml/document.h"

namespace tocsin::rules {

namespace {

std::map<std::string, std::string> text_map(const yaml::Node* node) {
  std::map<std::string, std::string> texts;
  if (node == nullptr) return texts;
  for (const yaml::Node::Entry& entry : node->entries) texts[entry.key] = entry.value.scalar;
  return texts;
}

std::vector<std::string> text_list(const yaml::Node* node) {
  std::vector<std::string> texts;
  if (node == nullptr) return texts;
  if (node->is_scalar()) return {node->scalar};
  for (const yaml::Node& item : node->items) texts.push_back(item.scalar);
  return texts;
}

std::vector<std::string> beside(const std::string& file, std::vector<std::string> paths) {
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  for (std::string& path : paths) path = (folder / path).lexically_normal().string();
  return paths;
}

// As the file names them, under `key`.
void add_named(const std::string& file, const char* what, const yaml::Node* node,
               std::vector<RuleTestReferences::Named>& named) {
  const auto add = [&](const yaml::Node& path) {
    named.push_back({what, path.scalar, beside(file, {path.scalar}).front(), path.place});
  };
  if (node->is_scalar()) add(*node);
  for (const yaml::Node& item : node->items) add(item);
}

// Reads one test; the file's shape has been checked already.
class TestReader {
 public:
  TestReader(const Catalogue& catalogue, Diagnostics& diagnostics)
      : catalogue_(catalogue), diagnostics_(diagnostics) {}

  RuleTest read(const yaml::Node& node) {
    test_.name = node.find("name")->scalar;
    test_.place = node.place;
    test_.start = parse_time(node.find("start")->scalar).value_or(EventTime{});
    test_.arena = std::make_shared<Arena>(64 * 1024);
    if (const yaml::Node* events = node.find("events")) {
      test_.events = plan_events(*events, test_.start, catalogue_, *test_.arena, diagnostics_);
    }
    for (const yaml::Node& step : node.find("steps")->items) add_step(step);
    return std::move(test_);
  }

 private:
  void refuse(const Place& place, std::string message, std::string hint = {}) {
    diagnostics_.error("T0413", place, std::move(message), std::move(hint));
  }

  void add_step(const yaml::Node& node) {
    TestStep step;
    step.place = node.place;
    if (node.find("restart") != nullptr) {
      step.kind = TestStep::Kind::kRestart;
      if (node.find("restart")->scalar != "true") refuse(node.place, "`restart` can only be true");
    } else if (const yaml::Node* reload = node.find("reload")) {
      step.kind = TestStep::Kind::kReload;
      step.reload_file = reload->find("file")->scalar;
    } else if (const yaml::Node* finish = node.find("finish")) {
      step.kind = TestStep::Kind::kFinish;
      step.at = time_of(*finish);
    } else if (const yaml::Node* at = node.find("at")) {
      step.at = time_of(*at);
    } else {
      refuse(node.place, "a step needs one of `at`, `restart`, `reload`, `finish`");
    }
    if (const yaml::Node* expect = node.find("expect")) read_expectation(*expect, step);
    if (node.find("expect") != nullptr && step.kind != TestStep::Kind::kExpect &&
        step.kind != TestStep::Kind::kFinish) {
      refuse(node.place, "`expect` stands beside `at` or `finish`");
    }
    test_.steps.push_back(std::move(step));
  }

  EventTime time_of(const yaml::Node& node) {
    const auto time = read_test_time(node.scalar, test_.start);
    if (!time) {
      refuse(node.place, "must be `+3d` or RFC 3339, but is `" + node.scalar + "`");
      return test_.start;
    }
    if (*time < newest_step_) refuse(node.place, "the step before this one is later");
    newest_step_ = *time;
    return *time;
  }

  void read_expectation(const yaml::Node& node, TestStep& step) {
    if (const yaml::Node* alerts = node.find("alerts")) {
      step.alerts.emplace();
      for (const yaml::Node& alert : alerts->items) step.alerts->push_back(alert_of(alert));
    }
    if (const yaml::Node* log = node.find("log")) {
      step.log.emplace();
      for (const yaml::Node& entry : log->items) step.log->push_back(transition_of(entry));
    }
    if (const yaml::Node* states = node.find("states")) {
      for (const yaml::Node& state : states->items) step.states.push_back(state_of(state));
    }
  }

  std::optional<Level> level_of(const yaml::Node& node) {
    const yaml::Node* level = node.find("level");
    if (level == nullptr) return std::nullopt;
    const auto parsed = parse_enum<Level>(level->scalar);
    if (!parsed) refuse(level->place, "`" + level->scalar + "` is no level");
    return parsed;
  }

  ExpectedAlert alert_of(const yaml::Node& node) {
    ExpectedAlert alert;
    alert.place = node.place;
    alert.rule = node.find("rule")->scalar;
    alert.group = text_map(node.find("group"));
    alert.level = level_of(node);
    if (const yaml::Node* confidence = node.find("confidence")) {
      alert.provisional = confidence->scalar == "provisional";
    }
    alert.flapping = bool_at(node, "flapping");
    alert.error = bool_at(node, "error");
    alert.evidence_includes = text_list(node.find("evidence_includes"));
    alert.evidence_excludes = text_list(node.find("evidence_excludes"));
    alert.title = text_map(node.find("title"));
    alert.summary = text_map(node.find("summary"));
    if (const yaml::Node* counted = node.find("events_counted")) {
      alert.events_counted = yaml::as_int(*counted, "`events_counted`", 0, INT32_MAX, diagnostics_);
    }
    if (const yaml::Node* values = node.find("values")) {
      for (const yaml::Node::Entry& entry : values->entries) {
        alert.values[entry.key] = value_of(entry.value);
      }
    }
    return alert;
  }

  ExpectedValue value_of(const yaml::Node& node) {
    ExpectedValue value;
    value.place = node.place;
    if (node.is_mapping()) {
      if (const yaml::Node* min = node.find("min")) {
        value.min = yaml::as_double(*min, "`min`", diagnostics_);
      }
      if (const yaml::Node* max = node.find("max")) {
        value.max = yaml::as_double(*max, "`max`", diagnostics_);
      }
      return value;
    }
    // A quoted value is a text, a plain one a number when it reads as one.
    Diagnostics ignored;
    if (!node.quoted) value.equals = yaml::as_double(node, "value", ignored);
    if (!value.equals) value.text = node.scalar;
    return value;
  }

  ExpectedTransition transition_of(const yaml::Node& node) {
    ExpectedTransition transition;
    transition.place = node.place;
    transition.rule = node.find("rule")->scalar;
    transition.group = text_map(node.find("group"));
    transition.level = level_of(node);
    transition.action = parse_enum<Action>(node.find("action")->scalar).value_or(Action::kFire);
    return transition;
  }

  ExpectedState state_of(const yaml::Node& node) {
    ExpectedState state;
    state.place = node.place;
    state.rule = node.find("rule")->scalar;
    state.group = text_map(node.find("group"));
    const std::string& word = node.find("state")->scalar;
    state.state = word == "firing"    ? GroupState::kFiring
                  : word == "pending" ? GroupState::kPending
                  : word == "warming" ? GroupState::kWarming
                                      : GroupState::kInactive;
    return state;
  }

  const Catalogue& catalogue_;
  Diagnostics& diagnostics_;
  RuleTest test_;
  EventTime newest_step_ = kMinEventTime;
};

std::optional<yaml::Node> read_checked(const std::string& path, Diagnostics& diagnostics) {
  const int before = diagnostics.errors();
  auto document = yaml::read_document(path, diagnostics);
  if (!document || diagnostics.errors() != before) return std::nullopt;
  check_shape(*document, rule_test_schema(), "the file", diagnostics);
  if (diagnostics.errors() != before) return std::nullopt;
  return document;
}

}  // namespace

std::optional<RuleTestReferences> read_rule_test_references(const std::string& path,
                                                            Diagnostics& diagnostics) {
  const auto document = read_checked(path, diagnostics);
  if (!document) return std::nullopt;
  RuleTestReferences references;
  references.rules = beside(path, text_list(document->find("rules")));
  references.catalogue = beside(path, text_list(document->find("catalogue")));
  add_named(path, "the catalogue", document->find("catalogue"), references.named);
  add_named(path, "the rule file", document->find("rules"), references.named);
  return references;
}

std::optional<RuleTestFile> read_rule_tests(const std::string& path, const Catalogue& catalogue,
                                            Diagnostics& diagnostics) {
  const int before = diagnostics.errors();
  const auto document = read_checked(path, diagnostics);
  if (!document) return std::nullopt;
  RuleTestFile file;
  file.path = path;
  file.rules = beside(path, text_list(document->find("rules")));
  file.catalogue = beside(path, text_list(document->find("catalogue")));
  for (const yaml::Node& test : document->find("tests")->items) {
    file.tests.push_back(TestReader(catalogue, diagnostics).read(test));
    for (TestStep& step : file.tests.back().steps) {
      if (step.kind == TestStep::Kind::kReload) {
        step.reload_file = beside(path, {step.reload_file}).front();
      }
    }
  }
  if (diagnostics.errors() != before) return std::nullopt;
  return file;
}

}  // namespace tocsin::rules
