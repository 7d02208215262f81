// A group's 95 % interval: percentile bootstrap over devices (Efron, 1979). Whole devices are
// drawn, because the days of one device resemble each other. Seeded: the same input gives the same
// interval. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace candor {

// One device's device-days.
struct BootstrapUnit {
  double sum = 0;
  double count = 0;
};

struct ScoreInterval {
  double low = 0;
  double high = 0;
};

constexpr size_t kBootstrapDevicesMin = 10;

// Nothing below 10 devices. Draws 2,000 samples, fewer (not under 200) for groups so large that
// their interval is narrow anyway, so that the work stays bounded.
std::optional<ScoreInterval> BootstrapInterval(std::span<const BootstrapUnit> devices);

}  // namespace candor
