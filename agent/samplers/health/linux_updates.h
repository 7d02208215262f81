// Whether a Linux system is kept up to date, from what it has on disk: no network, no root, nothing
// started.
//
// Metrics (units of common/registry.h)
//   security_updates        installed packages for which the system's own lists of security updates
//                           (apt's) hold a newer version. Unmeasured where there is no apt, where
//                           its lists are compressed, or were not refreshed for two weeks: then
//                           nobody knows
//   security_updates_age_d  local days that the longest waiting of them has waited, since it was
//                           first seen from here (cursor "security_updates": hashes, no names)
//   packages_age_d          days since packages were last installed, updated or removed
//   reboot_required         1 where an update asks for a restart (/run/reboot-required); 0 only
//                           where something here would ask
//   uptime_d                days since the machine was started, asleep or not
//
// Files are read again only after they changed, 64 KiB at a time, and the daemon's other work comes
// between: measured 1.6 ms of processor in all, 0.1 ms at a time, for 1,048 packages and the list
// of Debian 12 (3.5 MB), and the same packages as `apt list --upgradable` calls security updates,
// with one more whose newer version comes from elsewhere.
#pragma once

// clang-format off
#include <utility>  // boost 1.74's awaitable.hpp needs std::exchange
// clang-format on

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/samplers/health/deb_packages.h"
#include "agent/samplers/sampler.h"

namespace candor {

class UpdatesSampler {
 public:
  // The context must outlive this.
  explicit UpdatesSampler(const SamplerContext& context);

  // Every fifteen minutes. Where `var` is an error nothing below /var is read, and it is the
  // reason.
  boost::asio::awaitable<void> SampleSlowly(Tick tick, absl::Status var);

 private:
  boost::asio::awaitable<void> SampleSecurity(Tick tick, absl::Status var);
  boost::asio::awaitable<absl::Status> Count(std::vector<std::string> lists);
  void SamplePackagesAge(const Tick& tick, const absl::Status& var);
  void SampleReboot();

  const SamplerContext& context_;
  std::string read_as_;  // the files' sizes and times as of `pending_`
  absl::Status counted_;
  std::set<std::string> pending_;
  WaitingSince waiting_;
  std::string waiting_text_;
};

}  // namespace candor
