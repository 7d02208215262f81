// Crashes: programs and services that fell over, and failures of the whole system that the journal
// tells of.
//
// Source: the journal, read on behind a saved position with every tick, so that across restarts
// nothing is missed and nothing told twice. At the very first start reading begins at the journal's
// end: what happened before was not watched.
//   core dumps          systemd-coredump's entries            → v1::Crash, source "coredump"
//   segfault lines      the kernel's log                      → v1::Crash, source "kernel"
//   unit failures       the service manager's entries         → v1::UnitFailure
//   out-of-memory kills the kernel's log, whole system only   → v1::SystemFailure
//   GPU resets, hung tasks, the kernel's log                  → v1::SystemFailure
// One incident is told once, as its most specific kind: see incident.h.
//
// Names: a program is named only if a package, flatpak or snap owns it, else it is "other"
// (agent/samplers/support/owner.h); a unit only if a package brought it
// (agent/samplers/support/unit_name.h). Arguments, environment, paths and addresses never leave;
// the stack's signature is a hash (stack.h).
//
// Watched, for as long as the journal is read to its end: "journal" where it is kept over a
// restart, for only then can a panic or an unclean shutdown be found (boot.h); "coredumps" while
// the count of crashes is whole: core dumps go to systemd-coredump (or one was seen to come), and a
// package database tells whose programs crash.
#pragma once

#include <memory>

#include "agent/samplers/sampler.h"

namespace candor {

// The context must outlive the sampler.
std::unique_ptr<Sampler> MakeCrashSampler(const SamplerContext& context);

}  // namespace candor
