// storm-laptop STATE UPLINK: see storm_laptop.h. SIGTERM: measure no more, send what there is, end.
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <string>

#include "tests/fault/storm_laptop.h"

namespace {
std::atomic<bool> draining = false;
static_assert(std::atomic<bool>::is_always_lock_free);
}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: storm-laptop STATE UPLINK\n", stderr);
    return 2;
  }
  signal(SIGTERM, [](int) { draining = true; });
  signal(SIGPIPE, SIG_IGN);
  candor::testing::StormOptions options;
  options.state = argv[1];
  options.uplink = argv[2];
  const absl::Status status = candor::testing::RunStorm(options, draining);
  if (status.ok()) return 0;
  std::fprintf(stderr, "storm-laptop: %s\n", std::string(status.message()).c_str());
  return 1;
}
