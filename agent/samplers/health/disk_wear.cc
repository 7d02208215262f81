#include "agent/samplers/health/disk_wear.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "agent/samplers/support/text.h"

namespace candor {
namespace {

// Makers' data sheets of their SATA disks, and what smartmontools' drive database agrees with.
struct MakerAttribute {
  std::string_view model_begins;
  int id;
};
constexpr auto kMakers = std::to_array<MakerAttribute>({
    {"samsung", 177},  // wear levelling count
    {"intel", 233},    // media wearout indicator
    {"crucial", 202},  // percent lifetime remaining
    {"ct", 202},       // Crucial's bare model numbers
    {"micron", 202},
    {"mtfd", 202},      // Micron's bare model numbers
    {"kingston", 231},  // SSD life left
});

bool BeginsLike(std::string_view model, std::string_view lower) {
  const auto same = [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
  };
  return model.size() >= lower.size() && std::equal(lower.begin(), lower.end(), model.begin(),
                                                    [&](char l, char m) { return same(m, l); });
}

}  // namespace

absl::StatusOr<int64_t> AtaWearPct(std::string_view model,
                                   std::span<const AtaAttribute> attributes) {
  model = Trim(model);
  if (BeginsLike(model, "ata ")) model.remove_prefix(4);
  const auto maker = std::find_if(kMakers.begin(), kMakers.end(), [&](const MakerAttribute& m) {
    return BeginsLike(model, m.model_begins);
  });
  if (maker == kMakers.end()) {
    return absl::NotFoundError("it is not known where this maker's disks tell their wear");
  }
  for (const AtaAttribute& attribute : attributes) {
    if (attribute.id != maker->id) continue;
    if (attribute.value < 1 || attribute.value > 100) break;
    return 100 - attribute.value;
  }
  return absl::NotFoundError("the disk does not tell its wear");
}

absl::StatusOr<int64_t> EmmcWearPct(std::string_view life_time) {
  int64_t worst = 0;
  for (std::string_view step : Split(Trim(life_time), ' ')) {
    if (!step.starts_with("0x")) return absl::NotFoundError("the disk does not tell its wear");
    step.remove_prefix(2);
    int64_t value = 0;
    const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), value, 16);
    constexpr int64_t kExceeded = 0x0b;
    if (error != std::errc() || end != step.data() + step.size() || value > kExceeded) {
      return absl::NotFoundError("the disk does not tell its wear");
    }
    worst = std::max(worst, value);
  }
  if (worst == 0) return absl::NotFoundError("the disk does not tell its wear");
  return worst * 10;
}

}  // namespace candor
