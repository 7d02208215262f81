// Everything measured on one device, one row a registry entry and subject, and what is not, with
// the reason. Together the two tables name every entry of the registry.
//
// Amounts that would tell how long somebody worked (seconds online, milliseconds watched, probes)
// are shown as shares and rates, never as sums: working time is not a measure. Of what people do
// (signing in, opening the lid) only how long the machine took, never how often.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "collector/query/table.h"
#include "collector/query/view.h"

namespace candor {

// Metrics are those of the latest day in the period that has facts; events those of the whole
// period. First the measured, then the unmeasured.
absl::StatusOr<std::vector<Table>> MeasuredTables(ViewContext& context, const ViewRequest& request);

}  // namespace candor
