#include "agent/samplers/health/battery.h"

#include <algorithm>
#include <cmath>

#include "agent/samplers/support/text.h"

namespace candor {
namespace {

constexpr int64_t kNearlyEmptyPct = 5;
// A pack may hold a little more than it was designed for; far more is a broken gauge, and so is
// next to nothing: such a pack could not run what tells about it.
constexpr double kHealthMax = 1.5;
constexpr double kHealthMin = 0.02;
constexpr int64_t kCapacityMax = 1'000'000'000'000;

std::optional<int64_t> Positive(std::string_view text) {
  const auto value = ParseNumber<int64_t>(text);
  if (!value || *value <= 0 || *value > kCapacityMax) return std::nullopt;
  return value;
}

std::optional<int64_t> Percent(std::string_view text) {
  const auto value = ParseNumber<int64_t>(text);
  if (!value || *value < 0 || *value > 100) return std::nullopt;
  return value;
}

struct Capacity {
  double full = 0;
  double design = 0;
};

// In watt hours.
std::optional<Capacity> Energy(const BatteryPack& pack) {
  if (pack.energy_full_uwh && pack.energy_full_design_uwh) {
    return Capacity{static_cast<double>(*pack.energy_full_uwh) / 1e6,
                    static_cast<double>(*pack.energy_full_design_uwh) / 1e6};
  }
  if (!pack.charge_full_uah || !pack.charge_full_design_uah || !pack.voltage_min_design_uv) {
    return std::nullopt;
  }
  const double volt = static_cast<double>(*pack.voltage_min_design_uv) / 1e6;
  return Capacity{static_cast<double>(*pack.charge_full_uah) / 1e6 * volt,
                  static_cast<double>(*pack.charge_full_design_uah) / 1e6 * volt};
}

// In ampere hours.
std::optional<Capacity> Charge(const BatteryPack& pack) {
  if (!pack.charge_full_uah || !pack.charge_full_design_uah) return std::nullopt;
  return Capacity{static_cast<double>(*pack.charge_full_uah) / 1e6,
                  static_cast<double>(*pack.charge_full_design_uah) / 1e6};
}

bool CanBe(const Capacity& capacity) {
  const double health = capacity.full / capacity.design;
  return health >= kHealthMin && health <= kHealthMax;
}

// All packs that can be believed, each judged alone: a broken gauge must not hide among good ones.
template <typename Of>
Capacity Sum(std::span<const BatteryPack> packs, Of of) {
  Capacity sum;
  for (const BatteryPack& pack : packs) {
    const auto capacity = of(pack);
    if (!capacity || !CanBe(*capacity)) continue;
    sum.full += capacity->full;
    sum.design += capacity->design;
  }
  return sum;
}

bool TellsBoth(const BatteryPack& pack) {
  return (pack.energy_full_uwh && pack.energy_full_design_uwh) ||
         (pack.charge_full_uah && pack.charge_full_design_uah);
}

}  // namespace

std::optional<BatteryPack> ParseBattery(std::string_view type, std::string_view uevent) {
  if (Trim(type) != "Battery") return std::nullopt;
  BatteryPack pack;
  for (const std::string_view line : Split(uevent, '\n')) {
    constexpr std::string_view kPrefix = "POWER_SUPPLY_";
    const size_t equals = line.find('=');
    if (!line.starts_with(kPrefix) || equals == std::string_view::npos) continue;
    const std::string_view key = line.substr(kPrefix.size(), equals - kPrefix.size());
    const std::string_view value = Trim(line.substr(equals + 1));
    if (key == "SCOPE" && value == "Device") return std::nullopt;
    if (key == "PRESENT" && value == "0") return std::nullopt;
    if (key == "STATUS") pack.discharging = value == "Discharging";
    if (key == "CAPACITY") pack.capacity_pct = Percent(value);
    if (key == "ENERGY_FULL") pack.energy_full_uwh = Positive(value);
    if (key == "ENERGY_FULL_DESIGN") pack.energy_full_design_uwh = Positive(value);
    if (key == "CHARGE_FULL") pack.charge_full_uah = Positive(value);
    if (key == "CHARGE_FULL_DESIGN") pack.charge_full_design_uah = Positive(value);
    if (key == "VOLTAGE_MIN_DESIGN") pack.voltage_min_design_uv = Positive(value);
  }
  return pack;
}

absl::StatusOr<int64_t> BatteryHealth(std::span<const BatteryPack> packs) {
  if (packs.empty()) return absl::NotFoundError("no battery");
  Capacity sum = Sum(packs, Energy);
  if (sum.design <= 0) sum = Sum(packs, Charge);
  if (sum.design > 0) return std::llround(sum.full / sum.design * 10'000);
  return absl::NotFoundError(std::any_of(packs.begin(), packs.end(), TellsBoth)
                                 ? "the battery tells a capacity that cannot be"
                                 : "the battery does not tell its full and design capacity");
}

bool NearlyEmpty(std::span<const BatteryPack> packs) {
  return !packs.empty() && std::all_of(packs.begin(), packs.end(), [](const BatteryPack& pack) {
    return pack.capacity_pct && *pack.capacity_pct <= kNearlyEmptyPct &&
           (pack.discharging || *pack.capacity_pct == 0);
  });
}

}  // namespace candor
