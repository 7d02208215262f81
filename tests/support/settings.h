// What a campaign may ask of a test through the environment.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace candor::testing {

inline uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace candor::testing
