// The forty worked cases: the same facts must give the same scores in every implementation.
#include <cmath>
#include <nlohmann/json.hpp>

#include "collector/score/facts_json.h"
#include "collector/score/model.h"
#include "collector/score/score.h"
#include "common/files.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

using Json = nlohmann::json;
constexpr double kTolerance = 1e-9;

void RequireNear(const std::string& what, const Json& expected, const Json& actual) {
  INFO(what << ": expected " << expected.dump() << ", got " << actual.dump());
  REQUIRE(expected.is_number() == actual.is_number());
  if (!expected.is_number()) return;
  REQUIRE(std::abs(expected.get<double>() - actual.get<double>()) <= kTolerance);
}

void RequireNearMembers(const std::string& what, const Json& expected, const Json& actual) {
  INFO(what << ": expected " << expected.dump() << ", got " << actual.dump());
  REQUIRE(expected.size() == actual.size());
  for (const auto& [name, value] : expected.items()) {
    REQUIRE(actual.contains(name));
    RequireNear(what + "." + name, value, actual.at(name));
  }
}

TEST_CASE("all worked cases agree within 1e-9") {
  const auto text =
      ReadFile(CANDOR_SOURCE_DIR "/tests/unit/collector/score/score-vectors.json", 1 << 20);
  REQUIRE_OK(text);
  const auto facts = ParseFacts(*text);
  REQUIRE_OK(facts);
  REQUIRE(facts->size() == 40);
  const Json expected = Json::parse(*text).at("expected");
  REQUIRE(expected.size() == facts->size());
  const auto models = ModelSet::BuiltIn();
  REQUIRE_OK(models);
  const auto model = models->Find("candor-1");
  REQUIRE_OK(model);

  for (size_t i = 0; i < facts->size(); ++i) {
    const Json row = Json::parse(ScoreRowJson((*facts)[i].id, ComputeScore(**model, (*facts)[i])));
    const Json& want = expected[i];
    INFO("case " << want.at("id"));
    REQUIRE(row.at("id") == want.at("id"));
    REQUIRE(row.at("provisional") == want.at("provisional"));
    RequireNear("score", want.at("score"), row.at("score"));
    RequireNear("coverage", want.at("coverage"), row.at("coverage"));
    RequireNearMembers("domains", want.at("domains"), row.at("domains"));
    RequireNearMembers("losses", want.at("losses"), row.at("losses"));
  }
}

}  // namespace
}  // namespace candor
