#include "agent/daemon/output.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

namespace candor {
namespace {

using nlohmann::ordered_json;

TEST_CASE("a table is aligned, with numbers to the right and blanks for what is absent") {
  std::vector<ordered_json> rows(3);
  rows[0] = {{"name", "rtt_ms"}, {"value", 12.3456}};
  rows[1] = {{"name", "größe"}, {"value", 7}};
  rows[2] = {{"name", "x\ny\x1b[31m"}, {"value", nullptr}};
  REQUIRE(FormatTable({{"name", "METRIC"}, {"value", "VALUE", true}}, rows) ==
          "METRIC     VALUE\n"
          "rtt_ms    12.346\n"
          "größe          7\n"
          "x y [31m\n");
}

TEST_CASE("a cell too wide for its column goes on below, broken at blanks where it can") {
  std::vector<ordered_json> rows(2);
  rows[0] = {{"a", "x"}, {"b", "größe und maß"}, {"c", "end"}};
  rows[1] = {{"a", "y"}, {"b", "0123456789abc"}, {"c", ""}};
  REQUIRE(FormatTable({{"a", "A"}, {"b", "B", false, 9}, {"c", "C"}}, rows) ==
          "A  B          C\n"
          "x  größe und  end\n"
          "   maß\n"
          "y  012345678\n"
          "   9abc\n");
}

TEST_CASE("JSON is one document of the schema, whatever the text") {
  std::vector<ordered_json> rows(1);
  rows[0] = {{"name", "bad\xff"}, {"value", 1.5}};
  const auto document = ordered_json::parse(FormatJson(rows, 1'790'000'000'000));
  REQUIRE(document["schema"] == "candor/1");
  REQUIRE(document["generated_at"] == "2026-09-21T14:13:20Z");
  REQUIRE(document["rows"].size() == 1);
  REQUIRE(document["rows"][0]["value"] == 1.5);
}

}  // namespace
}  // namespace candor
