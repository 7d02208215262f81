#include <linux/genetlink.h>
#include <linux/nl80211.h>

#include <cstring>

#include "agent/samplers/network/wifi_messages.h"
#include "common/hash.h"

namespace candor {
namespace {

ByteSpan Attributes(ByteSpan body) {
  return body.size() < GENL_HDRLEN ? ByteSpan() : body.subspan(GENL_HDRLEN);
}

uint64_t SaltedHash(ByteSpan address, const std::string& salt) {
  std::string salted = salt;
  salted.append(address.begin(), address.end());
  const std::string digest = Sha256(salted);
  uint64_t hash = 0;
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

// 100 kbit/s; newer kernels also tell rates that do not fit into 16 bits.
std::optional<uint32_t> ParseRate(ByteSpan rates) {
  std::optional<uint32_t> wide;
  std::optional<uint32_t> narrow;
  ForEachAttribute(rates, [&](uint16_t type, ByteSpan payload) {
    if (type == NL80211_RATE_INFO_BITRATE32) wide = AttributeValue<uint32_t>(payload);
    if (type == NL80211_RATE_INFO_BITRATE) narrow = AttributeValue<uint16_t>(payload);
  });
  const auto rate = wide ? wide : narrow;
  return rate && *rate > 0 ? rate : std::nullopt;
}

void ParseStationInfo(ByteSpan info, WifiStation& station) {
  std::optional<int8_t> average;
  std::optional<int8_t> latest;
  ForEachAttribute(info, [&](uint16_t type, ByteSpan payload) {
    switch (type) {
      case NL80211_STA_INFO_SIGNAL:
        latest = AttributeValue<int8_t>(payload);
        break;
      case NL80211_STA_INFO_SIGNAL_AVG:
        average = AttributeValue<int8_t>(payload);
        break;
      case NL80211_STA_INFO_TX_BITRATE:
        station.rate_100kbit = ParseRate(payload);
        break;
      case NL80211_STA_INFO_CONNECTED_TIME:
        station.connected_s = AttributeValue<uint32_t>(payload);
        break;
      case NL80211_STA_INFO_TX_PACKETS:
        station.sent = AttributeValue<uint32_t>(payload);
        break;
      case NL80211_STA_INFO_TX_RETRIES:
        station.retried = AttributeValue<uint32_t>(payload);
        break;
      case NL80211_STA_INFO_TX_FAILED:
        station.failed = AttributeValue<uint32_t>(payload);
        break;
      case NL80211_STA_INFO_BEACON_LOSS:
        station.beacons_lost = AttributeValue<uint32_t>(payload);
        break;
      default:
        break;
    }
  });
  const auto signal = average ? average : latest;
  // 0 and above is a driver that does not know (or counts in units of its own).
  if (signal && *signal < 0) station.signal_dbm = *signal;
}

}  // namespace

std::optional<uint16_t> ParseFamilyId(ByteSpan body) {
  std::optional<uint16_t> id;
  ForEachAttribute(Attributes(body), [&](uint16_t type, ByteSpan payload) {
    if (type == CTRL_ATTR_FAMILY_ID) id = AttributeValue<uint16_t>(payload);
  });
  return id;
}

std::optional<bool> ParseIsClient(ByteSpan body) {
  std::optional<bool> client;
  ForEachAttribute(Attributes(body), [&](uint16_t type, ByteSpan payload) {
    if (type != NL80211_ATTR_IFTYPE) return;
    const auto kind = AttributeValue<uint32_t>(payload);
    if (kind) client = *kind == NL80211_IFTYPE_STATION;
  });
  return client;
}

std::optional<WifiStation> ParseStation(ByteSpan body, const std::string& salt) {
  constexpr size_t kAddressBytes = 6;
  WifiStation station;
  bool has_address = false;
  bool has_info = false;
  ForEachAttribute(Attributes(body), [&](uint16_t type, ByteSpan payload) {
    if (type == NL80211_ATTR_MAC && payload.size() == kAddressBytes) {
      station.access_point = SaltedHash(payload, salt);
      has_address = true;
    } else if (type == NL80211_ATTR_STA_INFO) {
      ParseStationInfo(payload, station);
      has_info = true;
    }
  });
  if (!has_address || !has_info) return std::nullopt;
  return station;
}

}  // namespace candor
