// nl80211's answers, made after the kernel's own header: the shapes are those that mac80211 sends.
#include "agent/samplers/network/wifi_messages.h"

#include <linux/genetlink.h>
#include <linux/nl80211.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/random.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr char kSalt[] = "a salt of this test";

template <typename Integer>
Bytes Raw(Integer value) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
  return {bytes, bytes + sizeof value};
}

Bytes Nested(const std::vector<std::pair<uint16_t, Bytes>>& attributes) {
  NetlinkBody body;
  for (const auto& [type, payload] : attributes) body.AddAttribute(type, payload);
  return {body.bytes().begin(), body.bytes().end()};
}

Bytes Answer(uint8_t command, const std::vector<std::pair<uint16_t, Bytes>>& attributes) {
  genlmsghdr head{};
  head.cmd = command;
  NetlinkBody body;
  body.AddStruct(head);
  for (const auto& [type, payload] : attributes) body.AddAttribute(type, payload);
  return {body.bytes().begin(), body.bytes().end()};
}

const Bytes kAddress = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};

Bytes StationAnswer(const Bytes& info, const Bytes& address = kAddress) {
  return Answer(NL80211_CMD_NEW_STATION, {{NL80211_ATTR_IFINDEX, Raw(uint32_t{3})},
                                          {NL80211_ATTR_MAC, address},
                                          {NL80211_ATTR_GENERATION, Raw(uint32_t{9})},
                                          {NL80211_ATTR_STA_INFO | NLA_F_NESTED, info}});
}

Bytes FullInfo() {
  const Bytes rate = Nested({{NL80211_RATE_INFO_BITRATE, Raw(uint16_t{8667})},
                             {NL80211_RATE_INFO_BITRATE32, Raw(uint32_t{12010})},
                             {NL80211_RATE_INFO_HE_MCS, Raw(uint8_t{11})}});
  const Bytes receiving = Nested({{NL80211_RATE_INFO_BITRATE32, Raw(uint32_t{60})}});
  return Nested({{NL80211_STA_INFO_CONNECTED_TIME, Raw(uint32_t{4'321})},
                 {NL80211_STA_INFO_INACTIVE_TIME, Raw(uint32_t{12})},
                 {NL80211_STA_INFO_RX_BYTES64, Raw(uint64_t{1} << 40)},
                 {NL80211_STA_INFO_SIGNAL, Raw(int8_t{-71})},
                 {NL80211_STA_INFO_SIGNAL_AVG, Raw(int8_t{-67})},
                 {NL80211_STA_INFO_TX_BITRATE | NLA_F_NESTED, rate},
                 {NL80211_STA_INFO_RX_BITRATE | NLA_F_NESTED, receiving},
                 {NL80211_STA_INFO_TX_PACKETS, Raw(uint32_t{4'000'000'000})},
                 {NL80211_STA_INFO_TX_RETRIES, Raw(uint32_t{321})},
                 {NL80211_STA_INFO_TX_FAILED, Raw(uint32_t{7})},
                 {NL80211_STA_INFO_BEACON_LOSS, Raw(uint32_t{2})}});
}

std::optional<WifiStation> Parse(const Bytes& bytes) { return ParseStation(bytes, kSalt); }

TEST_CASE("a station is read with all that a driver tells") {
  const auto station = Parse(StationAnswer(FullInfo()));
  REQUIRE(station);
  CHECK(station->signal_dbm == -67);  // the average, not the latest frame
  CHECK(station->rate_100kbit == 12'010U);
  CHECK(station->connected_s == 4'321U);
  CHECK(station->sent == 4'000'000'000U);
  CHECK(station->retried == 321U);
  CHECK(station->failed == 7U);
  CHECK(station->beacons_lost == 2U);
}

TEST_CASE("what is missing stays untold") {
  const auto bare = Parse(StationAnswer(Nested({{NL80211_STA_INFO_SIGNAL, Raw(int8_t{-80})}})));
  REQUIRE(bare);
  CHECK(bare->signal_dbm == -80);
  CHECK_FALSE(bare->rate_100kbit);
  CHECK_FALSE(bare->connected_s);
  CHECK_FALSE(bare->sent);
  CHECK_FALSE(bare->beacons_lost);
  CHECK(Parse(StationAnswer({})));
  CHECK_FALSE(Parse(Answer(NL80211_CMD_NEW_STATION, {{NL80211_ATTR_MAC, kAddress}})));
  CHECK_FALSE(Parse(Answer(NL80211_CMD_NEW_STATION, {{NL80211_ATTR_STA_INFO, FullInfo()}})));
  CHECK_FALSE(Parse({}));
}

TEST_CASE("numbers of another size, and signals that no radio has, are not believed") {
  const auto station = Parse(StationAnswer(Nested(
      {{NL80211_STA_INFO_SIGNAL, Raw(int32_t{-80})},
       {NL80211_STA_INFO_CONNECTED_TIME, Raw(uint64_t{5})},
       {NL80211_STA_INFO_TX_PACKETS, Raw(uint16_t{5})},
       {NL80211_STA_INFO_TX_BITRATE, Nested({{NL80211_RATE_INFO_BITRATE, Raw(uint16_t{0})}})}})));
  REQUIRE(station);
  CHECK_FALSE(station->signal_dbm);
  CHECK_FALSE(station->connected_s);
  CHECK_FALSE(station->sent);
  CHECK_FALSE(station->rate_100kbit);
  CHECK_FALSE(Parse(StationAnswer(FullInfo(), {1, 2, 3})));
  for (const int signal : {0, 5}) {
    const auto odd =
        Parse(StationAnswer(Nested({{NL80211_STA_INFO_SIGNAL, Raw(static_cast<int8_t>(signal))}})));
    REQUIRE(odd);
    CHECK_FALSE(odd->signal_dbm);
  }
}

TEST_CASE("an old kernel's narrow rate is read where there is no other") {
  const Bytes rate = Nested({{NL80211_RATE_INFO_BITRATE, Raw(uint16_t{540})}});
  const auto station = Parse(StationAnswer(Nested({{NL80211_STA_INFO_TX_BITRATE, rate}})));
  REQUIRE(station);
  CHECK(station->rate_100kbit == 540U);
}

TEST_CASE("of the access point's address only a salted hash is left") {
  Bytes other = kAddress;
  other[5] ^= 1;
  const auto here = Parse(StationAnswer(FullInfo()));
  const auto there = Parse(StationAnswer(FullInfo(), other));
  const auto another_start = ParseStation(StationAnswer(FullInfo()), "another salt");
  REQUIRE((here && there && another_start));
  CHECK(here->access_point == Parse(StationAnswer({}))->access_point);
  CHECK(here->access_point != there->access_point);
  CHECK(here->access_point != another_start->access_point);
}

TEST_CASE("whether a radio is a client is read, the network's name beside it is not") {
  const auto answer = [](uint32_t kind) {
    return Answer(NL80211_CMD_NEW_INTERFACE,
                  {{NL80211_ATTR_SSID, {'H', 'o', 'm', 'e'}}, {NL80211_ATTR_IFTYPE, Raw(kind)}});
  };
  CHECK(ParseIsClient(answer(NL80211_IFTYPE_STATION)) == true);
  CHECK(ParseIsClient(answer(NL80211_IFTYPE_AP)) == false);
  CHECK_FALSE(ParseIsClient(Answer(NL80211_CMD_NEW_INTERFACE, {})));
  CHECK_FALSE(ParseIsClient({}));
}

TEST_CASE("a family's number is read from the controller's answer") {
  CHECK(ParseFamilyId(Answer(CTRL_CMD_NEWFAMILY, {{CTRL_ATTR_FAMILY_NAME, {'n', 'l', 0}},
                                                  {CTRL_ATTR_FAMILY_ID, Raw(uint16_t{29})}})) ==
        uint16_t{29});
  CHECK_FALSE(ParseFamilyId(Answer(CTRL_CMD_NEWFAMILY, {})));
  CHECK_FALSE(ParseFamilyId({}));
}

TEST_CASE("an answer cut anywhere tells less, never something else") {
  const Bytes whole = StationAnswer(FullInfo());
  const auto told = Parse(whole);
  REQUIRE(told);
  for (size_t size = 0; size < whole.size(); ++size) {
    // A copy of its own, so that the address sanitizer sees a read beyond it.
    const Bytes cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    const auto station = Parse(cut);
    if (!station) continue;
    CHECK((!station->sent || station->sent == told->sent));
    CHECK((!station->rate_100kbit || station->rate_100kbit == told->rate_100kbit));
    ParseIsClient(cut);
    ParseFamilyId(cut);
  }
}

TEST_CASE("answers with broken bytes are survived") {
  const Bytes whole = StationAnswer(FullInfo());
  SeededRandom random(20'260'801);
  int parsed = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes broken = whole;
    const uint64_t breaks = 1 + random.Below(4);
    for (uint64_t i = 0; i < breaks; ++i) {
      broken[random.Below(broken.size())] = static_cast<uint8_t>(random.Below(256));
    }
    if (random.Below(4) == 0) broken.resize(random.Below(broken.size()));
    const Bytes exact(broken);
    if (const auto station = Parse(exact)) {
      ++parsed;
      REQUIRE((!station->signal_dbm || (*station->signal_dbm < 0 && *station->signal_dbm >= -128)));
    }
    ParseIsClient(exact);
    ParseFamilyId(exact);
  }
  CHECK(parsed > 1'000);  // most breaks hit numbers
  CHECK(parsed < 20'000);
}

}  // namespace
}  // namespace candor
