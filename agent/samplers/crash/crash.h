// Crashes: programs and services that fell over, and failures of the whole system that the journal
// tells of.
//
// Sources: the journal and, where it takes the core dumps, apport's log; read on behind saved
// positions with every tick, so that across restarts nothing is missed and nothing told twice. At
// the very first start reading begins at their ends: what happened before was not watched.
//   core dumps          systemd-coredump's entries            → v1::Crash, source "coredump"
//   apport's reports    /var/log/apport.log (readable by adm) → v1::Crash, source "apport"
//   segfault lines      the kernel's log                      → v1::Crash, source "kernel"
//   unit failures       the service manager's entries         → v1::UnitFailure
//   out-of-memory kills of the system: the kernel's log, systemd-oomd's entries
//                                                             → v1::SystemFailure
//   the same of a group with a limit of its own: the kernel's log
//                                             → v1::Crash by SIGKILL, source "out_of_memory"
//   GPU resets, hung tasks, the kernel's log                  → v1::SystemFailure
// One incident is told once, as its most specific kind: see incident.h. Failures that come again
// and again are counted and told as one: see loops.h.
//
// Names: a program is named only if a package, flatpak or snap owns it, else it is "other"
// (agent/samplers/support/owner.h); a unit only if a package brought it
// (agent/samplers/support/unit_name.h). Arguments, environment, paths and addresses never leave;
// the stack's signature is a hash (stack.h).
//
// Watched, for as long as the journal is read to its end: "journal" where it is kept over a
// restart, for only then can a panic or an unclean shutdown be found (boot.h); "coredumps" while
// the count of crashes is whole: core dumps go to systemd-coredump (or one was seen to come) or to
// apport, whose log can be read, and a package database tells whose programs crash.
#pragma once

#include <memory>

#include "agent/samplers/sampler.h"

namespace candor {

// The context must outlive the sampler.
std::unique_ptr<Sampler> MakeCrashSampler(const SamplerContext& context);

}  // namespace candor
