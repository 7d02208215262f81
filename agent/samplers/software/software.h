// Software: what the system's package managers installed, told as changes.
//
// Events (common/registry.h)
//   software_change   one for all that changed of one manager since the last look: name, version
//                     before and after. The whole list is told once at first, and again after
//                     kWholeDays days: it answers "who still has the old version", and it corrects
//                     what a lost batch or a day that came too late left wrong
//
// A family of its own, so that an operator or the person at the laptop can switch it off
// (families_off = ["software"]) and keep the rest of health. Names come from the system's own
// package managers; home folders are not looked at. A package that somebody built has the name they
// gave it.
//
// Looked at every five minutes: a few calls of stat where nothing changed. What changed is read
// (linux_managers.h), compared with what was told last (told_list.h) and told, at most 128 KiB in a
// minute; a long list takes several. Nothing but stamps stays in memory. Measured with a status
// file of 2,500 packages (2.3 MB): 0.04 ms of processor where nothing changed, 5.6 ms where
// something did, at most 3 ms without a break; the whole list 79 KB, 23 KB as it is sent; a
// megabyte of memory for that moment.
//
// Unmeasured, each with its reason: a manager whose files cannot be read (its name is the subject;
// nothing of it is told as removed), rpm, and "" where no manager is known.
#pragma once

#include <cstdint>
#include <memory>

#include "agent/samplers/sampler.h"

namespace candor {

constexpr int64_t kSoftwareLookMs = 5 * 60'000;
constexpr int64_t kSoftwareWholeDays = 30;

// The context must outlive the sampler.
std::unique_ptr<Sampler> MakeSoftwareSampler(const SamplerContext& context);

}  // namespace candor
