// Carrying out what was asked. Gives the exit code: 0, 1 for a failure, 2 for wrong usage; a
// failure is one line on `err`. Nothing but results goes to `out`.
#pragma once

#include <iosfwd>

#include "collector/cli/commands.h"
#include "collector/cli/connection.h"
#include "collector/cli/terminal.h"
#include "common/clock.h"

namespace candor {

struct Surroundings {
  std::ostream& out;
  std::ostream& err;
  Terminal terminal;
  Environment env;
  const Clock& clock;
};

int Run(const Invocation& invocation, const Surroundings& around);

}  // namespace candor
