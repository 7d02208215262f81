// What candor-collector can be told to do. Each command writes its results to `out` and, where it
// takes long and `progress` is set, how far it is to that. Errors are one line for the operator.
//
// rebuild, check and dump work on a folder that no collector runs on: Unavailable otherwise.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "collector/server/settings.h"

namespace candor {

// How far a long command is: doing what, done, of how many (0: unknown).
using ProgressFn = std::function<void(std::string_view doing, uint64_t done, uint64_t total)>;

absl::Status RunInit(const std::string& data, const std::vector<std::string>& hosts,
                     std::ostream& out);

// Serves until SIGTERM or SIGINT; SIGHUP calls `reread` for new settings. Blocks these signals for
// the whole process.
absl::Status RunCollector(const CollectorSettings& settings,
                          const std::function<absl::StatusOr<CollectorSettings>()>& reread);

absl::Status RunRebuild(const std::string& data, std::ostream& out, const ProgressFn& progress);

// Verifies the database's own structure, the log, the audit chain and, unless `quick`, that the
// folds are what the log gives: by rebuilding them in a copy beside the data, which takes its room.
// FailedPrecondition when anything is wrong; what it is stands in `out`.
absl::Status RunCheck(const std::string& data, bool quick, std::ostream& out,
                      const ProgressFn& progress);

absl::Status RunDump(const std::string& data, std::ostream& out, const ProgressFn& progress);

}  // namespace candor
