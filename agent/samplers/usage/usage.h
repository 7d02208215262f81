// Usage: whether a person uses the device in a minute. It is the denominator of everything else and
// never a measure itself; nothing about who, which session or when leaves the laptop but one of the
// four states of candor.v1.Activity a minute.
//
// The rule:
//   by input   some session is in front, unlocked, and had input within the last five minutes
//   by login   somebody is signed in, and nothing tells about input
//   by uptime  nobody can be seen at all, and no desktop is here
//   inactive   whoever can be seen is idle, locked or in the background; or a desktop is here and
//              nobody is signed in
// What tells of input
//   a desktop  its own idle hint to logind (desktops set it after five minutes without input, and
//              take it back with the first). A desktop that has never told of idleness on this
//              device may not tell at all: until it first does, its sessions count by login.
//   a terminal (console or remote) logind's idle-since, the terminal's last read
//   else       a session without terminal (file transfer) tells nothing
// Where this family is switched off, every minute counts by uptime (agent/daemon/samplers.h).
// Sources: logind over the system bus, asked at most once a minute while in use; without logind,
// the utmp file. Told with every tick.
#pragma once

#include <memory>

#include "agent/samplers/sampler.h"

namespace candor {

// The context must outlive the sampler.
std::unique_ptr<Sampler> MakeUsageSampler(const SamplerContext& context);

}  // namespace candor
