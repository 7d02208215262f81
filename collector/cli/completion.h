// Completion for bash, made from the list of commands. Pure function.
#pragma once

#include <string>

namespace candor {

std::string BashCompletion();

}  // namespace candor
