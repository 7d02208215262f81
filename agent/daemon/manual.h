// The manual page of candor-agent in roff (man(7)): its commands, and in plain words what is
// collected and why, made from the registry (common/registry.h). Pure functions.
#pragma once

#include <string>

namespace candor {

std::string AgentManualPage();

}  // namespace candor
