// From journal entries to incidents, each told once as its most specific kind.
//
// The same failure leaves several entries: a segfault line of the kernel, a core dump, the failure
// of the unit whose process it was, the failed job that started the unit. They come in any order
// within seconds, because a core dump is written while the rest goes on. Rules, all within one
// boot:
// - a fault line and a core dump of the same process (its pid, or that of one of its threads) are
//   the core dump
// - a unit that failed by a core dump or signal, and a core dump inside that unit (or, without core
//   dump, a fault line within two seconds) are the crash
// - a unit that failed by an out-of-memory kill, and such a kill, are the kill
// - a unit's failure and its failed job are the unit's failure
// - a shortage of memory that kills several processes, a GPU that resets again and again, a task
//   that goes on hanging are one failure of the system
// A finding whose more specific sibling may still come waits, and all behind it, until it is
// half a minute old; so the position in the journal never passes over something untold.
//
// Further crashes of the same program with the same stack in one round are counted in `repeats`.
// Memory is bounded: findings that wait, and what was told in the last minutes. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/samplers/support/journal_entry.h"

namespace candor {

// The journal entries the crash sampler looks at, by systemd's catalogue.
namespace message_id {
constexpr std::string_view kCoredump = "fc2e22bc6ee647b6b90729ab34a250b1";
constexpr std::string_view kUnitFailed = "d9b373ed55a64feb8242e02dbe79a49c";
constexpr std::string_view kJobFailed = "be02cf6855d2428ba40df7e9d022f03d";
}  // namespace message_id

// The fields that FindingFrom looks at.
std::span<const std::string_view> FindingFields();

// What one entry says.
struct Finding {
  enum class Kind {
    kCoredump,
    kFault,
    kUnitFailure,
    kJobFailure,
    kOutOfMemory,
    kGpuReset,
    kHungTask,
  };
  Kind kind = Kind::kCoredump;
  std::string cursor;
  std::string boot_id;  // 16 raw bytes
  int64_t realtime_us = 0;
  int64_t monotonic_us = 0;

  uint32_t pid = 0;
  std::vector<uint32_t> threads;  // kCoredump
  std::string executable;         // kCoredump: its path; never told
  std::string task;               // the process's own name; never told unless a package owns it
  std::string cgroup;             // kCoredump
  bool contained = false;         // kCoredump: in a container
  std::string unit;               // kUnitFailure, kJobFailure; kCoredump: the unit it ran in
  std::string result;             // kUnitFailure: systemd's word; kJobFailure: the job's
  uint32_t signal = 0;
  std::string signature;  // raw bytes
};

// Nothing for an entry that tells of no failure.
std::optional<Finding> FindingFrom(const JournalEntry& entry);

struct Incident {
  Finding finding;
  uint32_t repeats = 0;
};

class IncidentMerger {
 public:
  static constexpr size_t kWaitingMax = 64;
  static constexpr int64_t kSettleUs = 30'000'000;

  bool Full() const { return waiting_.size() >= kWaitingMax; }
  bool Empty() const { return waiting_.empty(); }

  // In the journal's order. Must not be called when Full.
  void Add(Finding finding);

  // Takes what is settled at `now_us` (wall clock). `coredumps_expected`: systemd-coredump takes
  // the core dumps of this machine, so that one may follow a fault.
  std::vector<Incident> Settle(int64_t now_us, bool coredumps_expected);

  // Position behind the last finding that Settle took; empty when there was none yet.
  const std::string& cursor() const { return cursor_; }

 private:
  enum class Verdict { kTell, kDrop, kWait };

  Verdict Judge(size_t index, int64_t now_us, bool coredumps_expected) const;
  Verdict JudgeCoredump(const Finding& coredump) const;
  Verdict JudgeFault(const Finding& fault, bool young) const;
  Verdict JudgeUnitFailure(const Finding& failure, bool young) const;
  Verdict JudgeCrashedUnit(const Finding& failure, bool young) const;
  Verdict JudgeSystemFailure(size_t index, int64_t goes_on_us) const;
  Verdict JudgeJobFailure(const Finding& failure) const;
  bool HasDump(const Finding& fault) const;
  // Is there one, waiting or settled lately?
  template <typename Predicate>
  bool Any(Predicate predicate) const;
  void Remember(const Finding& finding, bool told);

  struct Settled {
    Finding finding;
    bool told = false;  // as its own incident; else it was part of another
  };

  std::deque<Finding> waiting_;
  std::deque<Settled> settled_;
  std::string cursor_;
};

}  // namespace candor
