// How much of its writable life a disk has used, from what its kind tells. Pure, any thread.
//
// NVMe has one figure by its standard (percentage used; may pass 100). SATA has none: each maker
// keeps it in an attribute of its own, whose normalised value falls from 100, and another maker
// counts something else under the same number. So only the pairs of maker and attribute listed in
// disk_wear.cc are believed. eMMC tells steps of ten per cent (JEDEC 84-B51, DEVICE_LIFE_TIME_EST).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"

namespace candor {

struct AtaAttribute {
  int id = 0;
  int value = 0;  // normalised; -1 where the disk gives none
};

// Per cent used, 0 to 99; NotFound with the reason.
absl::StatusOr<int64_t> AtaWearPct(std::string_view model,
                                   std::span<const AtaAttribute> attributes);

// From the text of an eMMC's `life_time` ("0x02 0x01"): the upper end of the worse of its two
// steps, 10 to 110.
absl::StatusOr<int64_t> EmmcWearPct(std::string_view life_time);

}  // namespace candor
