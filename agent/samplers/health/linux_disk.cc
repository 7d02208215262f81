#include "agent/samplers/health/linux_disk.h"

#include "agent/samplers/health/disk_wear.h"
#include "agent/samplers/health/linux_udisks.h"
#include "agent/samplers/health/telling.h"
#include "agent/samplers/support/linux_system.h"
#include "agent/samplers/support/text.h"
#include "common/files.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

// What could not be read may have been at a bad moment: at start UDisks2 comes later than we do.
constexpr int64_t kWearRetryMs = 60 * 60'000;

}  // namespace

DiskSampler::DiskSampler(const SamplerContext& context) : context_(context), space_(context.io) {}

boost::asio::awaitable<void> DiskSampler::SampleSlowly(Tick tick) {
  const absl::StatusOr<Mount> mount = FindSystemMount(context_.roots);
  if (mount.ok()) {
    disk_.disks = DisksBehind(context_.roots, *mount);
  } else {
    disk_.disks = mount.status();
  }
  Use(OneDisk(disk_.disks));
  co_await SampleSpace(mount);
  co_await SampleWear(tick);
}

absl::Status DiskSampler::VarAnswers() const {
  if (absl::IsUnavailable(disk_.space.status())) return disk_.space.status();
  return VarMayBeRead(context_.roots);
}

boost::asio::awaitable<void> DiskSampler::SampleSpace(const absl::StatusOr<Mount>& mount) {
  if (mount.ok()) {
    const std::string path = mount->point == "/" ? mount->point : context_.roots.var;
    disk_.space = co_await space_.Read(path);
  } else {
    disk_.space = mount.status();
  }
  if (!TellWhether(context_.recorder, metric::kDiskFree, disk_.space.status())) co_return;
  context_.recorder.Gauge(metric::kDiskFree, "", disk_.space->free_mib);
}

boost::asio::awaitable<void> DiskSampler::SampleWear(const Tick& tick) {
  const int64_t day = LocalDay(tick.wall_ms, context_.clock.UtcOffsetMin(tick.wall_ms));
  if (day == wear_day_ || tick.boottime_ms < wear_due_ms_) co_return;
  const absl::StatusOr<int64_t> wear = co_await ReadWearPct();
  if (!TellWhether(context_.recorder, metric::kDiskWear, wear.status())) {
    wear_due_ms_ = tick.boottime_ms + kWearRetryMs;
    co_return;
  }
  context_.recorder.Gauge(metric::kDiskWear, "", *wear);
  wear_day_ = day;
}

boost::asio::awaitable<absl::StatusOr<int64_t>> DiskSampler::ReadWearPct() {
  if (!name_.ok()) co_return name_.status();
  const std::string kind = KindOfDisk(context_.roots, *name_);
  if (kind == "nvme" || kind == "ssd") {
    co_return co_await ReadUdisksWearPct(context_.io, BusSocket(context_.roots), *name_);
  }
  if (kind == "emmc") {
    const std::string path =
        Concat(context_.roots.sys, "/class/block/", *name_, "/device/life_time");
    co_return EmmcWearPct(ReadFile(path, 64).value_or(std::string()));
  }
  if (kind == "hdd") co_return absl::NotFoundError("a hard disk does not wear by being written");
  if (kind == "virtual") co_return absl::NotFoundError("a virtual disk does not wear");
  co_return absl::NotFoundError("this kind of disk does not tell its wear");
}

void DiskSampler::Use(absl::StatusOr<std::string> disk) {
  if (disk.ok() && name_.ok() && *disk == *name_) return;
  reads_.Reset();
  writes_.Reset();
  wear_day_ = -1;
  wear_due_ms_ = 0;
  name_ = std::move(disk);
}

absl::StatusOr<DiskCounters> DiskSampler::ReadCounters() const {
  if (!name_.ok()) return name_.status();
  const std::string folder = Concat(context_.roots.sys, "/class/block/", *name_);
  const absl::StatusOr<std::string> text = ReadFile(Concat(folder, "/stat"), 4096);
  const auto counters = text.ok() ? ParseDiskCounters(*text) : std::nullopt;
  if (!counters) return absl::NotFoundError("the kernel does not tell this disk's requests");
  if (counters->reads.done == 0 && counters->writes.done == 0) {
    // The disk this very program was read from.
    return absl::NotFoundError("the kernel does not count this disk's requests");
  }
  return *counters;
}

void DiskSampler::SampleLatency() {
  const absl::StatusOr<DiskCounters> counters = ReadCounters();
  const bool reads = TellWhether(context_.recorder, metric::kDiskRead, counters.status());
  const bool writes = TellWhether(context_.recorder, metric::kDiskWrite, counters.status());
  if (!reads || !writes) return;
  TellMean(metric::kDiskRead, reads_, counters->reads);
  TellMean(metric::kDiskWrite, writes_, counters->writes);
}

void DiskSampler::TellMean(uint32_t metric, RequestMeter& meter, const RequestCount& now) {
  if (const auto mean_us = meter.TakeUs(now)) context_.recorder.Record(metric, "", *mean_us);
}

}  // namespace candor
