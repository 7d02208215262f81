// Where /metrics and /readyz get the collector's own numbers from: counters of its parts, the store
// through a read-only connection, the process from /proc. One thread at a time (the local HTTP
// server's).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "collector/server/local_http.h"
#include "collector/server/metrics_page.h"
#include "collector/store/store.h"
#include "collector/store/writer.h"

namespace candor {

class StatusSource {
 public:
  struct Parts {
    const Store& store;
    const Writer& writer;
    const IngestStats& ingest;
    std::function<uint64_t()> devices;
    std::function<absl::Status()> fold_error;  // of the folds' last pass
    int64_t started_ms = 0;
  };
  // What the parts refer to must outlive it.
  static absl::StatusOr<std::unique_ptr<StatusSource>> Create(Parts parts);

  // /healthz: the process answers. /readyz: the store answers, what was
  // written last was committed, and the folds do not fail. /metrics.
  HttpPage Page(const std::string& path);

 private:
  StatusSource(Parts parts, Database reader)
      : parts_(std::move(parts)), reader_(std::move(reader)) {}
  absl::StatusOr<CollectorGauges> Gauges();
  HttpPage Ready();

  Parts parts_;
  Database reader_;
};

}  // namespace candor
