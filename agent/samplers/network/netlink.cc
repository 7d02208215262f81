#include "agent/samplers/network/netlink.h"

#include <algorithm>

namespace candor {
namespace {

// struct nlattr: length with this head, type; then the payload, padded to four bytes.
constexpr size_t kHeadBytes = 4;
constexpr uint16_t kTypeMask = 0x3fff;  // the two upper bits tell of nesting and byte order

size_t Aligned(size_t bytes) { return (bytes + 3) / 4 * 4; }

}  // namespace

void ForEachAttribute(ByteSpan body, const std::function<void(uint16_t, ByteSpan)>& take) {
  while (body.size() >= kHeadBytes) {
    uint16_t length = 0;
    uint16_t type = 0;
    std::memcpy(&length, body.data(), sizeof length);
    std::memcpy(&type, body.data() + sizeof length, sizeof type);
    if (length < kHeadBytes || length > body.size()) return;
    take(type & kTypeMask, body.subspan(kHeadBytes, length - kHeadBytes));
    body = body.subspan(std::min(Aligned(length), body.size()));
  }
}

void NetlinkBody::AddAttribute(uint16_t type, ByteSpan payload) {
  const auto length = static_cast<uint16_t>(kHeadBytes + payload.size());
  for (const uint16_t part : {length, type}) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&part);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof part);
  }
  bytes_.insert(bytes_.end(), payload.begin(), payload.end());
  Pad();
}

}  // namespace candor
