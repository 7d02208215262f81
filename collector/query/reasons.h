// Why something is not measured on a device, in the words its agent sent, and which registry
// entries a scored metric comes from.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "collector/score/metrics.h"
#include "common/sqlite.h"

namespace candor {

// Registry numbers that a scored metric is derived from.
struct Origin {
  std::vector<uint32_t> metrics;
  std::vector<uint32_t> events;
};
Origin OriginOf(ScoreMetric metric);

// The latest candor.v1.Unmeasured of a device.
class Reasons {
 public:
  static absl::StatusOr<Reasons> Load(Database& db, int64_t device);

  struct Item {
    uint32_t metric = 0;  // 0 where `event` is set
    uint32_t event = 0;
    std::string subject;
    std::string reason;
  };
  const std::vector<Item>& items() const { return items_; }

  // "" where the device says nothing about it.
  std::string OfMetric(uint32_t metric) const;
  std::string OfEvent(uint32_t event) const;
  // The first reason among the metric's origins.
  std::string Of(ScoreMetric metric) const;

 private:
  std::vector<Item> items_;
};

}  // namespace candor
