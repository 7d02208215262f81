#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/nl80211.h>

#include <utility>

#include "agent/samplers/network/wifi.h"
#include "agent/samplers/network/wifi_messages.h"
#include "common/random.h"
#include "common/status.h"

namespace candor {
namespace {

NetlinkBody WifiRequest(uint8_t command) {
  genlmsghdr head{};
  head.cmd = command;
  head.version = 1;
  NetlinkBody body;
  body.AddStruct(head);
  return body;
}

NetlinkBody WifiRequestOf(uint8_t command, uint32_t index) {
  NetlinkBody body = WifiRequest(command);
  body.AddAttribute(NL80211_ATTR_IFINDEX,
                    ByteSpan(reinterpret_cast<const uint8_t*>(&index), sizeof index));
  return body;
}

class Nl80211 final : public WifiSource {
 public:
  Nl80211(Netlink netlink, uint16_t family) : netlink_(std::move(netlink)), family_(family) {
    SystemRandom random;
    salt_ = random.Bytes(32);
  }

  absl::StatusOr<std::optional<WifiStation>> Read(uint32_t index) override {
    std::optional<bool> client;
    CANDOR_RETURN_IF_ERROR(netlink_.Ask(family_, false,
                                        WifiRequestOf(NL80211_CMD_GET_INTERFACE, index).bytes(),
                                        [&](ByteSpan answer) { client = ParseIsClient(answer); }));
    // A hotspot's stations are other people's.
    if (!client.value_or(false)) {
      return absl::FailedPreconditionError("the Wi-Fi is not used as a client of a network");
    }
    std::optional<WifiStation> first;
    CANDOR_RETURN_IF_ERROR(netlink_.Ask(
        family_, true, WifiRequestOf(NL80211_CMD_GET_STATION, index).bytes(), [&](ByteSpan answer) {
          // The access point is the oldest; what else there is talks to this laptop directly.
          if (!first) first = ParseStation(answer, salt_);
        }));
    return first;
  }

 private:
  Netlink netlink_;
  const uint16_t family_;
  std::string salt_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<WifiSource>> OpenWifi() {
  CANDOR_ASSIGN_OR_RETURN(Netlink netlink, Netlink::Open(NETLINK_GENERIC));
  NetlinkBody body = WifiRequest(CTRL_CMD_GETFAMILY);
  constexpr char kName[] = NL80211_GENL_NAME;
  body.AddAttribute(CTRL_ATTR_FAMILY_NAME,
                    ByteSpan(reinterpret_cast<const uint8_t*>(kName), sizeof kName));
  std::optional<uint16_t> family;
  const absl::Status status = netlink.Ask(GENL_ID_CTRL, false, body.bytes(),
                                          [&](ByteSpan answer) { family = ParseFamilyId(answer); });
  if (absl::IsNotFound(status)) {
    return absl::NotFoundError("the kernel does not tell about Wi-Fi (it has no nl80211)");
  }
  CANDOR_RETURN_IF_ERROR(status);
  if (!family) return absl::UnavailableError("the kernel names no number for nl80211");
  return std::make_unique<Nl80211>(std::move(netlink), *family);
}

}  // namespace candor
