// Battery packs as the kernel describes them. Pure functions, any thread.
//
// The source is the text of /sys/class/power_supply/NAME/uevent: lines POWER_SUPPLY_KEY=VALUE, with
// energies in microwatt hours, charges in microampere hours, voltages in microvolts.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace candor {

struct BatteryPack {
  std::optional<int64_t> energy_full_uwh;
  std::optional<int64_t> energy_full_design_uwh;
  std::optional<int64_t> charge_full_uah;
  std::optional<int64_t> charge_full_design_uah;
  std::optional<int64_t> voltage_min_design_uv;
  std::optional<int64_t> capacity_pct;  // how full it is now
  bool discharging = false;
};

// Nothing for what is no system battery: mains, a mouse's battery (scope "Device"), an empty bay.
std::optional<BatteryPack> ParseBattery(std::string_view type, std::string_view uevent);

// Full capacity against design capacity in hundredths of a percent, packs weighted by their design
// capacity; a pack that tells charges counts by its design voltage, where all packs tell charges
// without voltages, charge itself weighs. A pack whose values cannot be (under 2 or over 150
// percent) does not count. NotFound: "no battery", or that no pack tells both values, or none that
// can be.
absl::StatusOr<int64_t> BatteryHealth(std::span<const BatteryPack> packs);

// All packs drain and hold no more than 5 percent.
bool NearlyEmpty(std::span<const BatteryPack> packs);

}  // namespace candor
