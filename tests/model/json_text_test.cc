#include "rules/model/json_text.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

TEST(JsonText, EscapesWhatJsonDoesNotTakeAndNothingElse) {
  struct Row {
    std::string_view text;
    std::string_view json;
  };
  for (const Row& row :
       {Row{"", R"("")"}, Row{"a \"b\" \\ /", R"("a \"b\" \\ /")"},
        Row{"line\nof\r\ttext", R"("line\nof\r\ttext")"},
        Row{std::string_view("\0\x01\x1f\x7f", 4), "\"\\u0000\\u0001\\u001f\x7f\""},
        Row{"Réfugiés 難民", "\"Réfugiés 難民\""}}) {
    EXPECT_EQ(json_string(row.text), row.json);
  }
}

}  // namespace
}  // namespace tocsin
