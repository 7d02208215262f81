// A fleet that is simulated in no time.
#pragma once

#include "tools/loadgen/catalogue.h"

namespace candor::loadgen::testing {

inline FleetPlan SmallFleet(uint64_t seed, uint32_t days) {
  FleetPlan plan;
  plan.seed = seed;
  plan.devices = 20;
  plan.days = days;
  plan.end_day = 20'700;
  return plan;
}

}  // namespace candor::loadgen::testing
