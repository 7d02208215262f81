#include "agent/local/framing.h"

#include <cstdint>

#include "absl/strings/str_cat.h"

namespace candor {
namespace {

// A big frame's memory is given back once the buffer has been read to its end.
constexpr size_t kBufferKeptBytes = 64 << 10;

size_t DecodeLength(std::string_view header) {
  size_t size = 0;
  for (size_t i = 0; i < kFrameHeaderBytes; ++i) {
    size |= static_cast<size_t>(static_cast<uint8_t>(header[i])) << (8 * i);
  }
  return size;
}

}  // namespace

absl::Status AppendFrame(std::string_view payload, std::string& out) {
  if (payload.size() > kFrameBytesMax) {
    return absl::ResourceExhaustedError("a message between the agent's programs exceeds 2 MiB");
  }
  for (size_t i = 0; i < kFrameHeaderBytes; ++i) {
    out.push_back(static_cast<char>((payload.size() >> (8 * i)) & 0xff));
  }
  out.append(payload);
  return absl::OkStatus();
}

void FrameReader::Append(std::string_view bytes) {
  if (consumed_ == buffer_.size()) {
    buffer_.clear();
    consumed_ = 0;
    if (buffer_.capacity() > kBufferKeptBytes) buffer_.shrink_to_fit();
  } else if (consumed_ > kBufferKeptBytes) {
    buffer_.erase(0, consumed_);
    consumed_ = 0;
  }
  buffer_.append(bytes);
}

absl::StatusOr<std::optional<std::string_view>> FrameReader::Next() {
  const std::string_view rest = std::string_view(buffer_).substr(consumed_);
  if (rest.size() < kFrameHeaderBytes) return std::nullopt;
  const size_t size = DecodeLength(rest);
  if (size > kFrameBytesMax) {
    return absl::ResourceExhaustedError(absl::StrCat("the peer announced a message of ", size,
                                                     " bytes; at most ", kFrameBytesMax,
                                                     " are accepted"));
  }
  if (rest.size() - kFrameHeaderBytes < size) return std::nullopt;
  consumed_ += kFrameHeaderBytes + size;
  return rest.substr(kFrameHeaderBytes, size);
}

}  // namespace candor
