#include "common/standard_output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

namespace candor {

int FinishOutput(const char* program, int exit_code) {
  errno = 0;
  std::cout.flush();
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good();
  if (written || errno == EPIPE) return exit_code;
  std::fprintf(stderr, "%s: cannot write to standard output: %s\n", program,
               std::strerror(errno != 0 ? errno : EIO));
  return exit_code == 0 ? 1 : exit_code;
}

}  // namespace candor
