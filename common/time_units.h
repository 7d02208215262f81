// How many of one unit of time make another. Values carry their unit in their name (…_ms, …_us).
#pragma once

#include <cstdint>

namespace candor {

constexpr int64_t kMsPerSecond = 1'000;
constexpr int64_t kMsPerMinute = 60'000;
constexpr int64_t kMsPerHour = 3'600'000;
constexpr int64_t kMsPerDay = 86'400'000;
constexpr int64_t kUsPerSecond = 1'000'000;

}  // namespace candor
