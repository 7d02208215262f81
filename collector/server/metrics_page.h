// The collector about itself in Prometheus's text format, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/). Pure function.
#pragma once

#include <cstdint>
#include <string>

#include "collector/ingest/stats.h"
#include "collector/store/losses.h"

namespace candor {

// What is not counted by ingest.
struct CollectorGauges {
  uint64_t commits = 0;
  uint64_t writes_waiting = 0;
  int64_t log_head = 0;                // log.id of the last row committed
  int64_t fold_lag_rows = 0;           // log rows not yet folded
  int64_t fold_score_days_behind = 0;  // device-days whose score is older than their facts
  uint64_t devices = 0;                // enrolled, not revoked
  uint64_t database_bytes = 0;
  uint64_t wal_bytes = 0;
  int64_t started_ms = 0;
  int64_t resident_bytes = 0;
  double cpu_seconds = 0;
  Losses losses;
};

std::string MetricsPage(const IngestStats& ingest, const CollectorGauges& gauges);

}  // namespace candor
