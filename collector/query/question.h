// From a request to its answer: what its words mean (view, device, period, dimension, filter), the
// view run in one read transaction, and the shaping that any table allows. Everything that can be
// asked passes through here, so here is where looking at one device is written down:
//
// - a view about one device: before it is answered
// - sql, watch of the fleet: always, the statement with it
// - any other view: where a filter leaves one device of many, and where it picks among rows that
//   are devices (the filter with it)
//
// One question at a time on one connection. Errors are one line for the person who asked:
// InvalidArgument, NotFound, FailedPrecondition (a host name that fits several), DeadlineExceeded,
// Cancelled.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/query/look.h"
#include "collector/query/table.h"
#include "collector/query/view.h"
#include "common/clock.h"
#include "common/sqlite.h"

namespace candor::v1 {
class QueryRequest;
}

namespace candor {

struct QuestionLimits {
  static constexpr size_t kTextBytesMax = 64 << 10;
  static constexpr size_t kWordBytesMax = 1024;  // device, by, from, to, against, sort
  static constexpr int64_t kPeriodDaysMax = 800;
  static constexpr int64_t kRunMsMax = 60'000;
  static constexpr int64_t kSqlMsMax = 10'000;
};

struct QuestionParts {
  Database& db;
  const ModelSet& models;
  const Clock& clock;
  AuditSink audit;
  std::string actor;
  // Told which device somebody watches live; may be empty.
  std::function<void(int64_t device)> watching;
  std::function<void(std::string_view doing, uint64_t done, uint64_t total)> progress;
  // Set from another thread when nobody waits any more; may be null.
  const std::atomic<bool>* cancelled = nullptr;
  // False when the same question is asked again in a watch: it was written down the first time.
  bool audited = true;
};

absl::StatusOr<std::vector<Table>> AnswerQuestion(const QuestionParts& parts,
                                                  const v1::QueryRequest& request);

}  // namespace candor
