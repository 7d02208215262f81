#include "common/compress.h"

#include <zstd.h>

namespace candor {
namespace {

constexpr int kLevel = 1;

struct FreeDecompressor {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

struct Compressor::Context {
  ~Context() { ZSTD_freeCCtx(zstd); }
  ZSTD_CCtx* zstd = ZSTD_createCCtx();
};

Compressor::Compressor() : context_(std::make_unique<Context>()) {}
Compressor::Compressor(Compressor&&) noexcept = default;
Compressor& Compressor::operator=(Compressor&&) noexcept = default;
Compressor::~Compressor() = default;

std::string Compressor::Compress(std::string_view bytes) {
  std::string frame(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compressCCtx(context_->zstd, frame.data(), frame.size(), bytes.data(),
                                        bytes.size(), kLevel);
  frame.resize(ZSTD_isError(size) ? 0 : size);
  return frame;
}

std::string Compress(std::string_view bytes) {
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
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeDecompressor> context(ZSTD_createDCtx());
  const size_t got =
      ZSTD_decompressDCtx(context.get(), bytes.data(), bytes.size(), frame.data(), frame.size());
  if (ZSTD_isError(got)) {
    return absl::InvalidArgumentError(std::string("damaged zstd frame: ") + ZSTD_getErrorName(got));
  }
  if (got != bytes.size()) return absl::InvalidArgumentError("zstd frame ends early");
  return bytes;
}

}  // namespace candor
