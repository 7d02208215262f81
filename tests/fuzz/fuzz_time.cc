// Any text as a time: what parses must come back from its own printed form.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/time_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto time = candor::ParseTime(text); time.ok()) {
    const auto again = candor::ParseTime(candor::FormatTime(*time));
    // Offsets can reach years of five digits or before year 0, which RFC 3339 cannot say.
    if (*time > 0 && (!again.ok() || *again != *time)) std::abort();
  }
  static_cast<void>(candor::ParseMoment(text, 1'790'000'000'000));
  static_cast<void>(candor::ParseDurationMs(text));
  return 0;
}
