// Scores of device-days in columns, for everything that is about more than one device. Provisional
// device-days are left out: they never are part of a group.
//
// Plain values once loaded.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
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
};

// Device-days of a period by (device, day).
absl::StatusOr<std::vector<FrameDay>> LoadFrameDays(ViewContext& context, const Period& period);

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
};

// One entry a device that has a day, by device.
std::vector<DeviceScore> SumByDevice(const std::vector<FrameDay>& days);

// Mean score of each day of the period, NaN where nobody has one.
std::vector<double> DailyMeans(const std::vector<FrameDay>& days, const Period& period);

// Mean points of each domain, for each device.
using DomainMeans = std::map<int64_t, std::vector<Mean>>;
struct DomainFrame {
  std::vector<std::string> domains;  // in the model's order
  DomainMeans means;                 // one entry a domain
};
absl::StatusOr<DomainFrame> LoadDomains(ViewContext& context, const Period& period);

// True where some domain's mean is below 60.
bool HasWeakDomain(const std::vector<Mean>& domains);
constexpr double kWeakDomainPoints = 60;

// Mean of the values of scored metrics for each device, for the metrics named.
absl::StatusOr<std::unordered_map<int64_t, double>> LoadMetricMeans(ViewContext& context,
                                                                    const Period& period,
                                                                    std::string_view metric);

// Minutes lost to these causes by device, on days that are not provisional.
absl::StatusOr<std::unordered_map<int64_t, double>> LoadLostMinutes(
    ViewContext& context, const Period& period, const std::vector<std::string>& causes);

}  // namespace candor
