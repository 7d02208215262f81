// How long work on this machine had to wait: pressure stall information (PSI) of the kernel, for
// the whole machine on each tick and once a minute for each desktop application that runs in a
// scope of its own. "Some" stalls: time in which at least one task waited for a CPU, for memory or
// for a disk (https://docs.kernel.org/accounting/psi.html).
//
// What only a desktop session can see (window replies, hangs, launches, sign-in, resume) is
// candor-session's; where it is not there, that is said. One thread; owned by the daemon.
#pragma once

#include <array>
#include <memory>

#include "agent/samplers/sampler.h"

namespace candor {

// Everything that this family can emit.
inline constexpr std::array<uint32_t, 9> kResponsivenessMetrics = {201, 202, 203, 204, 205,
                                                                   206, 210, 211, 212};

std::unique_ptr<Sampler> MakeResponsivenessSampler(const SamplerContext& context);

}  // namespace candor
