#include "common/gateway_rule.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace candor {
namespace {

using Address = std::vector<uint8_t>;

bool RuleMatches(const std::string& rule, const Address& address) {
  const auto parsed = GatewayRule::Parse(rule);
  REQUIRE_OK(parsed);
  return parsed->Matches(address);
}

const Address kHere = {10, 20, 3, 1};
const Address kHere6 = {0xfd, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
const Address kHardware = {0x02, 0x11, 0x22, 0x33, 0x44, 0xfe};

TEST_CASE("a gateway is named by its address, by a prefix or by its hardware address") {
  CHECK(RuleMatches("10.20.3.1", kHere));
  CHECK_FALSE(RuleMatches("10.20.3.2", kHere));
  CHECK(RuleMatches("10.20.0.0/16", kHere));
  CHECK_FALSE(RuleMatches("10.21.0.0/16", kHere));
  CHECK(RuleMatches("10.16.0.0/13", kHere));
  CHECK_FALSE(RuleMatches("10.24.0.0/13", kHere));
  CHECK(RuleMatches("10.20.3.0/31", kHere));
  CHECK(RuleMatches("fd00:20::/32", kHere6));
  CHECK_FALSE(RuleMatches("fd00:21::/32", kHere6));
  CHECK(RuleMatches("02:11:22:33:44:FE", kHardware));
  CHECK_FALSE(RuleMatches("02:11:22:33:44:ff", kHardware));
}

TEST_CASE("a rule of one kind never matches an address of another") {
  CHECK_FALSE(RuleMatches("10.20.3.1", kHere6));
  CHECK_FALSE(RuleMatches("fd00::/8", {0xfd, 0, 0, 0x20}));
  CHECK_FALSE(RuleMatches("02:11:22:33:44:fe", {0x02, 0x11, 0x22, 0x33}));
  CHECK_FALSE(RuleMatches("10.20.0.0/16", {}));
}

TEST_CASE("what names no gateway is refused") {
  for (const char* text : {"", "office", "10.20.3", "10.20.3.1/33", "10.20.3.1/", "10.20.3.1/x",
                           "0.0.0.0/0", "10.20.3.1/16", "fd00::/129", "::/0", "02:11:22:33:44",
                           "02-11-22-33-44-55", "02:11:22:33:44:g5", "10.20.0.0/16 "}) {
    INFO(text);
    CHECK_FALSE(GatewayRule::Parse(text).ok());
  }
  CHECK_FALSE(GatewayRule::Parse(std::string(10'000, '1')).ok());
}

}  // namespace
}  // namespace candor
