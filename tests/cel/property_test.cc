#include <gtest/gtest.h>

#include <random>

#include "tests/fuzz/cel_fuzz_target.h"

namespace tocsin::cel {
namespace {

// Seeded, so that a failure can be met again: the seed is in every message.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  size_t below(size_t n) { return static_cast<size_t>(engine_() % n); }
  const char* one_of(std::initializer_list<const char*> words) {
    return words.begin()[below(words.size())];
  }

 private:
  std::mt19937_64 engine_;
};

// Random expressions that mostly have a meaning: texts of the wanted type, with some of another to
// meet the errors.
class ExpressionMaker {
 public:
  explicit ExpressionMaker(uint64_t seed) : dice_(seed) {}

  std::string boolean(int depth) {
    if (depth <= 0) {
      return dice_.one_of({"true", "false", "has(e.value)", "has(e.lat)", "has(e.attrs.share)",
                           "e.attrs.charged", "e.indicator == \"civic.protest\"",
                           "e.source.startsWith(\"monitor-\")", "e.region in list.sahel",
                           "region(e).within(\"ML\")", "dyn(1)", "anything"});
    }
    switch (dice_.below(12)) {
      case 0:
        return "(" + boolean(depth - 1) + " && " + boolean(depth - 1) + ")";
      case 1:
        return "(" + boolean(depth - 1) + " || " + boolean(depth - 1) + ")";
      case 2:
        return "!(" + boolean(depth - 1) + ")";
      case 3:
        return "(" + boolean(depth - 1) + " ? " + boolean(depth - 1) + " : " + boolean(depth - 1) +
               ")";
      case 4:
        return number(depth - 1) + compare() + number(depth - 1);
      case 5:
        return text(depth - 1) + compare() + text(depth - 1);
      case 6:
        return "dyn(" + any(depth - 1) + ") == dyn(" + any(depth - 1) + ")";
      case 7:
        return list(depth - 1) + "." + dice_.one_of({"all", "exists", "exists_one"}) + "(v" +
               std::to_string(depth) + ", dyn(v" + std::to_string(depth) + ")" + compare() +
               number(depth - 1) + ")";
      case 8:
        return "dyn(" + number(depth - 1) + ") in " + list(depth - 1);
      case 9:
        return text(depth - 1) + "." + dice_.one_of({"contains", "startsWith", "endsWith"}) + "(" +
               text(depth - 1) + ")";
      case 10:
        return text(depth - 1) + ".matches(r\"^[a-m]+\")";
      default:
        return "macro.lethal()";
    }
  }

  std::string any(int depth) {
    switch (dice_.below(5)) {
      case 0:
        return boolean(depth);
      case 1:
        return number(depth);
      case 2:
        return text(depth);
      case 3:
        return list(depth);
      default:
        return dice_.one_of({"null", "e.attrs", "{\"a\": 1, \"b\": [2.5]}", "e.time",
                             "duration(\"90m\")", "b\"x\"", "7u"});
    }
  }

 private:
  const char* compare() { return dice_.one_of({" == ", " != ", " < ", " <= ", " > ", " >= "}); }

  // Whole numbers and doubles meet as dyn, where they may be compared but not added.
  std::string number(int depth) {
    if (depth <= 0) {
      return "dyn(" +
             std::string(dice_.one_of(
                 {"0", "1", "-1", "7", "9223372036854775807", "-9223372036854775808", "0.5",
                  "-2.25", "1e300", "e.value", "e.confidence", "e.rev", "people", "reports",
                  "e.attrs.days_held", "e.lat", "1u", "size(e.tags)", "e.time.getHours()"})) +
             ")";
    }
    switch (dice_.below(7)) {
      case 0:
        return "(" + number(depth - 1) + dice_.one_of({" + ", " - ", " * ", " / ", " % "}) +
               number(depth - 1) + ")";
      case 1:
        return "(-" + number(depth - 1) + ")";
      case 2:
        return "(" + boolean(depth - 1) + " ? " + number(depth - 1) + " : " + number(depth - 1) +
               ")";
      case 3:
        return std::string(dice_.one_of({"int", "double", "uint"})) + "(" + number(depth - 1) + ")";
      case 4:
        return std::string(dice_.one_of({"min", "max"})) + "(" + number(depth - 1) + ", " +
               number(depth - 1) + ")";
      case 5:
        return list(depth - 1) + "[" + std::to_string(dice_.below(4)) + "]";
      default:
        return "size(" + list(depth - 1) + ")";
    }
  }

  std::string text(int depth) {
    if (depth <= 0) {
      return dice_.one_of({"\"\"", "\"a\"", "\"peaceful\"", "\"é\"", "e.id", "e.source",
                           "e.indicator", "e.attrs.form", "e.actors[0]", "e.actors[5]",
                           "string(e.rev)", "region(e).level()"});
    }
    switch (dice_.below(4)) {
      case 0:
        return "(" + text(depth - 1) + " + " + text(depth - 1) + ")";
      case 1:
        return std::string(dice_.one_of({"lower", "fold"})) + "(" + text(depth - 1) + ")";
      case 2:
        return "(" + boolean(depth - 1) + " ? " + text(depth - 1) + " : " + text(depth - 1) + ")";
      default:
        return "string(" + number(depth - 1) + ")";
    }
  }

  std::string list(int depth) {
    if (depth <= 0)
      return dice_.one_of(
          {"[]", "[dyn(1), dyn(2.5)]", "[0, 1, 2]", "e.actors", "e.tags", "list.many"});
    const std::string v = "w" + std::to_string(depth);
    switch (dice_.below(4)) {
      case 0:
        return "[" + any(depth - 1) + ", " + any(depth - 1) + "]";
      case 1:
        return list(depth - 1) + ".map(" + v + ", dyn(" + v + "))";
      case 2:
        return list(depth - 1) + ".filter(" + v + ", " + boolean(depth - 1) + ")";
      default:
        return "(" + list(depth - 1) + " + " + list(depth - 1) + ")";
    }
  }

  Dice dice_;
};

TEST(Property, CompiledProgramAgreesWithTheTreeWalker) {
  SmallWorld world;
  int compiled = 0;
  int values = 0;
  for (uint64_t seed = 1; seed <= 6000; ++seed) {
    ExpressionMaker maker(seed);
    const std::string text = seed % 3 == 0 ? maker.any(3) : maker.boolean(3);
    world.event().value = seed % 4 == 0 ? std::nan("") : static_cast<double>(seed % 11) - 2.0;
    Environment environment = world.environment();
    environment.check_types = seed % 5 != 0;
    environment.conformance = false;
    Diagnostics diagnostics;
    const auto program = Program::compile(text, {}, environment, diagnostics);
    if (!program) continue;
    ++compiled;
    Arena arena;
    const Outcome fast = program->run(&world.event(), world.values(), arena);
    const Outcome slow = program->run_reference(&world.event(), world.values(), arena);
    values += fast.ok() ? 1 : 0;
    ASSERT_TRUE(agree(fast, slow))
        << "seed " << seed << ": " << text << "\n  compiled "
        << (fast.ok() ? to_json(fast.value) : std::string(to_string(fast.error))) << "\n  walked   "
        << (slow.ok() ? to_json(slow.value) : std::string(to_string(slow.error)));
  }
  // The generator must keep making expressions that mean something.
  EXPECT_GT(compiled, 3000);
  EXPECT_GT(values, 1000);
}

TEST(Property, PrintedTreeParsesToTheSameTree) {
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    ExpressionMaker maker(seed * 7919);
    const SourceText source{maker.any(4), {}};
    Diagnostics diagnostics;
    const ExprPtr tree = parse(source, diagnostics);
    ASSERT_TRUE(tree) << "seed " << seed << ": " << source.text;
    const SourceText printed{print(*tree), {}};
    const ExprPtr again = parse(printed, diagnostics);
    ASSERT_TRUE(again) << "seed " << seed << ": " << printed.text;
    EXPECT_EQ(print(*again), printed.text) << "seed " << seed;
    EXPECT_EQ(count_nodes(*again), count_nodes(*tree)) << "seed " << seed << ": " << source.text;
  }
}

// The fuzz target's promises on mutations of real expressions, seeded.
TEST(Property, AnyBytesAreAnExpressionOrACleanError) {
  SmallWorld world;
  Dice dice(20261123);
  const char* kPieces[] = {"&&",
                           "||",
                           "(",
                           ")",
                           "[",
                           "]",
                           "{",
                           "}",
                           ".",
                           ",",
                           "?",
                           ":",
                           "\"",
                           "'",
                           "\\",
                           "in",
                           "e.",
                           "e.value",
                           "has(",
                           "macro.twice()",
                           "list.many",
                           "1u",
                           "0x",
                           "1e999",
                           "-",
                           "!",
                           "==",
                           "\xff",
                           "\xc3",
                           "é",
                           "\n",
                           "//",
                           "b'",
                           "r\"",
                           "all(x,",
                           "map(",
                           "null",
                           "dyn(",
                           "duration(\"1h\")",
                           "`",
                           "9223372036854775808"};
  for (int round = 0; round < 4000; ++round) {
    ExpressionMaker maker(dice.below(1'000'000));
    std::string text = maker.any(2);
    for (size_t edits = 1 + dice.below(4); edits > 0; --edits) {
      const size_t at = dice.below(text.size() + 1);
      switch (dice.below(3)) {
        case 0:
          text.insert(at, kPieces[dice.below(std::size(kPieces))]);
          break;
        case 1:
          text.erase(at, 1 + dice.below(5));
          break;
        default:
          if (at < text.size()) text[at] = static_cast<char>(dice.below(256));
      }
    }
    SCOPED_TRACE(text);
    check_any_expression(text, world);  // aborts when a promise is broken
  }
}

}  // namespace
}  // namespace tocsin::cel
