// What the run_*.cc files share; run.cc picks among them.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/cli/commands.h"
#include "collector/cli/render.h"
#include "collector/cli/run.h"
#include "collector/query/table.h"

namespace candor {

absl::Status RunQuery(const Invocation& invocation, const Surroundings& around);
absl::Status RunWatch(const Invocation& invocation, const Surroundings& around);
absl::Status RunAdmin(const Invocation& invocation, const Surroundings& around);
absl::Status RunOfflineScore(const Invocation& invocation, const Surroundings& around);

absl::StatusOr<Credential> ConnectionFor(const Invocation& invocation, const Surroundings& around);
Format FormatOf(const Invocation& invocation);
RenderOptions OptionsFor(const Invocation& invocation, const Surroundings& around);
// Writes and flushes; Unavailable when the reader has gone.
absl::Status Print(const std::vector<Table>& tables, const Invocation& invocation,
                   const Surroundings& around);

// Marks an error as a mistake in the arguments: exit code 2.
absl::Status WrongUsage(const absl::Status& status);
bool IsWrongUsage(const absl::Status& status);
// A collector that answers "invalid argument" speaks of what was typed.
absl::Status FromCollector(const absl::Status& status);

// --where, --sort and --limit carried out here, on one table: for what the collector does not do
// them for. An error is marked as wrong usage.
absl::Status ShapeHere(const Invocation& invocation, const Surroundings& around, Table& table);

}  // namespace candor
