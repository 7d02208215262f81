// What the streams are connected to.
#pragma once

#include <cstddef>

#include "collector/cli/connection.h"

namespace candor {

struct Terminal {
  bool out = false;     // standard output is a terminal
  bool err = false;     // standard error is one
  bool colour = false;  // on standard output: a terminal, and neither NO_COLOR nor TERM=dumb
  size_t width = 0;     // columns of standard output; 0 where it is none
};

Terminal LookAtTerminal(const Environment& env);

}  // namespace candor
