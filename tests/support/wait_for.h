// Waits for what other processes bring about.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>

namespace candor::testing {

// True as soon as `condition` is, asked four times a second; false after `seconds`.
inline bool WaitFor(int64_t seconds, const std::function<bool()>& condition) {
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < std::chrono::seconds(seconds)) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
  }
  return false;
}

}  // namespace candor::testing
