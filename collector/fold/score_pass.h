// Derives scores anew for device-days whose facts changed, and for those that look back on them.
//
// Scores are a fold of the stored facts and events; table score_dirty says where they are behind.
// Reading and deriving happen on the folder's thread, writing in the committer's transaction, which
// also clears the marks: nobody else sets them in between, for only the folder changes facts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "collector/fold/day_values.h"
#include "collector/score/model.h"
#include "common/sqlite.h"

namespace candor {

struct DeviceDayScore {
  int64_t device = 0;
  std::string model;
  DeviceDay day;
};

struct ScoredSlice {
  std::vector<DeviceDayScore> days;
  // Marks that these scores answer.
  std::vector<std::pair<int64_t, int64_t>> cleared;
};

// Which model scores which day (table model_date): the one of the latest date not after it;
// candor-1 before the first date.
class ModelDates {
 public:
  // NotFound names the date and the model that is not in `models`.
  static absl::StatusOr<ModelDates> Read(Database& db, const ModelSet& models);
  const std::shared_ptr<const Model>& For(int64_t day) const;

 private:
  std::vector<std::pair<int64_t, std::shared_ptr<const Model>>> from_;  // ascending
};

// Reads the summaries of a device's days from `first` to `last`, ascending; days without a fact row
// are absent.
absl::StatusOr<std::vector<DaySummary>> ReadSummaries(Database& db, int64_t device, int64_t first,
                                                      int64_t last);

// Scores what at most `devices_max` devices have dirty. Empty `cleared`: nothing is.
absl::StatusOr<ScoredSlice> DeriveScores(Database& reader, const ModelSet& models, int devices_max);

// Within a transaction of the writing connection.
absl::Status WriteScores(Database& db, const ScoredSlice& slice);

}  // namespace candor
