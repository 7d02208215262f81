// Which model scores which day: the settings' [[model]] entries, kept in table model_date. Past
// days are never rescored silently: once days were scored, an entry may change only from today on.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "collector/score/model.h"
#include "collector/server/settings.h"
#include "common/sqlite.h"

namespace candor {

// Brings table model_date in line with `models`, in one transaction, when nobody else writes.
// Nothing configured leaves the table alone. NotFound for a model that is not there;
// FailedPrecondition, naming the day, where a day already scored would get another model.
absl::Status ApplyModelDates(Database& db, const std::vector<CollectorSettings::Model>& models,
                             const ModelSet& known, int64_t today);

}  // namespace candor
