// Small helpers over std::string_view, which Debian's abseil does not take. Pure, any thread.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace candor {

namespace text_internal {
inline void Append(std::string& out, std::string_view piece) { out.append(piece); }
void Append(std::string& out, double number);  // the shortest text that reads back the same
template <std::integral T>
void Append(std::string& out, T number) {
  out.append(std::to_string(number));
}
}  // namespace text_internal

// Pieces one behind the other: text, integers, doubles.
template <typename... Pieces>
std::string Concat(const Pieces&... pieces) {
  std::string out;
  (text_internal::Append(out, pieces), ...);
  return out;
}

std::string Join(const std::vector<std::string>& pieces, std::string_view between);

// ASCII letters only.
std::string ToLower(std::string_view text);
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

// The number with so many digits behind the point.
std::string FormatFixed(double number, int decimals);
// The shortest text that reads back the same.
std::string FormatShortest(double number);

}  // namespace candor
