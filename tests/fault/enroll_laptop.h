// A laptop of a fault test gets its identity.
#pragma once

#include <string>

#include "tests/support/collector/collector_fixture.h"

namespace candor::testing {

// Makes the folder `state` and has candor-uplink enrol it as `host`. The collector is running.
void EnrollLaptop(const CollectorFixture& collector, const std::string& token_file,
                  const std::string& state, const std::string& host);

}  // namespace candor::testing
