// candor: IT's terminal. Wiring only.
#include <absl/synchronization/mutex.h>

#include <iostream>

#include "collector/cli/command_line.h"
#include "collector/cli/run.h"
#include "common/clock.h"
#include "common/standard_output.h"

namespace {

int Main(int argc, char** argv) {
  const candor::CommandLine line = candor::ParseCommandLine(argc, argv);
  if (line.done) {
    if (line.exit_code == 0) {
      std::cout << line.text;
    } else {
      std::cerr << "candor: " << line.text << "\n";
    }
    return line.exit_code;
  }
  const candor::SystemClock clock;
  const candor::Surroundings around{std::cout, std::cerr,
                                    candor::LookAtTerminal(candor::SystemEnvironment),
                                    candor::SystemEnvironment, clock};
  return candor::Run(line.invocation, around);
}

}  // namespace

int main(int argc, char** argv) {
  // Looking for deadlocks costs more than a plain connection.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return candor::FinishOutput("candor", Main(argc, argv));
}
