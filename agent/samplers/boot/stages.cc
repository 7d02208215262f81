#include "agent/samplers/boot/stages.h"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/samplers/support/text.h"
#include "candor/v1/envelope.pb.h"

namespace candor {
namespace {

// Deriving the key of an encrypted disk takes a second or two without anybody waiting.
constexpr uint64_t kUnlockUsMax = 5'000'000;
// A process 1 that starts this long after the kernel was started by a running machine.
constexpr uint64_t kKernelStageUsMax = 600'000'000;

struct Interval {
  uint64_t begin_us;
  uint64_t end_us;
};

uint64_t UnionUs(std::vector<Interval> intervals) {
  std::sort(intervals.begin(), intervals.end(),
            [](const Interval& a, const Interval& b) { return a.begin_us < b.begin_us; });
  uint64_t total_us = 0;
  uint64_t reached_us = 0;
  for (const Interval& i : intervals) {
    const uint64_t begin_us = std::max(i.begin_us, reached_us);
    if (i.end_us > begin_us) total_us += i.end_us - begin_us;
    reached_us = std::max(reached_us, i.end_us);
  }
  return total_us;
}

bool StartedByBoot(const UnitStamps& unit, const ManagerStamps& stamps) {
  return unit.active_enter_us > stamps.userspace_us && unit.active_enter_us <= stamps.finish_us;
}

// What people wait for. A display manager or target that was started again later says nothing about
// the boot; then the end of start-up stands in.
std::pair<uint64_t, std::string> EndOfBoot(const ManagerStamps& stamps) {
  for (const auto* unit : {&stamps.display_manager, &stamps.default_target}) {
    if (unit->has_value() && StartedByBoot(**unit, stamps)) {
      return {(*unit)->active_enter_us, (*unit)->name};
    }
  }
  return {stamps.finish_us, std::string(kStartupFinished)};
}

void AddSlowest(const ManagerStamps& stamps, v1::Boot& boot) {
  std::vector<std::pair<uint64_t, std::string_view>> units;
  for (const UnitStamps& unit : stamps.units) {
    const bool in_boot = unit.inactive_exit_us > 0 && unit.inactive_exit_us < stamps.finish_us;
    const uint64_t took_us = ActivatingUs(unit);
    if (in_boot && took_us > 0) units.emplace_back(took_us, unit.name);
  }
  std::sort(units.begin(), units.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  if (units.size() > kSlowestUnits) units.resize(kSlowestUnits);
  for (const auto& [took_us, name] : units) {
    v1::Boot::SlowUnit* slow = boot.add_slowest();
    slow->set_unit(std::string(name));
    slow->set_activating_us(took_us);
  }
}

uint64_t PassphraseUnitsUs(const ManagerStamps& stamps, uint64_t asked_us) {
  std::vector<Interval> waits;
  for (const UnitStamps& unit : stamps.units) {
    if (!unit.name.starts_with("systemd-cryptsetup@")) continue;
    const uint64_t took_us = ActivatingUs(unit);
    const bool in_boot = unit.inactive_exit_us < stamps.finish_us;
    if (took_us == 0 || !in_boot) continue;
    if (asked_us == 0 && took_us <= kUnlockUsMax) continue;
    const uint64_t end_us = std::min(unit.inactive_exit_us + took_us, stamps.finish_us);
    waits.push_back({std::max(unit.inactive_exit_us, asked_us), end_us});
  }
  return UnionUs(std::move(waits));
}

}  // namespace

bool IsContainer(std::string_view virtualization) {
  constexpr auto kContainers = std::to_array<std::string_view>(
      {"systemd-nspawn", "lxc", "lxc-libvirt", "docker", "podman", "rkt", "openvz", "wsl", "proot",
       "pouch", "container-other"});
  return std::find(kContainers.begin(), kContainers.end(), virtualization) != kContainers.end();
}

uint64_t ActivatingUs(const UnitStamps& unit) {
  const uint64_t begin_us = unit.inactive_exit_us;
  if (begin_us == 0) return 0;
  if (unit.active_enter_us >= begin_us) return unit.active_enter_us - begin_us;
  if (unit.inactive_enter_us >= begin_us) return unit.inactive_enter_us - begin_us;
  return 0;
}

std::optional<uint64_t> PassphraseUs(const ManagerStamps& stamps) {
  uint64_t asked_us = 0;
  for (const UnitStamps& unit : stamps.units) {
    const bool asks = unit.name == "systemd-ask-password-console.service" ||
                      unit.name == "systemd-ask-password-plymouth.service";
    if (!asks || unit.inactive_exit_us == 0 || unit.inactive_exit_us >= stamps.finish_us) continue;
    if (asked_us == 0 || unit.inactive_exit_us < asked_us) asked_us = unit.inactive_exit_us;
  }
  const uint64_t waited_us = PassphraseUnitsUs(stamps, asked_us);
  if (waited_us == 0) return std::nullopt;
  return waited_us;
}

bool InstalledUpdates(const std::vector<UnitStamps>& units) {
  constexpr auto kInstallers = std::to_array<std::string_view>(
      {"system-update.target", "packagekit-offline-update.service", "fwupd-offline-update.service",
       "dnf-system-upgrade.service", "dnf5-offline-transaction.service"});
  return std::any_of(units.begin(), units.end(), [&](const UnitStamps& unit) {
    const bool ran = unit.inactive_exit_us > 0 || unit.active_enter_us > 0;
    return ran && std::find(kInstallers.begin(), kInstallers.end(), unit.name) != kInstallers.end();
  });
}

v1::Boot BootFromStamps(const ManagerStamps& stamps) {
  v1::Boot boot;
  boot.set_source("systemd");
  const bool container = IsContainer(stamps.virtualization);
  if (!container) {
    if (stamps.firmware_us > stamps.loader_us) {
      boot.set_firmware_us(stamps.firmware_us - stamps.loader_us);
    }
    if (stamps.loader_us > 0) boot.set_loader_us(stamps.loader_us);
    boot.set_kernel_us(stamps.initrd_us > 0 ? stamps.initrd_us : stamps.userspace_us);
    if (stamps.initrd_us > 0 && stamps.userspace_us > stamps.initrd_us) {
      boot.set_initrd_us(stamps.userspace_us - stamps.initrd_us);
    }
  }
  if (stamps.finish_us > stamps.userspace_us) {
    boot.set_userspace_us(stamps.finish_us - stamps.userspace_us);
  }
  const uint64_t start_us = container ? stamps.userspace_us : 0;
  auto [end_us, until] = EndOfBoot(stamps);
  if (end_us > start_us) boot.set_total_us(end_us - start_us);
  boot.set_until(std::move(until));
  if (const auto waited_us = PassphraseUs(stamps)) boot.set_passphrase_us(*waited_us);
  boot.set_installed_updates(InstalledUpdates(stamps.units));
  AddSlowest(stamps, boot);
  return boot;
}

absl::StatusOr<uint64_t> ProcessStartUs(std::string_view stat, int64_t ticks_per_s) {
  // The second field, the name in brackets, may hold blanks and brackets itself.
  const size_t close = stat.rfind(')');
  if (close == std::string_view::npos || ticks_per_s <= 0) {
    return absl::InvalidArgumentError("/proc/1/stat: no process name in it");
  }
  const std::vector<std::string_view> fields = Split(stat.substr(close + 1), ' ');
  constexpr size_t kStartTime = 22 - 3;  // counted from the field behind the name
  const std::optional<uint64_t> ticks =
      fields.size() > kStartTime ? ParseNumber<uint64_t>(fields[kStartTime]) : std::nullopt;
  if (!ticks) return absl::InvalidArgumentError("/proc/1/stat: no start time in it");
  return *ticks * 1'000'000 / static_cast<uint64_t>(ticks_per_s);
}

v1::Boot BootFromKernel(uint64_t process_1_start_us) {
  v1::Boot boot;
  boot.set_source("kernel");
  if (process_1_start_us <= kKernelStageUsMax) boot.set_kernel_us(process_1_start_us);
  return boot;
}

}  // namespace candor
