#include "daemon/explanation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::daemon {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string transition(int seq, std::string_view action, std::string_view level,
                       std::string_view at) {
  return std::string(R"({"format":"alert/1","id":"0123456789abcdef0123456789abcdef","seq":)") +
         std::to_string(seq) + R"(,"action":")" + std::string(action) +
         R"(","rule":"violence/clashes","driver":"violence","stage":"escalation","level":")" +
         std::string(level) +
         R"(","region":"LY","region_name":{"en":"Libya","fr":"Libye"},"starts_at":"2011-02-18T00:00:00Z",)" +
         (action == "resolve" ? R"("ends_at":"2011-03-01T00:00:00Z",)" : "") + R"("at":")" +
         std::string(at) +
         R"(T00:00:00Z","provisional":false,"watermark":"2011-02-18T00:00:00Z","stale":false,"tlp":"clear",)"
         R"("title":{"en":"Clashes","fr":"Heurts"},"summary":{"en":"62 dead","fr":"62 morts"},)"
         R"x("values":{"dead":62.0},"condition":"dead >= 25.0 (62 >= 25)","events_counted":7,)x"
         R"("evidence":[{"role":"dead","id":"ged-2","source":"ucdp-ged","indicator":"violence.state_based",)"
         R"("time":"2011-02-17T00:00:00Z","region":"LY","value":40,"tlp":"clear"}],)"
         R"("source":{"document":"doha-2018","paragraph":"¶25"},"rationale":"Deaths add up.",)"
         R"("false_positives":["A parade.","A film."],"response":"Call the desk.","labels":{}})";
}

TEST(ExplainAlert, TellsWhyWhatCameBeforeAndWhatToDo) {
  const auto text = explain_alert({transition(0, "fire", "warning", "2011-02-18")}, "en");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("Clashes | Libya"));
  EXPECT_THAT(*text, HasSubstr("dead >= 25.0 (62 >= 25)"));
  EXPECT_THAT(*text, HasSubstr("dead = 62"));
  EXPECT_THAT(*text, HasSubstr("1 of 7 events"));
  EXPECT_THAT(*text, HasSubstr("ucdp-ged:ged-2"));
  EXPECT_THAT(*text, HasSubstr("¶25"));
  EXPECT_THAT(*text, HasSubstr("What looks like it and is not\n  - A parade.\n  - A film.\n"
                               "What to do\n  Call the desk."));
}

TEST(ExplainAlert, DoesNotCountWhatArmedTheRule) {
  std::string armed = transition(0, "fire", "warning", "2011-02-18");
  const std::string event = R"({"role":"dead","id":"ged-2")";
  armed.insert(
      armed.find(event),
      R"({"role":"armed","id":"paper","source":"desk","indicator":"peace.agreement_signed",)"
      R"("time":"2010-02-17T00:00:00Z","region":"LY","tlp":"clear"},)");
  const auto text = explain_alert({armed}, "en");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("1 of 7 events that count, and what armed the rule"));
  EXPECT_THAT(*text, HasSubstr("desk:paper (armed)"));
}

TEST(ExplainAlert, TellsHowFarADateCanBeTrusted) {
  const std::string day = transition(0, "fire", "warning", "2011-02-18");
  const std::string time = R"("time":"2011-02-17T00:00:00Z",)";
  const auto with = [&](std::string_view more) {
    std::string text = day;
    text.insert(text.find(time) + time.size(), more);
    return explain_alert({text}, "en").value();
  };
  EXPECT_THAT(*explain_alert({day}, "en"), HasSubstr("ucdp-ged:ged-2 (dead)\n"));
  EXPECT_THAT(with(R"("time_precision":"month",)"), HasSubstr("(dead), known to the month\n"));
  EXPECT_THAT(with(R"("time_end":"2011-03-17T00:00:00Z","time_precision":"month",)"),
              HasSubstr("(dead), at some time until 2011-03-17\n"));
}

TEST(ExplainAlert, TellsThatItIsHeldForFlappingOrByAFault) {
  std::string marked = transition(1, "update", "warning", "2011-02-19");
  const std::string plain = R"("stale":false)";
  marked.replace(marked.find(plain), plain.size(),
                 R"("stale":false,"error":true,"flapping":true,)"
                 R"("flapping_since":"2011-02-19T07:00:00Z")");
  const std::string fire = transition(0, "fire", "warning", "2011-02-18");
  const auto text = explain_alert({fire, marked}, "en");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("flapping since 2011-02-19T07:00:00Z: held at warning until it has "
                               "not begun anew for 24 hours"));
  EXPECT_THAT(*text, HasSubstr("its rule fails just now"));
  const auto calm =
      explain_alert({fire, marked, transition(2, "update", "warning", "2011-02-20")}, "en");
  ASSERT_TRUE(calm) << calm.error().message;
  EXPECT_THAT(*calm, Not(HasSubstr("flapping since")));
  EXPECT_THAT(*calm, Not(HasSubstr("fails")));
}

TEST(ExplainAlert, ShowsTheHeightOfAnAlertThatIsOver) {
  const auto text = explain_alert({transition(0, "fire", "watch", "2011-02-18"),
                                   transition(1, "escalate", "emergency", "2011-02-20"),
                                   transition(2, "resolve", "emergency", "2011-03-01")},
                                  "fr");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("Heurts | Libye"));
  EXPECT_THAT(*text, HasSubstr("level emergency (5 of 5)"));
  EXPECT_THAT(*text, HasSubstr("until 2011-03-01"));
}

std::string withheld(int seq, std::string_view action, std::string_view level,
                     std::string_view at) {
  return R"({"format":"alert/1","id":"0123456789abcdef0123456789abcdef","seq":)" +
         std::to_string(seq) + R"(,"action":")" + std::string(action) + R"(","level":")" +
         std::string(level) + R"(","starts_at":"2011-02-18T00:00:00Z",)" +
         (action == "resolve" ? R"("ends_at":"2011-03-01T00:00:00Z",)" : "") + R"("at":")" +
         std::string(at) + R"(T00:00:00Z","tlp":"red","withheld":true})";
}

TEST(ExplainAlert, TellsWithheldTransitionsInALineEach) {
  const auto text = explain_alert({transition(0, "fire", "watch", "2011-02-18"),
                                   withheld(1, "escalate", "emergency", "2011-02-20"),
                                   transition(2, "deescalate", "warning", "2011-02-22"),
                                   withheld(3, "resolve", "warning", "2011-03-01")},
                                  "en");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("Clashes | Libya"));
  EXPECT_THAT(*text, HasSubstr("level emergency (5 of 5), over: it stood since 2011-02-18"));
  EXPECT_THAT(*text, HasSubstr("Decided for 2011-02-22")) << "the height of what can be read";
  EXPECT_THAT(*text, HasSubstr("2011-02-20  escalate    emergency  (withheld: TLP:RED is above"));
  EXPECT_THAT(*text, HasSubstr("Call the desk."));
}

TEST(ExplainAlert, TellsWhatIsLeftOfAnAlertThatIsWithheldWhole) {
  const auto text = explain_alert({withheld(0, "fire", "alert", "2011-02-18")}, "en");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("(withheld) | TLP:RED"));
  EXPECT_THAT(*text, HasSubstr("level alert (4 of 5), firing since 2011-02-18"));
  EXPECT_THAT(*text, HasSubstr("alert 0123456789abcdef0123456789abcdef"));
}

TEST(ExplainAlert, RefusesWhatIsNoAlert) {
  for (const char* bad : {"", "{}", "[]", R"({"format":"alert/1"})", "not json"}) {
    const auto text = explain_alert({bad}, "en");
    ASSERT_FALSE(text) << bad;
    EXPECT_EQ(text.error().code, ErrorCode::kInvalid);
  }
  EXPECT_FALSE(explain_alert({}, "en"));
}

}  // namespace
}  // namespace tocsin::daemon
