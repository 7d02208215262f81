// zstd with a ceiling on what comes out. Pure functions, any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace candor {

// One zstd frame, level 1 (higher levels gain nothing on packed columns).
std::string Compress(std::string_view bytes);

// The content of one zstd frame. InvalidArgument when damaged, or when it would exceed `size_max`.
// Each thread keeps its working memory (about 160 KiB) for the next call: making it anew costs
// several times what a small frame does.
absl::StatusOr<std::string> Decompress(std::string_view frame, size_t size_max);

// For who compresses one small thing after the other: keeps its working memory in between. The same
// frames as Compress. One thread at a time.
class Compressor {
 public:
  Compressor();
  Compressor(Compressor&&) noexcept;
  Compressor& operator=(Compressor&&) noexcept;
  ~Compressor();
  std::string Compress(std::string_view bytes);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace candor
