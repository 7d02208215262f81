// What nl80211 (<linux/nl80211.h>) answers, taken apart: bodies without the netlink head, as
// Netlink::Ask hands them out. Broken, cut and unknown parts are passed over. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/samplers/network/netlink.h"
#include "agent/samplers/network/wifi.h"

namespace candor {

// The number of a family in an answer to CTRL_CMD_GETFAMILY.
std::optional<uint16_t> ParseFamilyId(ByteSpan body);

// Whether an answer to NL80211_CMD_GET_INTERFACE is of a client of a network; nothing where it
// does not say. The network's name stands in the same answer and is not looked at.
std::optional<bool> ParseIsClient(ByteSpan body);

// An answer to NL80211_CMD_GET_STATION; nothing where it holds no station. The station's address
// only goes into the hash, with `salt`.
std::optional<WifiStation> ParseStation(ByteSpan body, const std::string& salt);

}  // namespace candor
