// What names a network by its default gateway: "192.0.2.1", "10.20.0.0/16", "fd00:20::/32", or the
// gateway's own hardware address "02:11:22:33:44:55", which says it exactly where many networks use
// the same addresses. Plain values, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"

namespace candor {

// So many are taken of each kind of network.
inline constexpr size_t kGatewayRulesMax = 256;

class GatewayRule {
 public:
  // InvalidArgument for anything else than the above, and for an address with bits beyond its
  // prefix: whoever wrote it meant something else.
  static absl::StatusOr<GatewayRule> Parse(std::string_view text);

  // `address`: 4 bytes of IPv4, 16 of IPv6, or 6 of hardware, in network order.
  bool Matches(std::span<const uint8_t> address) const;
  bool of_hardware() const { return size_ == kHardwareBytes; }

 private:
  static constexpr size_t kHardwareBytes = 6;
  std::array<uint8_t, 16> bytes_{};
  size_t size_ = 0;
  size_t bits_ = 0;
};

}  // namespace candor
