#include "collector/fold/slice.h"

#include <algorithm>
#include <vector>

#include "candor/v1/envelope.pb.h"
#include "collector/fold/clock_correction.h"
#include "collector/store/schema.h"
#include "common/batch.h"
#include "common/columns.h"
#include "common/log.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

constexpr int kUtcOffsetMax = 26 * 60;
// Clocks may be a day ahead in local time; what claims to be later is not believed.
constexpr int64_t kDaysAheadMax = 1;
// Counts of what came too late are kept by day; no day further back than this gets a row.
constexpr int64_t kDaysBackMax = 400;

enum class Verdict { kFold, kTooLate, kSkip };

// Folds one batch. Lives for one row.
class BatchFold final : public WindowVisitor {
 public:
  BatchFold(const LogRow& row, const DayGate& gate, Slice& slice)
      : row_(row), gate_(gate), slice_(slice), received_day_(LocalDay(row.received_ms, 0)) {}

  void Run(const v1::Contents& contents, int64_t sealed_wall_ms) {
    minutes_ = DecodeMinutes(contents);
    const ClockCorrection clock(minutes_,
                                BatchSkewMs(row_.skew_ms, sealed_wall_ms, row_.received_ms));
    PlaceMinutes(clock);
    VisitWindows(contents, minutes_, *this);
    for (int i = 0; i < contents.events_size(); ++i) FoldEvent(contents, i, clock);
  }

  void OnWindow(const Minute& minute, uint32_t metric, std::string_view subject, int64_t sum,
                const Histogram& histogram) override {
    if (metric_ == nullptr || metric_->number != metric) metric_ = FindMetric(metric);
    if (metric_ == nullptr || sum < 0 || sum > FactAccumulator::kWindowSumMax ||
        histogram.count() > FactAccumulator::kWindowCountMax ||
        (metric_->kind == MetricKind::kDistribution) == histogram.empty()) {
      return;
    }
    const Place& place = places_[static_cast<size_t>(&minute - minutes_.data())];
    if (place.too_late != nullptr) ++place.too_late->windows;
    if (place.hour == nullptr) return;
    place.hour->AddWindow(*metric_, subject, minute.activity, sum, histogram,
                          {place.wall_ms, row_.epoch, row_.seq});
  }

 private:
  // Where the windows of a minute go: at most one of the two is set.
  struct Place {
    FactAccumulator* hour = nullptr;
    Slice::TooLate* too_late = nullptr;
    int64_t wall_ms = 0;
  };

  Verdict Judge(int64_t day) const {
    if (day > received_day_ + kDaysAheadMax) {
      return received_day_ + kDaysAheadMax <= gate_.skip_through ? Verdict::kSkip
                                                                 : Verdict::kTooLate;
    }
    if (day <= gate_.skip_through) return Verdict::kSkip;
    return day <= row_.sealed_through_day ? Verdict::kTooLate : Verdict::kFold;
  }

  Slice::TooLate& TooLateOn(int64_t day) {
    const int64_t kept =
        std::clamp(day, received_day_ - kDaysBackMax, received_day_ + kDaysAheadMax);
    const auto [at, added] = slice_.too_late.try_emplace({row_.device, kept});
    if (counted_.insert(kept).second) ++at->second.batches;
    return at->second;
  }

  void PlaceMinutes(const ClockCorrection& clock) {
    places_.resize(minutes_.size());
    for (size_t i = 0; i < minutes_.size(); ++i) {
      Place& place = places_[i];
      place.wall_ms = clock.MinuteMs(i);
      const int64_t hour = LocalHour(place.wall_ms, minutes_[i].utc_offset_min);
      const int64_t day = DayOfHour(hour);
      const Verdict verdict = Judge(day);
      if (verdict == Verdict::kTooLate) place.too_late = &TooLateOn(day);
      if (verdict != Verdict::kFold) continue;
      place.hour = &slice_.hours[{row_.device, hour}];
      place.hour->AddMinute(minutes_[i]);
      slice_.days.insert({row_.device, day});
    }
  }

  void FoldEvent(const v1::Contents& contents, int ordinal, const ClockCorrection& clock) {
    const v1::Event& event = contents.events(ordinal);
    if (event.what_case() == v1::Event::WHAT_NOT_SET) return;
    if (event.wall_ms() < 0 || event.wall_ms() > kWallMsMax ||
        std::abs(int64_t{event.utc_offset_min()}) > kUtcOffsetMax) {
      ++slice_.skipped;
      return;
    }
    static const std::string kNoBoot;
    const std::string& boot = event.boot() < static_cast<uint32_t>(contents.boots_size())
                                  ? contents.boots(static_cast<int>(event.boot()))
                                  : kNoBoot;
    const int64_t wall_ms = clock.EventMs(event.wall_ms(), boot);
    const int64_t day = DayOfHour(LocalHour(wall_ms, event.utc_offset_min()));
    const Verdict verdict = Judge(day);
    if (verdict == Verdict::kTooLate) ++TooLateOn(day).events;
    if (verdict != Verdict::kFold) return;
    slice_.days.insert({row_.device, day});
    const Stamp stamp{wall_ms, row_.epoch, row_.seq};
    if (event.has_unmeasured()) {
      KeepUnmeasured(event.unmeasured(), day, stamp);
      return;
    }
    if (event.has_inventory()) KeepInventory(event.inventory(), day, stamp);
    if (event.has_software_change()) {
      KeepSoftware(event.software_change(), day, stamp);
      // A whole list is what there is, nothing that happened.
      if (event.software_change().baseline()) return;
    }
    KeepEvent(event, day, stamp, ordinal);
  }

  void KeepEvent(const v1::Event& event, int64_t day, const Stamp& stamp, int ordinal) {
    v1::Event kept = event;
    kept.clear_boot();  // an index into a list that stays behind in the batch
    Slice::EventRow& to =
        slice_.events[{row_.device, day, stamp.wall_ms, row_.epoch, row_.seq, ordinal}];
    to.kind = static_cast<uint32_t>(event.what_case());
    to.event = kept.SerializeAsString();
    slice_.event_bytes += to.event.size();
  }

  // Later events of one batch come later, also when their stamps are equal.
  void KeepUnmeasured(const v1::Unmeasured& unmeasured, int64_t day, const Stamp& stamp) {
    Slice::UnmeasuredRow& row = slice_.unmeasured[row_.device];
    if (stamp < row.stamp) return;
    row = {stamp, day, unmeasured.SerializeAsString()};
  }

  void KeepInventory(const v1::Inventory& inventory, int64_t day, const Stamp& stamp) {
    const auto keep = [&](std::string_view key, std::string value, bool removed) {
      Slice::InventoryRow& row = slice_.inventory[{row_.device, std::string(key)}];
      if (stamp < row.stamp) return;
      row = {stamp, day, std::move(value), removed};
    };
    if (inventory.complete()) keep(Slice::kCompleteKey, "", true);
    for (const v1::Inventory::Property& property : inventory.set()) {
      if (!property.key().empty()) keep(property.key(), property.value(), false);
    }
    for (const std::string& key : inventory.unset()) {
      if (!key.empty()) keep(key, "", true);
    }
  }

  void KeepSoftware(const v1::SoftwareChange& software, int64_t day, const Stamp& stamp) {
    const auto keep = [&](const std::string& name, const std::string& version) {
      Slice::SoftwareRow& row = slice_.software[{row_.device, software.manager(), name}];
      if (stamp < row.stamp) return;
      row = {stamp, day, version};
    };
    if (software.begins()) keep("", "");
    for (const v1::SoftwareChange::Change& change : software.changes()) {
      if (!change.name().empty()) keep(change.name(), change.after());
    }
  }

  const LogRow& row_;
  const DayGate& gate_;
  Slice& slice_;
  const int64_t received_day_;
  std::vector<Minute> minutes_;
  std::vector<Place> places_;
  std::set<int64_t> counted_;  // days this batch is counted on as too late
  const MetricEntry* metric_ = nullptr;
};

}  // namespace

struct RowFolder::Messages {
  v1::SealedBatch batch;
  v1::Contents contents;
};

RowFolder::RowFolder() : messages_(std::make_unique<Messages>()) {}
RowFolder::RowFolder(RowFolder&&) noexcept = default;
RowFolder& RowFolder::operator=(RowFolder&&) noexcept = default;
RowFolder::~RowFolder() = default;

absl::Status RowFolder::FoldBatch(const LogRow& row, const DayGate& gate, Slice& slice) {
  auto& [batch, contents] = *messages_;
  CANDOR_RETURN_IF_ERROR(ParseSealed(row.sealed, batch));
  if (batch.content_case() != v1::SealedBatch::kContentsZstd) {
    ++slice.skipped;
    return absl::OkStatus();
  }
  CANDOR_RETURN_IF_ERROR(ParseContents(batch, contents));
  BatchFold(row, gate, slice).Run(contents, batch.sealed_wall_ms());
  ++slice.batches;
  return absl::OkStatus();
}

void RowFolder::Fold(const LogRow& row, const DayGate& gate, Slice& slice) {
  slice.watermark = std::max(slice.watermark, row.id);
  if (row.kind != static_cast<int>(LogKind::kBatch)) return;
  const absl::Status status = FoldBatch(row, gate, slice);
  if (status.ok()) return;
  ++slice.skipped;
  LogError("a batch in the log cannot be read and is not folded",
           {{"log", row.id}, {"device", row.device}, {"error", std::string(status.message())}});
}

}  // namespace candor
