#include "common/compress.h"

#include <zstd.h>

namespace candor {

std::string Compress(std::string_view bytes) {
  constexpr int kLevel = 1;
  std::string frame(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compress(frame.data(), frame.size(), bytes.data(), bytes.size(), kLevel);
  // The only failure left with a bound-sized output is memory, which nothing here outlives.
  frame.resize(ZSTD_isError(size) ? 0 : size);
  return frame;
}

absl::StatusOr<std::string> Decompress(std::string_view frame, size_t size_max) {
  const unsigned long long size = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) {
    return absl::InvalidArgumentError("not a zstd frame that tells its size");
  }
  if (size > size_max) {
    return absl::InvalidArgumentError("inflates to " + std::to_string(size) + " bytes, limit " +
                                      std::to_string(size_max));
  }
  std::string bytes(static_cast<size_t>(size), '\0');
  const size_t got = ZSTD_decompress(bytes.data(), bytes.size(), frame.data(), frame.size());
  if (ZSTD_isError(got)) {
    return absl::InvalidArgumentError(std::string("damaged zstd frame: ") + ZSTD_getErrorName(got));
  }
  if (got != bytes.size()) return absl::InvalidArgumentError("zstd frame ends early");
  return bytes;
}

}  // namespace candor
