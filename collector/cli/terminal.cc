#include "collector/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

namespace candor {
namespace {

constexpr size_t kWidthUnknown = 100;
constexpr size_t kWidthMin = 40;

}  // namespace

Terminal LookAtTerminal(const Environment& env) {
  Terminal terminal;
  terminal.out = isatty(STDOUT_FILENO) == 1;
  terminal.err = isatty(STDERR_FILENO) == 1;
  if (!terminal.out) return terminal;
  // https://no-color.org: any value but an empty one.
  const bool no_colour = !env("NO_COLOR").value_or("").empty();
  terminal.colour = !no_colour && env("TERM").value_or("dumb") != "dumb";
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  terminal.width = known ? size.ws_col : kWidthUnknown;
  if (terminal.width < kWidthMin) terminal.width = kWidthMin;
  return terminal;
}

}  // namespace candor
