// Questions to the kernel over netlink: one message out, its answers back, and the attributes in
// them. The kernel answers while the question is sent, so nothing ever waits, and a socket that
// listens to no group is never woken.
//
// Own code and no library: libnl-3 with its generic part is 144 KB of code; libmnl is small, but
// Debian has no archive of it to link statically, and it brings little more than the walk below,
// which has to be held against broken messages in a test of ours either way. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace candor {

using ByteSpan = std::span<const uint8_t>;

// Calls `take` with type (flags masked out) and payload of each attribute of a message's body, in
// order; stops at the first whose length cannot be.
void ForEachAttribute(ByteSpan body, const std::function<void(uint16_t type, ByteSpan)>& take);

// A number in the machine's own byte order; nothing where the payload has another size.
template <typename Integer>
std::optional<Integer> AttributeValue(ByteSpan payload) {
  if (payload.size() != sizeof(Integer)) return std::nullopt;
  Integer value;
  std::memcpy(&value, payload.data(), sizeof value);
  return value;
}

// The body of a message that is being made.
class NetlinkBody {
 public:
  template <typename Struct>
  void AddStruct(const Struct& head) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&head);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof head);
    Pad();
  }
  void AddAttribute(uint16_t type, ByteSpan payload);
  ByteSpan bytes() const { return bytes_; }

 private:
  void Pad() { bytes_.resize((bytes_.size() + 3) / 4 * 4); }
  std::vector<uint8_t> bytes_;
};

class Netlink {
 public:
  // `protocol`: NETLINK_ROUTE, NETLINK_GENERIC, …
  static absl::StatusOr<Netlink> Open(int protocol);
  Netlink(Netlink&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Netlink& operator=(Netlink&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Netlink();

  // Answers beyond this many are not looked at.
  static constexpr size_t kAnswersMax = 4096;
  // The body of each answer to a message of `type`. The error is the kernel's own: NotFound where
  // there is no such thing. After an error the socket is to be opened anew.
  absl::Status Ask(uint16_t type, bool dump, ByteSpan body,
                   const std::function<void(ByteSpan body)>& take);

 private:
  explicit Netlink(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace candor
