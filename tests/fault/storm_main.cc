// storm-laptop STATE UPLINK [KEY=VALUE]...: see storm_laptop.h. SIGTERM: measure no more, send what
// there is, end.
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <string>

#include "tests/fault/storm_laptop.h"

namespace {
std::atomic<bool> draining = false;
static_assert(std::atomic<bool>::is_always_lock_free);

// False for a key that is none.
bool Set(const std::string& key, const std::string& value, candor::testing::StormOptions& options) {
  if (key == "spool_folder") {
    options.spool_folder = value;
  } else if (key == "spool_bytes") {
    options.spool_bytes_max = std::stoull(value);
  } else if (key == "backlog_bytes") {
    options.backlog_bytes_max = std::stoull(value);
  } else if (key == "minutes") {
    options.minutes = value == "yes";
  } else {
    return false;
  }
  return true;
}
}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: storm-laptop STATE UPLINK [KEY=VALUE]...\n", stderr);
    return 2;
  }
  signal(SIGTERM, [](int) { draining = true; });
  signal(SIGPIPE, SIG_IGN);
  candor::testing::StormOptions options;
  options.state = argv[1];
  options.uplink = argv[2];
  for (int i = 3; i < argc; ++i) {
    const std::string word = argv[i];
    const size_t equals = word.find('=');
    if (equals == std::string::npos ||
        !Set(word.substr(0, equals), word.substr(equals + 1), options)) {
      std::fprintf(stderr, "storm-laptop: %s is no option\n", argv[i]);
      return 2;
    }
  }
  const absl::Status status = candor::testing::RunStorm(options, draining);
  if (status.ok()) return 0;
  std::fprintf(stderr, "storm-laptop: %s\n", std::string(status.message()).c_str());
  return 1;
}
