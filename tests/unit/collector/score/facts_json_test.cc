#include "collector/score/facts_json.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

namespace candor {
namespace {

// One fact with `values` and otherwise nothing wrong.
std::string WithValues(const std::string& values) {
  return R"({"facts":[{"id":"a","active_min":60,"coverage_factor":1,"values":{)" + values + "}}]}";
}

TEST_CASE("facts are read as they are written") {
  const auto facts = ParseFacts(R"({"note":{"facts":[1,{"x":null}]},"facts":[
      {"values":{"boot_s":12,"rtt_ms":3.5e1},"id":"laptop 1","coverage_factor":0.9,"active_min":31},
      {"id":"b","active_min":0,"coverage_factor":1,"values":{}}],"expected":[true,"x",-1]})");
  REQUIRE_OK(facts);
  REQUIRE(facts->size() == 2);
  const ScoreFacts& first = facts->front();
  CHECK(first.id == "laptop 1");
  CHECK(first.active_min == 31);
  CHECK(first.coverage_factor == 0.9);
  CHECK(first.values[IndexOf(ScoreMetric::kBoot)] == 12.0);
  CHECK(first.values[IndexOf(ScoreMetric::kRtt)] == 35.0);
  CHECK_FALSE(first.values[IndexOf(ScoreMetric::kDns)]);
  CHECK(ParseFacts(R"({"facts":[]})")->empty());
}

TEST_CASE("what is wrong is named with its fact and field") {
  const auto [json, expected] = GENERATE(table<std::string, std::string>({
      {WithValues(R"("boot_m":1)"), "facts[0] \"a\": values.boot_m: unknown metric"},
      {WithValues(R"("boot_s":-1)"), "facts[0] \"a\": values.boot_s: is negative"},
      {WithValues(R"("boot_s":-0.5)"), "facts[0] \"a\": values.boot_s: is negative"},
      {WithValues(R"("boot_s":1e999)"), "facts[0] \"a\": values.boot_s: is not a finite number"},
      {WithValues(R"("boot_s":-1e999)"), "facts[0] \"a\": values.boot_s: is not a finite number"},
      {WithValues(R"("boot_s":NaN)"), "facts[0] \"a\": values.boot_s: is not a finite number"},
      {WithValues(R"("boot_s":nan)"), "facts[0] \"a\": values.boot_s: is not a finite number"},
      {WithValues(R"("boot_s":Infinity)"), "facts[0] \"a\": values.boot_s: is not a finite number"},
      {WithValues(R"("boot_s":-Infinity)"),
       "facts[0] \"a\": values.boot_s: is not a finite number"},
      {WithValues(R"("boot_s":"12")"), "values.boot_s: must be a number, not a text"},
      {WithValues(R"("boot_s":null)"), "values.boot_s: must be a number, not null"},
      {WithValues(R"("boot_s":true)"), "values.boot_s: must be a number, not a truth value"},
      {WithValues(R"("boot_s":[1])"), "values.boot_s: must be a number, not a list"},
      {WithValues(R"("boot_s":{})"), "values.boot_s: must be a number, not an object"},
      {WithValues(R"("boot_s":1,"boot_s":2)"), "values.boot_s: is there twice"},
      {R"({"facts":[{"id":7}]})", "facts[0]: id: must be a text, not a number"},
      {R"({"facts":[{"id":""}]})", "facts[0]: id: must be a text of 1 to 256 bytes"},
      {R"({"facts":[{"id":"a","active_min":"9"}]})",
       "facts[0] \"a\": active_min: must be a number, not a text"},
      {R"({"facts":[{"id":"a","active_min":-9}]})", "facts[0] \"a\": active_min: is negative"},
      {R"({"facts":[{"id":"a","active_min":NaN}]})",
       "facts[0] \"a\": active_min: is not a finite number"},
      {R"({"facts":[{"id":"a","coverage_factor":1.1}]})",
       "facts[0] \"a\": coverage_factor: must be from 0 to 1"},
      {R"({"facts":[{"id":"a","values":3}]})",
       "facts[0] \"a\": values: must be an object, not a number"},
      {R"({"facts":[{"id":"a","values":[]}]})",
       "facts[0] \"a\": values: must be an object, not a list"},
      {R"({"facts":[{"id":"a","id":"b"}]})", "facts[0] \"a\": id: is there twice"},
      {R"({"facts":[{"id":"a","aktive_min":3}]})", "facts[0] \"a\": aktive_min: unknown field"},
      {R"({"facts":[{"id":"a","active_min":3,"values":{}}]})",
       "facts[0] \"a\": coverage_factor: is missing"},
      {R"({"facts":[{"id":"a","active_min":1,"coverage_factor":1,"values":{}},7]})",
       "facts[1]: must be an object, not a number"},
      {R"({"facts":{}})", "facts: must be a list"},
      {R"({"facts":3})", "facts: must be a list, not a number"},
      {R"({"facts":[],"facts":[]})", "facts: is there twice"},
      {R"({"fact":[]})", "facts: is missing"},
      {R"([])", "must be an object with a list \"facts\""},
      {R"(7)", "must be an object with a list \"facts\""},
      {R"({"facts":[)", "not JSON at byte"},
      {"", "not JSON at byte"},
  }));
  const auto facts = ParseFacts(json);
  INFO(json);
  REQUIRE_FALSE(facts.ok());
  INFO(facts.status().message());
  CHECK(facts.status().message().find(expected) != std::string::npos);
  CHECK(facts.status().message().find('\n') == std::string::npos);
}

TEST_CASE("rows carry full precision, and null without losses where there is no score") {
  const auto model = ModelSet::BuiltIn()->Find(kDefaultModel).value();
  ScoreFacts facts;
  facts.active_min = 10;
  facts.values[IndexOf(ScoreMetric::kBoot)] = 20.7109;
  const Score none = ComputeScore(*model, facts);
  const auto row = nlohmann::json::parse(ScoreRowJson("x \"1\"", none));
  CHECK(row.at("id") == "x \"1\"");
  CHECK(row.at("score").is_null());
  CHECK(row.at("losses").empty());
  CHECK(row.at("losses").is_object());
  CHECK(row.at("provisional") == true);
  CHECK(row.at("domains").at("startup").get<double>() == none.domains.front().points);
  CHECK(row.at("coverage").get<double>() == none.coverage);
}

}  // namespace
}  // namespace candor
