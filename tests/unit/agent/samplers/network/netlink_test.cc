#include "agent/samplers/network/netlink.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace candor {
namespace {

std::vector<uint8_t> TextBytes(const std::string& text) { return {text.begin(), text.end()}; }

std::vector<std::string> Walked(ByteSpan body) {
  std::vector<std::string> found;
  ForEachAttribute(body, [&](uint16_t type, ByteSpan payload) {
    found.push_back(std::to_string(type) + ":" + std::string(payload.begin(), payload.end()));
  });
  return found;
}

TEST_CASE("attributes come back as they were put in, whatever their padding") {
  NetlinkBody body;
  body.AddAttribute(1, TextBytes("a"));
  body.AddAttribute(2, TextBytes("four"));
  body.AddAttribute(NLA_F_NESTED | 3, {});
  body.AddAttribute(NLA_F_NET_BYTEORDER | 4, TextBytes("seven b"));
  CHECK(Walked(body.bytes()) == std::vector<std::string>{"1:a", "2:four", "3:", "4:seven b"});
}

TEST_CASE("a walk ends at the first attribute that is cut or lies about its length") {
  NetlinkBody body;
  body.AddAttribute(1, TextBytes("abcd"));
  body.AddAttribute(2, TextBytes("efghi"));
  const ByteSpan whole = body.bytes();
  for (size_t size = 0; size < 8; ++size) CHECK(Walked(whole.first(size)).empty());
  for (size_t size = 8; size < 17; ++size) CHECK(Walked(whole.first(size)).size() == 1);
  CHECK(Walked(whole.first(17)).size() == 2);  // the last one's padding may be missing
  std::vector<uint8_t> lies(whole.begin(), whole.end());
  for (const uint8_t length : {uint8_t{0}, uint8_t{3}, uint8_t{200}}) {
    lies[8] = length;
    CHECK(Walked(lies) == std::vector<std::string>{"1:abcd"});
  }
}

TEST_CASE("a number of another size is none") {
  const std::vector<uint8_t> bytes = {1, 0, 0, 0};
  CHECK(AttributeValue<uint32_t>(bytes) == 1U);
  CHECK_FALSE(AttributeValue<uint16_t>(bytes));
  CHECK_FALSE(AttributeValue<uint64_t>(bytes));
  CHECK_FALSE(AttributeValue<uint8_t>({}));
}

TEST_CASE("the kernel answers a question and names what is wrong with another") {
  auto netlink = Netlink::Open(NETLINK_ROUTE);
  REQUIRE_OK(netlink);
  ifinfomsg head{};
  NetlinkBody body;
  body.AddStruct(head);
  int links = 0;
  REQUIRE_OK(netlink->Ask(RTM_GETLINK, true, body.bytes(), [&](ByteSpan answer) {
    if (answer.size() >= sizeof head) ++links;
  }));
  CHECK(links >= 1);  // loopback
  head.ifi_index = 0x7ffffff0;
  NetlinkBody nowhere;
  nowhere.AddStruct(head);
  CHECK_FALSE(netlink->Ask(RTM_GETLINK, false, nowhere.bytes(), [](ByteSpan) {}).ok());
}

}  // namespace
}  // namespace candor
