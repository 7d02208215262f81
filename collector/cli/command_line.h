// From argv to an Invocation. The only file behind it that sees CLI11.
#pragma once

#include <string>

#include "collector/cli/commands.h"

namespace candor {

struct CommandLine {
  Invocation invocation;  // unless `done`
  bool done = false;      // --help, --version or a mistake: print and leave
  int exit_code = 0;      // 0, or 2 for wrong usage
  std::string text;       // for standard output (0) or standard error (2, one line)
};

CommandLine ParseCommandLine(int argc, const char* const* argv);

}  // namespace candor
