#include "collector/fold/score_pass.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <span>
#include <utility>

#include "candor/v1/envelope.pb.h"
#include "collector/store/facts.pb.h"
#include "common/log.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

constexpr int64_t kLookBack = Model::kWindowDaysMax - 1;

struct StoredDay {
  store::v1::FactSet facts;
  std::deque<v1::Event> parsed;  // keeps its elements where they are
  std::vector<DayEvent> events;
};

absl::Status ReadFacts(Database& db, int64_t device, int64_t first, int64_t last,
                       std::map<int64_t, StoredDay>& days) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      db.Prepare("SELECT day, facts FROM day_fact WHERE device = ? AND day BETWEEN ? AND ?"));
  select.BindAll(device, first, last);
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool row, select.Step());
    if (!row) return absl::OkStatus();
    const std::string_view bytes = select.BlobAt(1);
    StoredDay& day = days[select.Int(0)];
    if (!day.facts.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      LogError("stored facts cannot be read; 'rebuild' restores them",
               {{"device", device}, {"day", FormatDay(select.Int(0))}});
      day.facts.Clear();
    }
  }
}

absl::Status ReadEvents(Database& db, int64_t device, int64_t first, int64_t last,
                        std::map<int64_t, StoredDay>& days) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      db.Prepare("SELECT day, wall_ms, event FROM event WHERE device = ? AND day BETWEEN ? AND ?"
                 " AND kind IN (?, ?, ?, ?, ?, ?) ORDER BY day, wall_ms, epoch, seq, ordinal"));
  select.BindAll(device, first, last, event::kBoot, event::kCrash, event::kSystemFailure,
                 event::kHang, event::kSignIn, event::kResume);
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool row, select.Step());
    if (!row) return absl::OkStatus();
    const auto at = days.find(select.Int(0));
    if (at == days.end()) continue;
    const std::string_view bytes = select.BlobAt(2);
    v1::Event& event = at->second.parsed.emplace_back();
    if (!event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      at->second.parsed.pop_back();
      continue;
    }
    at->second.events.push_back({select.Int(1), &event});
  }
}

struct DirtyDevice {
  int64_t device = 0;
  std::vector<int64_t> days;
};

absl::StatusOr<std::vector<DirtyDevice>> ReadDirty(Database& db, int devices_max) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      db.Prepare("SELECT device, day FROM score_dirty WHERE device IN"
                 " (SELECT DISTINCT device FROM score_dirty ORDER BY device LIMIT ?)"
                 " ORDER BY device, day"));
  select.BindAll(devices_max);
  std::vector<DirtyDevice> devices;
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool row, select.Step());
    if (!row) return devices;
    if (devices.empty() || devices.back().device != select.Int(0)) {
      devices.push_back({select.Int(0), {}});
    }
    devices.back().days.push_back(select.Int(1));
  }
}

// True when a window that ends on `day` can reach a day that changed.
bool LooksBackOnDirty(const std::vector<int64_t>& dirty, int64_t day) {
  const auto at = std::lower_bound(dirty.begin(), dirty.end(), day - kLookBack);
  return at != dirty.end() && *at <= day;
}

absl::Status ScoreDevice(Database& db, const ModelDates& models, const DirtyDevice& dirty,
                         ScoredSlice& out) {
  const int64_t first = dirty.days.front();
  const int64_t last = dirty.days.back();
  CANDOR_ASSIGN_OR_RETURN(const std::vector<DaySummary> days,
                          ReadSummaries(db, dirty.device, first - kLookBack, last + kLookBack));
  for (size_t i = 0; i < days.size(); ++i) {
    if (!LooksBackOnDirty(dirty.days, days[i].day)) continue;
    const auto& model = models.For(days[i].day);
    const std::span<const DaySummary> trailing(days.data(), i + 1);
    out.days.push_back({dirty.device, model->name, DeriveDay(trailing, *model)});
  }
  for (const int64_t day : dirty.days) out.cleared.emplace_back(dirty.device, day);
  return absl::OkStatus();
}

// The statements that replace all scores of a device-day.
class ScoreWriter {
 public:
  static absl::StatusOr<ScoreWriter> Create(Database& db) {
    constexpr const char* kStatements[] = {
        "INSERT OR REPLACE INTO score (device, day, model, score, coverage, provisional, lost_min)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        "DELETE FROM score_metric WHERE device = ? AND day = ?",
        "INSERT INTO score_metric (device, day, metric, value, points, lost)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        "DELETE FROM score_domain WHERE device = ? AND day = ?",
        "INSERT INTO score_domain (device, day, domain, points) VALUES (?, ?, ?, ?)",
        "DELETE FROM time_lost WHERE device = ? AND day = ?",
        "INSERT INTO time_lost (device, day, cause, minutes) VALUES (?, ?, ?, ?)",
    };
    std::vector<Statement> prepared;
    for (const char* sql : kStatements) {
      CANDOR_ASSIGN_OR_RETURN(Statement statement, db.Prepare(sql));
      prepared.push_back(std::move(statement));
    }
    return ScoreWriter(std::move(prepared));
  }

  absl::Status Write(const DeviceDayScore& scored) {
    const DeviceDay& day = scored.day;
    const int64_t device = scored.device;
    CANDOR_RETURN_IF_ERROR(score_
                               .BindAll(device, day.day, scored.model, day.score.score,
                                        day.score.coverage, day.score.provisional, day.lost_min)
                               .Run());
    CANDOR_RETURN_IF_ERROR(clear_metric_.BindAll(device, day.day).Run());
    for (const MetricScore& one : day.score.metrics) {
      CANDOR_RETURN_IF_ERROR(
          metric_
              .BindAll(device, day.day, EntryOf(one.metric).name, one.value, one.points, one.lost)
              .Run());
    }
    CANDOR_RETURN_IF_ERROR(clear_domain_.BindAll(device, day.day).Run());
    for (const DomainScore& domain : day.score.domains) {
      CANDOR_RETURN_IF_ERROR(domain_.BindAll(device, day.day, domain.name, domain.points).Run());
    }
    CANDOR_RETURN_IF_ERROR(clear_lost_.BindAll(device, day.day).Run());
    for (const LostTime& lost : day.lost) {
      CANDOR_RETURN_IF_ERROR(lost_.BindAll(device, day.day, lost.cause, lost.minutes).Run());
    }
    return absl::OkStatus();
  }

 private:
  explicit ScoreWriter(std::vector<Statement> s)
      : score_(std::move(s[0])),
        clear_metric_(std::move(s[1])),
        metric_(std::move(s[2])),
        clear_domain_(std::move(s[3])),
        domain_(std::move(s[4])),
        clear_lost_(std::move(s[5])),
        lost_(std::move(s[6])) {}

  Statement score_;
  Statement clear_metric_;
  Statement metric_;
  Statement clear_domain_;
  Statement domain_;
  Statement clear_lost_;
  Statement lost_;
};

}  // namespace

absl::StatusOr<ModelDates> ModelDates::Read(Database& db, const ModelSet& models) {
  ModelDates dates;
  CANDOR_ASSIGN_OR_RETURN(auto first, models.Find(kDefaultModel));
  dates.from_.emplace_back(std::numeric_limits<int64_t>::min(), std::move(first));
  CANDOR_ASSIGN_OR_RETURN(Statement select,
                          db.Prepare("SELECT from_day, model FROM model_date ORDER BY from_day"));
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool row, select.Step());
    if (!row) return dates;
    auto model = models.Find(select.Text(1));
    if (!model.ok()) {
      return Prefix(model.status(), "days from " + FormatDay(select.Int(0)));
    }
    dates.from_.emplace_back(select.Int(0), *std::move(model));
  }
}

const std::shared_ptr<const Model>& ModelDates::For(int64_t day) const {
  const auto after = std::find_if(from_.begin() + 1, from_.end(),
                                  [&](const auto& date) { return date.first > day; });
  return std::prev(after)->second;
}

absl::StatusOr<std::vector<DaySummary>> ReadSummaries(Database& db, int64_t device, int64_t first,
                                                      int64_t last) {
  std::map<int64_t, StoredDay> stored;
  CANDOR_RETURN_IF_ERROR(ReadFacts(db, device, first, last, stored));
  CANDOR_RETURN_IF_ERROR(ReadEvents(db, device, first, last, stored));
  std::vector<DaySummary> summaries;
  summaries.reserve(stored.size());
  for (const auto& [day, content] : stored) {
    summaries.push_back(SummarizeDay(day, content.facts, content.events));
  }
  return summaries;
}

absl::StatusOr<ScoredSlice> DeriveScores(Database& reader, const ModelSet& models,
                                         int devices_max) {
  ScoredSlice out;
  CANDOR_ASSIGN_OR_RETURN(const std::vector<DirtyDevice> dirty, ReadDirty(reader, devices_max));
  if (dirty.empty()) return out;
  CANDOR_ASSIGN_OR_RETURN(const ModelDates dates, ModelDates::Read(reader, models));
  for (const DirtyDevice& device : dirty) {
    CANDOR_RETURN_IF_ERROR(ScoreDevice(reader, dates, device, out));
  }
  return out;
}

absl::Status WriteScores(Database& db, const ScoredSlice& slice) {
  CANDOR_ASSIGN_OR_RETURN(ScoreWriter writer, ScoreWriter::Create(db));
  for (const DeviceDayScore& day : slice.days) CANDOR_RETURN_IF_ERROR(writer.Write(day));
  CANDOR_ASSIGN_OR_RETURN(Statement clear,
                          db.Prepare("DELETE FROM score_dirty WHERE device = ? AND day = ?"));
  for (const auto& [device, day] : slice.cleared) {
    CANDOR_RETURN_IF_ERROR(clear.BindAll(device, day).Run());
  }
  return absl::OkStatus();
}

}  // namespace candor
