#include "agent/samplers/network/place.h"

#include <algorithm>

namespace candor {
namespace {

std::vector<GatewayRule> Parsed(const std::vector<std::string>& texts) {
  std::vector<GatewayRule> rules;
  for (const std::string& text : texts) {
    if (rules.size() == kGatewayRulesMax) break;
    if (auto rule = GatewayRule::Parse(text); rule.ok()) rules.push_back(*rule);
  }
  return rules;
}

bool AnyOfHardware(const std::vector<GatewayRule>& rules) {
  return std::any_of(rules.begin(), rules.end(),
                     [](const GatewayRule& rule) { return rule.of_hardware(); });
}

}  // namespace

void Places::Configure(const KnownGateways& known) {
  office_ = Parsed(known.office);
  home_ = Parsed(known.home);
}

bool Places::wants_hardware() const { return AnyOfHardware(office_) || AnyOfHardware(home_); }

std::string_view Places::KindOf(const boost::asio::ip::address& gateway,
                                const std::vector<uint8_t>& hardware) const {
  if (office_.empty() && home_.empty()) return "unsorted";
  std::vector<uint8_t> bytes;
  if (gateway.is_v4()) {
    const auto v4 = gateway.to_v4().to_bytes();
    bytes.assign(v4.begin(), v4.end());
  } else {
    const auto v6 = gateway.to_v6().to_bytes();
    bytes.assign(v6.begin(), v6.end());
  }
  const auto matches = [&](const GatewayRule& rule) {
    return rule.Matches(bytes) || rule.Matches(hardware);
  };
  if (std::any_of(office_.begin(), office_.end(), matches)) return "office";
  if (std::any_of(home_.begin(), home_.end(), matches)) return "home";
  return "other";
}

std::string PlaceName(std::string_view kind, bool vpn) {
  return std::string(kind) + (vpn ? " vpn" : "");
}

}  // namespace candor
