#include "collector/server/model_dates.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

using Dates = std::map<int64_t, std::string>;

absl::StatusOr<Dates> ReadDates(Database& db) {
  CANDOR_ASSIGN_OR_RETURN(Statement rows, db.Prepare("SELECT from_day, model FROM model_date"));
  Dates dates;
  for (;;) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return dates;
    dates.emplace(rows.Int(0), rows.Text(1));
  }
}

std::string ModelOf(const Dates& dates, int64_t day) {
  const auto after = dates.upper_bound(day);
  return after == dates.begin() ? std::string(kDefaultModel) : std::prev(after)->second;
}

// The first day before today on which the two differ and that is scored.
absl::Status CheckPast(Database& db, const Dates& before, const Dates& after, int64_t today) {
  std::set<int64_t> starts{std::numeric_limits<int32_t>::min()};
  for (const auto& [day, model] : before) starts.insert(day);
  for (const auto& [day, model] : after) starts.insert(day);
  CANDOR_ASSIGN_OR_RETURN(
      Statement scored,
      db.Prepare("SELECT day FROM score WHERE day >= ? AND day < ? ORDER BY day LIMIT 1"));
  for (auto it = starts.begin(); it != starts.end() && *it < today; ++it) {
    const int64_t end = std::next(it) == starts.end() ? today : std::min(*std::next(it), today);
    if (ModelOf(before, *it) == ModelOf(after, *it)) continue;
    scored.BindAll(*it, end);
    CANDOR_ASSIGN_OR_RETURN(const bool found, scored.Step());
    if (!found) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "the settings give ", FormatDay(scored.Int(0)), " to model ", ModelOf(after, *it),
        ", but it was scored with ", ModelOf(before, *it), " and past days are never rescored"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ApplyModelDates(Database& db, const std::vector<CollectorSettings::Model>& models,
                             const ModelSet& known, int64_t today) {
  if (models.empty()) return absl::OkStatus();
  Dates after;
  for (const CollectorSettings::Model& model : models) {
    CANDOR_RETURN_IF_ERROR(known.Find(model.name).status());
    after[model.from_day] = model.name;
  }
  CANDOR_ASSIGN_OR_RETURN(const Dates before, ReadDates(db));
  if (before == after) return absl::OkStatus();
  CANDOR_RETURN_IF_ERROR(CheckPast(db, before, after, today));
  CANDOR_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(db));
  CANDOR_RETURN_IF_ERROR(db.Execute("DELETE FROM model_date"));
  CANDOR_ASSIGN_OR_RETURN(Statement insert,
                          db.Prepare("INSERT INTO model_date (from_day, model) VALUES (?, ?)"));
  for (const auto& [day, model] : after) {
    insert.BindAll(day, model);
    CANDOR_RETURN_IF_ERROR(insert.Run());
  }
  return transaction.Commit();
}

}  // namespace candor
