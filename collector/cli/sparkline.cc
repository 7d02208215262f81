#include "collector/cli/sparkline.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace candor {
namespace {

constexpr std::array<const char*, 8> kBars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr double kSpanMin = 20;

// Means of `width` equal parts; a part without any value stays NaN.
std::vector<double> Shorten(const std::vector<double>& values, size_t width) {
  if (values.size() <= width) return values;
  std::vector<double> shorter;
  for (size_t i = 0; i < width; ++i) {
    double sum = 0;
    int count = 0;
    for (size_t j = i * values.size() / width; j < (i + 1) * values.size() / width; ++j) {
      if (std::isnan(values[j])) continue;
      sum += values[j];
      ++count;
    }
    shorter.push_back(count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / count);
  }
  return shorter;
}

}  // namespace

std::string Sparkline(const std::vector<double>& values, size_t width) {
  const std::vector<double> shown = Shorten(values, width);
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const double value : shown) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  const double missing = std::max(0.0, kSpanMin - (high - low)) / 2;
  low -= missing;
  high += missing;
  std::string line;
  for (const double value : shown) {
    if (!std::isfinite(value)) {
      line += ' ';
      continue;
    }
    const double share = (value - low) / (high - low);
    const auto bar = static_cast<size_t>(std::lround(share * (kBars.size() - 1)));
    line += kBars[std::min(bar, kBars.size() - 1)];
  }
  return line;
}

}  // namespace candor
