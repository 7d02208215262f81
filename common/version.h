// The version all programs print and send.
#pragma once

#include <string_view>

namespace candor {
constexpr std::string_view kVersion = "0.1.0";
}  // namespace candor
