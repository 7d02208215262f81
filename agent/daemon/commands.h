// The subcommands of candor-agent that end by themselves. Each writes its result to standard output
// and gives an error as a status; main turns that into one line and an exit code.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/daemon/output.h"
#include "agent/daemon/settings.h"
#include "common/clock.h"

namespace candor {

// What the running daemon is doing.
absl::Status RunStatus(const AgentSettings& settings, OutputFormat format, const Clock& clock);

struct LedgerOptions {
  uint32_t limit = 0;  // batches, newest first; 0: all
  uint64_t seq = 0;    // one batch, with every value it carried; 0: an overview
};
// Everything that was sent, as the running daemon kept it.
absl::Status RunLedger(const AgentSettings& settings, const LedgerOptions& options,
                       OutputFormat format, const Clock& clock);

struct SampleOptions {
  int64_t duration_ms = 2'000;  // between the first and the last reading
  LinuxRoots roots;
};
// Measures now, prints every metric with its value or reason, sends nothing. Needs neither daemon
// nor privileges.
absl::Status RunSample(const AgentSettings& settings, const SampleOptions& options,
                       OutputFormat format, const Clock& clock);

struct EnrollArguments {
  std::string collector;
  std::string token_file;
  std::string ca_fingerprint;
  std::vector<std::string> labels;
  bool again = false;
};
// Has candor-uplink enrol this laptop, then tells a running daemon. The exit code is the uplink's.
absl::StatusOr<int> RunEnroll(const AgentSettings& settings, const EnrollArguments& arguments,
                              const std::string& own_path);

// Path of the running program.
absl::StatusOr<std::string> OwnPath();

}  // namespace candor
