// Whether the laptop runs on its battery, so that the agent can take it slower.
#pragma once

#include <string>

namespace candor {

// From `sys`/class/power_supply: a battery is there and no mains supply is on line. A handful of
// tiny reads; call it at most once a minute.
bool OnBattery(const std::string& sys);

}  // namespace candor
