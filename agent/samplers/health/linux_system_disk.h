// The system's disk on Linux: which devices stand behind its file system, down through partitions,
// encrypted and logical volumes and RAID, and how much room it has.
#pragma once

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/samplers/health/mounts.h"
#include "agent/samplers/sampler.h"

namespace candor {

// SystemMount (mounts.h) of this machine.
absl::StatusOr<Mount> FindSystemMount(const LinuxRoots& roots);

// Whether the files below /var may be read (MayBeRead); also OK where the system does not tell.
absl::Status VarMayBeRead(const LinuxRoots& roots);

// Names of the whole disks behind a mount, sorted: "nvme0n1". NotFound with the reason where there
// is none to be told: in a container, on ZFS, on a disk made of a file.
absl::StatusOr<std::vector<std::string>> DisksBehind(const LinuxRoots& roots, const Mount& mount);

// The one disk; NotFound where there are several.
absl::StatusOr<std::string> OneDisk(const absl::StatusOr<std::vector<std::string>>& disks);

// nvme, ssd, hdd, emmc, sd, virtual; empty where that cannot be told.
std::string KindOfDisk(const LinuxRoots& roots, const std::string& disk);

struct DiskSpace {
  int64_t free_mib = 0;  // for an ordinary user
  int64_t total_mib = 0;
};
absl::StatusOr<DiskSpace> ReadDiskSpace(const std::string& path);

// ReadDiskSpace for a caller that must not wait: asks in a thread of its own, the agent's only
// other one, which lives for one question (below a millisecond, every fifteen minutes). A file
// system that does not answer keeps that thread, never a second one, and never the caller.
//
// Used by one coroutine at a time, on the thread of `io`.
class PatientDiskSpace {
 public:
  static constexpr int kTimeLimitMs = 2'000;

  explicit PatientDiskSpace(boost::asio::io_context& io, int time_limit_ms = kTimeLimitMs);
  ~PatientDiskSpace();
  PatientDiskSpace(const PatientDiskSpace&) = delete;
  PatientDiskSpace& operator=(const PatientDiskSpace&) = delete;

  // Unavailable where there was no answer within the time limit, or none yet to an earlier
  // question.
  boost::asio::awaitable<absl::StatusOr<DiskSpace>> Read(std::string path);

 private:
  struct Question;
  static void Answer(const std::shared_ptr<Question>& question);
  absl::Status Start(std::string path);

  boost::asio::io_context& io_;
  const int time_limit_ms_;
  std::shared_ptr<Question> question_;  // the last one; its thread holds it too
};

}  // namespace candor
