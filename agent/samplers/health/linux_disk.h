// The system disk's part of the health sampler: room, time that requests take, wear.
#pragma once

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "agent/samplers/health/disk_latency.h"
#include "agent/samplers/health/linux_sources.h"
#include "agent/samplers/health/linux_system_disk.h"
#include "agent/samplers/sampler.h"

namespace candor {

class DiskSampler {
 public:
  // The context must outlive this.
  explicit DiskSampler(const SamplerContext& context);

  // What changes slowly: where the disk is, its room and, once each local day, its wear.
  boost::asio::awaitable<void> SampleSlowly(Tick tick);
  // The time that requests took; with every tick, one small file.
  void SampleLatency();

  // An error is the reason why nothing below /var should be read now: it may not answer, or the
  // system's file system just did not.
  absl::Status VarAnswers() const;

  // As of the last SampleSlowly.
  const SystemDisk& disk() const { return disk_; }

 private:
  boost::asio::awaitable<void> SampleSpace(const absl::StatusOr<Mount>& mount);
  boost::asio::awaitable<void> SampleWear(const Tick& tick);
  boost::asio::awaitable<absl::StatusOr<int64_t>> ReadWearPct();
  void Use(absl::StatusOr<std::string> disk);
  absl::StatusOr<DiskCounters> ReadCounters() const;
  void TellMean(uint32_t metric, RequestMeter& meter, const RequestCount& now);

  const SamplerContext& context_;
  SystemDisk disk_;
  absl::StatusOr<std::string> name_ = absl::NotFoundError("not looked for");
  PatientDiskSpace space_;
  RequestMeter reads_;
  RequestMeter writes_;
  int64_t wear_day_ = -1;  // local day whose wear was told
  int64_t wear_due_ms_ = 0;
};

}  // namespace candor
