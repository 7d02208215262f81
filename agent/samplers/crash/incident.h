// From journal entries to incidents, each told once as its most specific kind.
//
// The same failure leaves several entries: a segfault line of the kernel, a core dump, the failure
// of the unit whose process it was, the failed job that started the unit. They come in any order
// within seconds, because a core dump is written while the rest goes on. Rules, all within one
// boot:
// - a fault line and a core dump of the same process (its pid, or that of one of its threads) are
//   the core dump
// - a unit that failed by a core dump or signal, and a core dump inside that unit, are the crash;
//   so is a unit's core dump and one of apport's, which does not tell the unit, within ten seconds;
//   and, without core dump, a failed unit and a fault line within two seconds
// - a unit that failed by an out-of-memory kill, and such a kill, are the kill
// - a unit's failure and its failed job are the unit's failure
// - a unit that is given up because it was restarted too often says again how its last invocation
//   failed: that is no further failure, for an invocation fails once
// - a shortage of memory that kills several processes, a GPU that resets again and again, a task
//   that goes on hanging are one failure of the system
// A finding whose more specific sibling may still come waits, and all behind it, until it is
// half a minute old; so the position in the journal never passes over something untold.
//
// Further crashes of the same program with the same stack in one round are counted in `repeats`.
// Memory is bounded: findings that wait, those that were settled in the last minutes, and the
// invocations that failed last. The last two are in Saved(), to be kept with the position in the
// journal behind them, so that a restart between siblings tells nothing twice; names are not in
// there, only what tells whether two are the same. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/samplers/crash/apport_log.h"
#include "agent/samplers/support/journal_entry.h"

namespace candor {

// The journal entries the crash sampler looks at, by systemd's catalogue.
namespace message_id {
constexpr std::string_view kCoredump = "fc2e22bc6ee647b6b90729ab34a250b1";
constexpr std::string_view kUnitFailed = "d9b373ed55a64feb8242e02dbe79a49c";
constexpr std::string_view kJobFailed = "be02cf6855d2428ba40df7e9d022f03d";
// systemd-oomd ended all processes of a unit.
constexpr std::string_view kOomdKill = "d989611b15e44c9dbf31e3c81256e4ed";
}  // namespace message_id

// The ids above.
std::span<const std::string_view> FindingMessageIds();
// The fields that FindingFrom looks at.
std::span<const std::string_view> FindingFields();

// What one entry says.
struct Finding {
  enum class Kind {
    kCoredump,
    kFault,
    kUnitFailure,
    kJobFailure,
    kOutOfMemory,       // of the whole system, by the kernel or systemd-oomd
    kGroupOutOfMemory,  // a program that exceeded a limit of its own
    kGpuReset,
    kHungTask,
  };
  // Where it was read; each source has a position of its own.
  enum class Source { kJournal, kApport };
  Kind kind = Kind::kCoredump;
  Source source = Source::kJournal;
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
  std::string unit;               // kUnitFailure, kJobFailure; kCoredump: the unit it ran in;
                                  // kOutOfMemory: the unit that was ended
  std::string result;             // kUnitFailure: systemd's word; kJobFailure: the job's
  std::string invocation;         // kUnitFailure, kJobFailure: systemd's id of this run of the
                                  // unit, 32 hexadecimal digits; empty where it was not told
  uint32_t signal = 0;
  std::string signature;  // raw bytes

  // Stand for unit and task where findings are compared; the merger's.
  std::string unit_tag;
  std::string task_tag;
};

// Nothing for an entry that tells of no failure.
std::optional<Finding> FindingFrom(const JournalEntry& entry);

// A report of apport as a core dump of the present boot. `now` are both clocks at one moment.
struct Moment {
  int64_t realtime_us = 0;
  int64_t monotonic_us = 0;
};
Finding FindingFrom(const ApportReport& report, const std::string& position,
                    const std::string& boot_id, int utc_offset_min, const Moment& now);

struct Incident {
  Finding finding;
  uint32_t repeats = 0;
};

class IncidentMerger {
 public:
  static constexpr size_t kWaitingMax = 64;
  static constexpr int64_t kSettleUs = 30'000'000;
  static constexpr size_t kInvocationsMax = 16;
  // Of the findings settled last, and of the threads of each, so many are saved.
  static constexpr size_t kSavedMax = 16;
  static constexpr size_t kSavedThreadsMax = 8;

  // `saved` is what Saved() gave in an earlier run; what cannot be read is ignored.
  explicit IncidentMerger(std::string_view saved = {});

  bool Full() const { return waiting_.size() >= kWaitingMax; }
  bool Empty() const { return waiting_.empty(); }
  size_t waiting() const { return waiting_.size(); }
  // Something read from `source` waits.
  bool Waits(Finding::Source source) const;

  // In the order of each source. Must not be called when Full.
  void Add(Finding finding);

  // Takes what is settled at `now_us` (wall clock). `coredumps_expected`: systemd-coredump takes
  // the core dumps of this machine, so that one may follow a fault.
  std::vector<Incident> Settle(int64_t now_us, bool coredumps_expected);

  // Position behind the last finding of `source` that Settle took; empty when there was none yet.
  const std::string& cursor(Finding::Source source) const {
    return cursors_[static_cast<size_t>(source)];
  }

  // What Settle took last, as text of at most 4 KiB.
  std::string Saved() const;

 private:
  enum class Verdict { kTell, kDrop, kWait };

  Verdict Judge(size_t index, int64_t now_us, bool coredumps_expected) const;
  Verdict JudgeCoredump(const Finding& coredump) const;
  Verdict JudgeFault(const Finding& fault, bool young) const;
  Verdict JudgeUnitFailure(size_t index, bool young) const;
  Verdict JudgeCrashedUnit(const Finding& failure, bool young) const;
  Verdict JudgeSystemFailure(size_t index, int64_t goes_on_us) const;
  Verdict JudgeJobFailure(size_t index) const;
  bool HasDump(const Finding& fault) const;
  // Its invocation failed before, and this is said once more.
  bool IsEcho(size_t index) const;
  // Is there one, waiting or settled lately?
  template <typename Predicate>
  bool Any(Predicate predicate) const;
  // The findings before waiting_[index], newest first, for as long as `visit` returns true.
  template <typename Visit>
  void Before(size_t index, Visit visit) const;
  void Remember(const Finding& finding, bool told);
  void RememberInvocation(std::string_view invocation);

  struct Settled {
    Finding finding;
    bool told = false;  // as its own incident; else it was part of another
  };
  static std::string WordOf(const Settled& settled);
  // Nothing for what was not saved by this.
  static std::optional<Settled> SettledFrom(std::string_view word);

  std::deque<Finding> waiting_;
  std::deque<Settled> settled_;
  std::array<std::string, 2> cursors_;  // by source
  std::deque<std::string> failed_;      // invocations, the latest last
};

}  // namespace candor
