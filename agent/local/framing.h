// Frames between the programs of one laptop (proto/candor/v1/local.proto): each message is preceded
// by its length as a 32-bit little-endian number. Pure encoding and decoding: whoever owns the
// socket reads and writes, so nothing here blocks.
//
// A FrameReader belongs to one connection and one thread. Errors: ResourceExhausted when a peer
// announces, or a caller hands in, more than kFrameBytesMax; after it the connection is of no use.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace candor {

// A sealed batch (1 MiB) and a configuration fit with room to spare.
constexpr size_t kFrameBytesMax = 2 << 20;
constexpr size_t kFrameHeaderBytes = 4;

// Appends header and payload to `out`, which stays as it is on error.
absl::Status AppendFrame(std::string_view payload, std::string& out);

// The same for a protobuf message, without a copy in between.
template <typename Message>
absl::Status AppendMessageFrame(const Message& message, std::string& out) {
  const size_t size = message.ByteSizeLong();
  if (size > kFrameBytesMax) {
    return absl::ResourceExhaustedError("a message between the agent's programs exceeds 2 MiB");
  }
  const size_t start = out.size();
  for (size_t i = 0; i < kFrameHeaderBytes; ++i) {
    out.push_back(static_cast<char>((size >> (8 * i)) & 0xff));
  }
  if (!message.AppendToString(&out)) {
    out.resize(start);
    return absl::InternalError("a message between the agent's programs cannot be serialized");
  }
  return absl::OkStatus();
}

// Cuts frames out of a stream of bytes that arrives in pieces of any size.
class FrameReader {
 public:
  void Append(std::string_view bytes);
  // The payload of the next complete frame, nothing while it is incomplete. The view is valid until
  // the next call of Append or Next.
  absl::StatusOr<std::optional<std::string_view>> Next();
  // Bytes that are not yet part of a frame handed out; not 0 at the end of a stream means it was
  // cut off.
  size_t pending() const { return buffer_.size() - consumed_; }

 private:
  std::string buffer_;
  size_t consumed_ = 0;
};

}  // namespace candor
