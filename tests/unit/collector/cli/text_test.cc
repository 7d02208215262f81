#include <limits>

#include "collector/cli/sparkline.h"
#include "collector/cli/text_width.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

TEST_CASE("Width is what a terminal shows, not bytes") {
  struct Example {
    const char* text;
    size_t width;
  };
  const Example example = GENERATE(values<Example>({
      {"", 0},
      {"plain", 5},
      {"Zürich", 6},
      {"Zu\u0308rich", 6},  // a combining mark
      {"日本", 4},
      {"→ –", 3},
      {"😀", 2},
      {"\xff\xfe", 2},  // not UTF-8
      {"\xe6\x97", 2},  // cut in the middle
  }));
  INFO(example.text);
  REQUIRE(TextWidth(example.text) == example.width);
}

TEST_CASE("Text is cut to fit, never in the middle of a character") {
  REQUIRE(FitText("short", 5) == "short");
  REQUIRE(FitText("longer", 5) == "long…");
  REQUIRE(FitText("日本語", 5) == "日本…");
  REQUIRE(FitText("日本語", 4) == "日…");
  REQUIRE(FitText("a bc", 3) == "a…");
  REQUIRE(FitText("x", 0).empty());
  REQUIRE(PadLeft("7", 3) == "  7");
  REQUIRE(PadRight("ü", 3) == "ü  ");
  REQUIRE(PadRight("long", 3) == "long");
}

TEST_CASE("A sparkline has a bar a value, gaps where there is none, and few where there are many") {
  REQUIRE(Sparkline({0, 50, 100}) == "▁▅█");
  REQUIRE(Sparkline({0, std::nan(""), 100}) == "▁ █");
  REQUIRE(Sparkline({}).empty());
  REQUIRE(Sparkline({std::nan(""), std::nan("")}) == "  ");
  std::vector<double> many(90, 0);
  many.back() = 100;
  REQUIRE(TextWidth(Sparkline(many, 30)) == 30);
}

TEST_CASE("Noise of a few points looks flat") {
  REQUIRE(Sparkline({80, 81, 80}) == "▄▅▄");
  REQUIRE(Sparkline({80}) == "▅");
}

}  // namespace
}  // namespace candor
