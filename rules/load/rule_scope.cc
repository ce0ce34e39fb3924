#include "rules/load/rule_scope.h"

#include <algorithm>
#include <array>

#include "rules/cel/parser.h"
#include "rules/cel/printer.h"
#include "rules/load/schema.h"
#include "rules/load/signal_registry.h"
#include "rules/load/values.h"
#include "rules/model/check.h"

namespace tocsin::rules {

namespace {

using Tag = cel::Type::Tag;

bool is_number(Tag tag) {
  return tag == Tag::kDyn || tag == Tag::kInt || tag == Tag::kUint || tag == Tag::kDouble;
}

bool is_scalar(Tag tag) {
  return is_number(tag) || tag == Tag::kBool || tag == Tag::kString || tag == Tag::kTimestamp ||
         tag == Tag::kRegion;
}

}  // namespace

RuleStatus status_of(const yaml::Node& rule) {
  if (rule.find("status") == nullptr) return RuleStatus::kProduction;
  return word_at<RuleStatus>(rule, "status").value_or(RuleStatus::kDraft);
}

RuleScope::RuleScope(const Catalogue& catalogue, RuleFile& file, const yaml::Node& node,
                     RuleKind kind, Diagnostics& diagnostics, SignalRegistry* registry)
    : catalogue_(catalogue),
      file_(file),
      node_(node),
      kind_(kind),
      is_production_(status_of(node) == RuleStatus::kProduction),
      diagnostics_(diagnostics),
      registry_(registry) {
  if (registry == nullptr) return;
  for (const std::string& name : signal_names(file, node)) {
    if (registry->knows(name)) signals_.emplace_back().name = name;
  }
}

void RuleScope::error(const std::string& code, const Place& place, std::string message,
                      std::string hint) {
  diagnostics_.error(code, place, std::move(message), std::move(hint));
}

void RuleScope::warning(const std::string& code, const Place& place, std::string message,
                        std::string hint) {
  diagnostics_.warning(code, place, std::move(message), std::move(hint));
}

void RuleScope::without_effect(const std::string& key, const yaml::Node& value,
                               const std::string& reason) {
  error("T0367", value.place, "`" + key + "` has no effect in a rule of this kind", reason);
}

std::optional<size_t> RuleScope::use_signal(SignalUse use, const Place& place) {
  if (registry_->knows(use.name)) {
    signals_.push_back(std::move(use));
    return signals_.size() - 1;
  }
  const std::string near = nearest_name(use.name, registry_->names());
  error("T0135", place, "there is no signal `" + use.name + "`",
        near.empty() ? "declare it under `signals`, or name an indicator"
                     : "did you mean `" + near + "`?");
  return std::nullopt;
}

void RuleScope::check_sources(const std::optional<std::vector<IndicatorId>>& indicators,
                              const Place& place) {
  if (!indicators) {
    warning("T0340", place, "no `e.indicator == …`: every event is looked at",
            "the daemon finds rules by indicator; name the ones that are meant");
    return;
  }
  if (indicators->empty()) warning("T0341", place, "no indicator of the catalogue can match");
  for (const IndicatorId id : *indicators) {
    if (!catalogue_.sources_of(id).empty()) continue;
    warning("T0341", place,
            "no source sends `" + catalogue_.indicator(id).name + "`, so it never comes",
            "add it to the `indicators` of a source in the catalogue");
  }
}

cel::Environment RuleScope::event_environment() {
  cel::Environment environment;
  environment.catalogue = &catalogue_;
  environment.has_event = true;
  environment.lists = &file_.lists;
  environment.macros = &file_.macros;
  environment.optional_read_is_error = is_production_;
  environment.today = file_.today;
  return environment;
}

cel::Environment RuleScope::variable_environment(const Detect& detect) {
  cel::Environment environment = event_environment();
  environment.has_event = sees_event(kind_);
  environment.variables = variables_of(kind_, detect);
  members_ = members_of(node_, detect);
  for (const SignalUse& use : signals_) {
    environment.variables.push_back({signal_variable(use.name), Tag::kDouble});
  }
  environment.variables.insert(environment.variables.end(), armed_.begin(), armed_.end());
  if (registry_ != nullptr) environment.signals = &registry_->names();
  if (select_ && environment.has_event) {
    environment.indicators = select_->analysis().indicators.value_or(std::vector<IndicatorId>{});
    environment.proven = select_->analysis().proven;
  }
  return environment;
}

std::optional<cel::Program> RuleScope::compile(const yaml::Node& node,
                                               const cel::Environment& environment) {
  if (!node.is_scalar()) return std::nullopt;  // told by the check of the shape
  note_uses(file_, node.raw);
  const int errors_before = diagnostics_.errors();
  auto program =
      cel::Program::compile(expression_text(node), node.places, environment, diagnostics_);
  if (!program && diagnostics_.errors() == errors_before) {
    error("T0330", node.places.start(), "the expression cannot be used");
  }
  if (program) check_members(*program, members_, diagnostics_);
  if (!program && node.before_comment) {
    warning("T0331", node.place, "the text ends at ` #`, where YAML begins a comment",
            "if the `#` belongs to the text, put it in quotes or in a `>` block");
  }
  return program;
}

std::optional<cel::Program> RuleScope::predicate(const yaml::Node& node, const std::string& what,
                                                 const cel::Environment& environment) {
  auto program = compile(node, environment);
  if (!program) return std::nullopt;
  const Tag tag = program->type().tag();
  if (tag == Tag::kBool || tag == Tag::kDyn) return program;
  error("T0332", node.places.start(),
        what + " must be a condition, but is of type " + cel::to_string(program->type()),
        "compare it with something: `… >= 1.0`");
  return std::nullopt;
}

std::optional<cel::Program> RuleScope::number(const yaml::Node& node, const std::string& what,
                                              const cel::Environment& environment) {
  auto program = compile(node, environment);
  if (!program || is_number(program->type().tag())) return program;
  error("T0332", node.places.start(),
        what + " must be a number, but is of type " + cel::to_string(program->type()));
  return std::nullopt;
}

std::optional<cel::Program> RuleScope::scalar(const yaml::Node& node, const std::string& what,
                                              const cel::Environment& environment) {
  auto program = compile(node, environment);
  if (!program || is_scalar(program->type().tag())) return program;
  error("T0332", node.places.start(),
        what + " cannot be of type " + cel::to_string(program->type()),
        "it is a text, a number, true or false, a time or a region");
  return std::nullopt;
}

std::optional<cel::Program> RuleScope::texts(const yaml::Node& node, const std::string& what,
                                             const cel::Environment& environment) {
  auto program = compile(node, environment);
  if (!program) return program;
  const bool is_list = program->type().tag() == Tag::kList;
  const Tag item = program->type().item().tag();
  if (is_list && (item == Tag::kString || item == Tag::kDyn)) return program;
  error("T0332", node.places.start(),
        what + " must be a list of texts, but is of type " + cel::to_string(program->type()),
        "`e.actors`, `e.tags`, or a choice of them: `e.actors.filter(a, a in list.X)`");
  return std::nullopt;
}

std::optional<cel::Program> RuleScope::written(const std::string& source, const Place& place,
                                               const cel::Environment& environment) {
  return cel::Program::compile(source, place, environment, diagnostics_);
}

std::optional<Template> RuleScope::text_template(const yaml::Node& node,
                                                 const cel::Environment& environment) {
  if (!node.is_scalar()) return std::nullopt;
  note_uses(file_, node.raw);
  std::string_view text = node.scalar;
  while (text.ends_with('\n')) text.remove_suffix(1);  // of a block
  auto compiled = Template::compile(text, node.places, environment, diagnostics_);
  if (!compiled) return compiled;
  for (const cel::Program* program : compiled->programs()) {
    check_members(*program, members_, diagnostics_);
  }
  return compiled;
}

std::string RuleScope::canonical(const std::string& source) {
  Diagnostics ignored;
  const cel::SourceText text{source, {}};
  const cel::ExprPtr tree = cel::parse(text, ignored);
  return (tree == nullptr ? source : cel::print(*tree)) + note_uses(file_, source);
}

bool is_reserved_name(const std::string& name) {
  constexpr std::array kReserved = {
      "e",          "armed", "list",   "macro",     "region",   "by",      "level",
      "level_rank", "rule",  "at",     "starts_at", "true",     "false",   "null",
      "in",         "as",    "break",  "const",     "continue", "else",    "for",
      "function",   "if",    "import", "let",       "loop",     "package", "namespace",
      "return",     "var",   "void",   "while",     "int",      "double",  "string",
      "bool",       "size",  "has",    "dyn",       "uint",     "bytes",   "type"};
  return std::any_of(kReserved.begin(), kReserved.end(),
                     [&](const char* word) { return name == word; });
}

void read_limits(const yaml::Node& limits, Rule& rule) {
  rule.max_groups = static_cast<uint32_t>(int_at(limits, "groups").value_or(rule.max_groups));
  rule.max_new_groups =
      static_cast<uint32_t>(int_at(limits, "new_groups_per_hour").value_or(rule.max_new_groups));
  const auto state = text_at(limits, "state");
  if (state) rule.max_state_bytes = parse_bytes(*state).value_or(rule.max_state_bytes);
}

void read_timezone(RuleScope& scope, Rule& rule) {
  const auto name = text_at(scope.node(), "timezone");
  if (!name) return;
  const auto zone = cel::find_zone(*name);
  // An offset knows nothing of summer time, and of which country it is.
  if (!zone || (zone->named == nullptr && *name != "UTC")) {
    scope.error("T0370", scope.node().find("timezone")->place,
                "there is no time zone `" + *name + "`",
                "its IANA name: Africa/Tunis, Asia/Qatar, Europe/Paris, UTC");
    return;
  }
  rule.timezone = *name;
  rule.zone = *zone;
}

cel::Program always_true() {
  Diagnostics ignored;
  auto program = cel::Program::compile("true", {}, {}, ignored);
  TOCSIN_CHECK(program.has_value());
  return *program;
}

}  // namespace tocsin::rules
