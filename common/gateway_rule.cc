#include "common/gateway_rule.h"

#include <arpa/inet.h>

#include <charconv>
#include <string>

#include "absl/strings/str_cat.h"

namespace candor {
namespace {

constexpr size_t kHardwareTextBytes = 17;
constexpr size_t kAddressTextBytesMax = 64;

bool ParseHex(std::string_view digits, uint8_t& value) {
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return ec == std::errc() && end == digits.data() + digits.size();
}

bool ParseHardware(std::string_view text, std::array<uint8_t, 16>& bytes) {
  for (size_t i = 0; i < 6; ++i) {
    if (i > 0 && text[3 * i - 1] != ':') return false;
    if (!ParseHex(text.substr(3 * i, 2), bytes[i])) return false;
  }
  return true;
}

// The first `bits` bits of `a` and `b` are the same.
bool SameBits(std::span<const uint8_t> a, std::span<const uint8_t> b, size_t bits) {
  for (size_t i = 0; i * 8 < bits; ++i) {
    const size_t left = bits - i * 8;
    const int unlike = a[i] ^ b[i];
    if ((left >= 8 ? unlike : unlike >> (8 - left)) != 0) return false;
  }
  return true;
}

absl::Status NoGateway(std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", std::string(text.substr(0, kAddressTextBytesMax)),
                   "' is no gateway: an address, a prefix or a hardware address is expected"));
}

}  // namespace

absl::StatusOr<GatewayRule> GatewayRule::Parse(std::string_view text) {
  GatewayRule rule;
  if (text.size() == kHardwareTextBytes && ParseHardware(text, rule.bytes_)) {
    rule.size_ = kHardwareBytes;
    rule.bits_ = kHardwareBytes * 8;
    return rule;
  }
  const size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  if (address.size() > kAddressTextBytesMax) return NoGateway(text);
  rule.bytes_ = {};
  if (inet_pton(AF_INET, address.c_str(), rule.bytes_.data()) == 1) {
    rule.size_ = 4;
  } else if (inet_pton(AF_INET6, address.c_str(), rule.bytes_.data()) == 1) {
    rule.size_ = 16;
  } else {
    return NoGateway(text);
  }
  rule.bits_ = rule.size_ * 8;
  if (slash == std::string_view::npos) return rule;
  const std::string_view prefix = text.substr(slash + 1);
  size_t bits = 0;
  const auto [end, ec] = std::from_chars(prefix.data(), prefix.data() + prefix.size(), bits);
  // A prefix of nothing would be every network.
  if (ec != std::errc() || end != prefix.data() + prefix.size() || bits == 0 || bits > rule.bits_) {
    return NoGateway(text);
  }
  for (size_t bit = bits; bit < rule.bits_; ++bit) {
    if ((rule.bytes_[bit / 8] & (0x80 >> bit % 8)) != 0) return NoGateway(text);
  }
  rule.bits_ = bits;
  return rule;
}

bool GatewayRule::Matches(std::span<const uint8_t> address) const {
  return address.size() == size_ && SameBits(address, bytes_, bits_);
}

}  // namespace candor
