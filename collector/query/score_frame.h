// Scores of device-days in columns, for everything that is about more than one device. Provisional
// device-days are left out: they never are part of a group. Minutes lost come twice: as they are,
// and as they may be shown where they are one device's or a filter picked the devices (coarse.h).
//
// Plain values once loaded.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "collector/query/period.h"
#include "collector/query/view.h"

namespace candor {

struct FrameDay {
  int64_t device = 0;
  int64_t day = 0;
  std::optional<double> score;  // nothing: coverage too low
  double coverage = 0;
  double lost_min = 0;
  // What the day was scored by; null where this program does not have that model. Lives as long as
  // the context.
  const Model* model = nullptr;
};

// Device-days of a period by (device, day).
absl::StatusOr<std::vector<FrameDay>> LoadFrameDays(ViewContext& context, const Period& period);
// The same, only of the devices that the request's filter left.
absl::StatusOr<std::vector<FrameDay>> LoadFrameDays(ViewContext& context,
                                                    const ViewRequest& request);

// Means that may end up without a value.
class Mean {
 public:
  void Add(double value, double times = 1) {
    sum_ += value;
    count_ += times;
  }
  void Merge(const Mean& other) {
    sum_ += other.sum_;
    count_ += other.count_;
  }
  std::optional<double> value() const {
    return count_ > 0 ? std::optional<double>(sum_ / count_) : std::nullopt;
  }
  double sum() const { return sum_; }
  double count() const { return count_; }

 private:
  double sum_ = 0;
  double count_ = 0;
};

// A device over a period.
struct DeviceScore {
  int64_t device = 0;
  Mean score;
  Mean coverage;
  Mean lost_min;
  Mean shown_lost_min;
};

// One entry a device that has a day, by device.
std::vector<DeviceScore> SumByDevice(const std::vector<FrameDay>& days);

// The models that scored these days, each with its first day, oldest first.
struct ModelUse {
  const Model* model = nullptr;
  int64_t from_day = 0;
};
std::vector<ModelUse> ModelsUsed(std::span<const FrameDay> days);
// "candor-1, candor-2"
std::string ModelNames(const std::vector<ModelUse>& models);
// What a trend over days of several models must say; nothing where there is one.
std::optional<std::string> BreakNote(const std::vector<ModelUse>& models);

// Mean score of each day of the period, NaN where nobody has one. A trend breaks where the model
// changes: `series` has the days of the model `latest`, `before` those of others, empty where there
// are none.
struct Trend {
  std::vector<double> series;
  std::vector<double> before;
};
Trend DailyMeans(std::span<const FrameDay> days, const Period& period, const Model* latest);

// The model that scores a day (table model_date).
absl::StatusOr<std::shared_ptr<const Model>> ModelOn(ViewContext& context, int64_t day);

// Mean points of each domain, for each device.
using DomainMeans = std::map<int64_t, std::vector<Mean>>;
struct DomainFrame {
  std::vector<std::string> domains;  // in the order of the model of the period's last day
  DomainMeans means;                 // one entry a domain
};
absl::StatusOr<DomainFrame> LoadDomains(ViewContext& context, const ViewRequest& request);

// True where some domain's mean is below 60.
bool HasWeakDomain(const std::vector<Mean>& domains);
constexpr double kWeakDomainPoints = 60;

// Mean of the values of a scored metric for each device; rates per active time are rounded.
absl::StatusOr<std::unordered_map<int64_t, double>> LoadMetricMeans(ViewContext& context,
                                                                    const Period& period,
                                                                    std::string_view metric);

// Minutes lost to these causes by device, on days that are not provisional.
struct LostMinutes {
  double exact = 0;
  double shown = 0;
};
absl::StatusOr<std::unordered_map<int64_t, LostMinutes>> LoadLostMinutes(
    ViewContext& context, const Period& period, const std::vector<std::string>& causes);

// Whether minutes that so many devices lost must be shown rounded: those of one, and those of
// devices that the asker picked, for two picks that differ in one device would tell its minutes.
bool MustRound(const ViewRequest& request, size_t devices);

// How much the coverage of two sides may differ for their scores to compare.
bool CoverageComparable(double a, double b);

}  // namespace candor
