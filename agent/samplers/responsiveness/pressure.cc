#include "agent/samplers/responsiveness/pressure.h"

#include <charconv>
#include <utility>

namespace candor {

std::optional<int64_t> ParseSomeTotalUs(std::string_view text) {
  if (!text.starts_with("some ")) return std::nullopt;
  text = text.substr(0, text.find('\n'));
  constexpr std::string_view kTotal = " total=";
  const size_t at = text.find(kTotal);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + kTotal.size());
  int64_t total = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), total);
  if (ec != std::errc() || end != text.data() + text.size() || total < 0) return std::nullopt;
  return total;
}

std::optional<int64_t> StallMeter::TakeMs(int64_t total_us) {
  const std::optional<int64_t> before = std::exchange(last_us_, total_us);
  if (!before || total_us < *before) return std::nullopt;
  carried_us_ += total_us - *before;
  const int64_t ms = carried_us_ / 1000;
  carried_us_ -= ms * 1000;
  return ms;
}

}  // namespace candor
