// The model files as they were when the library was built (written by embed.cmake).
#pragma once

#include <span>
#include <string_view>

namespace candor {

struct EmbeddedModel {
  std::string_view name;
  std::string_view text;
};

std::span<const EmbeddedModel> EmbeddedModels();

}  // namespace candor
