#include "collector/query/reasons.h"

#include "candor/v1/envelope.pb.h"
#include "common/registry.h"
#include "common/status.h"

namespace candor {

Origin OriginOf(ScoreMetric metric) {
  switch (metric) {
    case ScoreMetric::kBoot:
      return {{}, {event::kBoot}};
    case ScoreMetric::kSignIn:
      return {{}, {event::kSignIn}};
    case ScoreMetric::kResume:
      return {{}, {event::kResume}};
    case ScoreMetric::kAppCrashes:
      return {{}, {event::kCrash}};
    case ScoreMetric::kAppHangs:
      return {{}, {event::kHang}};
    case ScoreMetric::kSystemFailures:
      return {{}, {event::kSystemFailure}};
    case ScoreMetric::kRtt:
      return {{metric::kRtt}, {}};
    case ScoreMetric::kLoss:
      return {{metric::kSegmentsRetransmitted, metric::kSegmentsSent}, {}};
    case ScoreMetric::kDns:
      return {{metric::kDns}, {}};
    case ScoreMetric::kOffline:
      return {{metric::kOfflineSeconds, metric::kOnlineSeconds, metric::kProbes}, {}};
    case ScoreMetric::kUiReply:
      return {{metric::kUiReply}, {}};
    case ScoreMetric::kHang:
      return {{metric::kHangSeconds}, {}};
    case ScoreMetric::kLaunch:
      return {{metric::kLaunch}, {}};
    case ScoreMetric::kStall:
      return {{metric::kIoStall, metric::kMemoryStall}, {}};
    case ScoreMetric::kCpuWait:
      return {{metric::kCpuStall}, {}};
    case ScoreMetric::kDiskFree:
      return {{metric::kDiskFree}, {}};
    case ScoreMetric::kBattery:
      return {{metric::kBatteryHealth}, {}};
    case ScoreMetric::kThrottle:
      return {{metric::kThrottled}, {}};
  }
  return {};
}

absl::StatusOr<Reasons> Reasons::Load(Database& db, int64_t device) {
  CANDOR_ASSIGN_OR_RETURN(Statement select,
                          db.Prepare("SELECT items FROM unmeasured WHERE device = ?"));
  select.BindAll(device);
  Reasons reasons;
  CANDOR_ASSIGN_OR_RETURN(const bool found, select.Step());
  if (!found) return reasons;
  const std::string_view bytes = select.BlobAt(0);
  v1::Unmeasured unmeasured;
  if (!unmeasured.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError("the device's list of what is unmeasured cannot be read");
  }
  for (const v1::Unmeasured::Item& item : unmeasured.items()) {
    reasons.items_.push_back({item.metric(), item.event(), item.subject(), item.reason()});
  }
  return reasons;
}

std::string Reasons::OfMetric(uint32_t metric) const {
  for (const Item& item : items_) {
    if (item.metric == metric) return item.reason;
  }
  return "";
}

std::string Reasons::OfEvent(uint32_t event) const {
  for (const Item& item : items_) {
    if (item.metric == 0 && item.event == event) return item.reason;
  }
  return "";
}

std::string Reasons::Of(ScoreMetric metric) const {
  const Origin origin = OriginOf(metric);
  for (const uint32_t number : origin.metrics) {
    if (std::string reason = OfMetric(number); !reason.empty()) return reason;
  }
  for (const uint32_t number : origin.events) {
    if (std::string reason = OfEvent(number); !reason.empty()) return reason;
  }
  return "";
}

}  // namespace candor
